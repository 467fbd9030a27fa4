"""Names that Keras gives to layers by itself, under its own and older spellings.

Keras numbers unnamed layers per class, but every generation starts elsewhere: Keras 1 and 2 call
the first dense layer ``dense_1``, tf.keras and Keras 3 call it ``dense``. Equal automatic names
therefore prove nothing by themselves. Source: measured with Keras 1.2.2, 2.2.4, tf.keras 2.15
and Keras 3.15.
"""

from collections.abc import Mapping
from types import MappingProxyType

OLD_SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "conv1d": ("convolution1d",),
        "conv2d": ("convolution2d",),
        "conv3d": ("convolution3d",),
        "conv2d_transpose": ("deconvolution2d", "conv2dtranspose"),
        "conv1d_transpose": ("conv1dtranspose",),
        "conv3d_transpose": ("conv3dtranspose", "deconvolution3d"),
        "batch_normalization": ("batchnormalization", "batchnorm"),
        "layer_normalization": ("layernormalization",),
        "separable_conv2d": ("separableconvolution2d", "separableconv2d"),
        "depthwise_conv2d": ("depthwiseconv2d",),
        "p_re_lu": ("prelu",),
        "time_distributed": ("timedistributed",),
    }
)
"""Today's automatic base name to the base names of older generations."""
