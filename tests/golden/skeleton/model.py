import tensorflow as tf


class Affine(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable(tf.zeros((3, 2)), name="kernel")
        self.bias = tf.Variable(tf.zeros((2,)), name="bias")

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32)])
    def __call__(self, x):
        return x @ self.kernel + self.bias


def build_model():
    return Affine()
