"""R-Net, the refinement network of MTCNN, as its published description has it.

Looks again at each 24 by 24 window that P-Net proposed: a probability of being a face, and four
box corrections. The layers are named as in ``det2.npy``.
"""

import keras
from keras import layers


def _conv_prelu(x: keras.KerasTensor, number: int, filters: int, size: int) -> keras.KerasTensor:
    x = layers.Conv2D(filters, size, name=f"conv{number}")(x)
    # One slope per channel, wherever in the image: the file has shape (channels,) for it.
    return layers.PReLU(shared_axes=[1, 2], name=f"prelu{number}")(x)


def build_model() -> keras.Model:
    """Build R-Net for windows of 24 by 24 pixels, values in [-1, 1]."""
    image = layers.Input((24, 24, 3), name="image")
    x = _conv_prelu(image, 1, 28, size=3)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
    x = _conv_prelu(x, 2, 48, size=3)
    x = layers.MaxPooling2D(3, strides=2, padding="valid", name="pool2")(x)
    x = _conv_prelu(x, 3, 64, size=2)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(128, name="conv4")(x)  # the file's name for a dense layer
    x = layers.PReLU(name="prelu4")(x)
    score = layers.Dense(2, name="conv5-1")(x)
    outputs = {
        "probability": layers.Softmax(axis=-1, name="prob1")(score),
        "box": layers.Dense(4, name="conv5-2")(x),
    }
    return keras.Model(image, outputs, name="rnet")
