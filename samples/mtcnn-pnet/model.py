"""P-Net, the proposal network of MTCNN, as its published description has it.

A fully convolutional face detector: every 12 by 12 window of the image, two pixels apart, gets a
probability of being a face and four box corrections. The layers are named as in ``det1.npy``.
"""

import keras
from keras import layers


def _conv_prelu(x: keras.KerasTensor, number: int, filters: int) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 3, name=f"conv{number}")(x)
    # One slope per channel, wherever in the image: the file has shape (channels,) for it.
    return layers.PReLU(shared_axes=[1, 2], name=f"PReLU{number}")(x)


def build_model() -> keras.Model:
    """Build P-Net for images of any width and height, values in [-1, 1]."""
    image = layers.Input((None, None, 3), name="image")
    x = _conv_prelu(image, 1, 10)
    x = layers.MaxPooling2D(2, padding="same", name="pool1")(x)
    x = _conv_prelu(x, 2, 16)
    x = _conv_prelu(x, 3, 32)
    score = layers.Conv2D(2, 1, name="conv4-1")(x)
    outputs = {
        "probability": layers.Softmax(axis=-1, name="prob1")(score),
        "box": layers.Conv2D(4, 1, name="conv4-2")(x),
    }
    return keras.Model(image, outputs, name="pnet")
