"""Names that a configuration may use: Keras' own classes and functions, as data.

Source: the public names of Keras 3.15 and tf_keras 2.21; a test holds the tables against both.
Left out on purpose: what runs code or opens files that a configuration names.
"""

from collections.abc import Mapping


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RANKS = ("1D", "2D", "3D")
_RANKED = _names(
    "AveragePooling Conv ConvLSTM Cropping GlobalAveragePooling GlobalMaxPooling MaxPooling "
    "SpatialDropout UpSampling ZeroPadding"
)
_BOTH = frozenset(f"{name}{rank}" for name in _RANKED for rank in _RANKS) | _names(
    "Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average "
    "BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate Conv1DTranspose "
    "Conv2DTranspose Conv3DTranspose Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot "
    "Dropout ELU EinsumDense Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise "
    "GroupNormalization HashedCrossing Hashing Identity InputLayer IntegerLookup LSTM LSTMCell "
    "LayerNormalization LeakyReLU Masking Maximum Minimum MultiHeadAttention Multiply "
    "Normalization PReLU Permute RNN RandomBrightness RandomContrast RandomCrop RandomFlip "
    "RandomRotation RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing "
    "SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpectralNormalization "
    "StackedRNNCells StringLookup Subtract TextVectorization TimeDistributed UnitNormalization"
)
LAYERS: Mapping[int, frozenset[str]] = {
    2: _BOTH | _names("LocallyConnected1D LocallyConnected2D ThresholdedReLU RandomHeight "
                      "RandomWidth"),
    3: _BOTH | _names(
        "AugMix AutoContrast CutMix Equalization GroupQueryAttention MaxNumBoundingBoxes "
        "MelSpectrogram MixUp RMSNormalization RandAugment RandomColorDegeneration "
        "RandomColorJitter RandomErasing RandomGaussianBlur RandomGrayscale RandomHue "
        "RandomInvert RandomPerspective RandomPosterization RandomSaturation RandomSharpness "
        "RandomShear STFTSpectrogram Solarization"),
}  # fmt: skip
"""Layers of each generation of Keras that may be deserialized."""

CODE: Mapping[str, str] = {
    "Lambda": "a Lambda layer holds Python code, which is not run",
    "__lambda__": "Python code, which is not run",
    "TFSMLayer": "it loads a SavedModel from a path",
    "TorchModuleWrapper": "it loads a pickled PyTorch module",
    "JaxLayer": "it holds a serialized program",
    "FlaxLayer": "it holds a serialized program",
}
"""Layers that carry code or open files, with the reason to refuse them."""

MODELS = _names("Functional Model Network Sequential")

INITIALIZERS = _names(
    "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform "
    "Ones Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros"
)
INITIALIZER_WORDS: Mapping[str, str] = {
    "uniform": "RandomUniform", "random_uniform": "RandomUniform", "normal": "RandomNormal",
    "random_normal": "RandomNormal", "truncated_normal": "TruncatedNormal", "zero": "Zeros",
    "zeros": "Zeros", "one": "Ones", "ones": "Ones", "constant": "Constant",
    "identity": "Identity", "orthogonal": "Orthogonal", "glorot_normal": "GlorotNormal",
    "glorot_uniform": "GlorotUniform", "he_normal": "HeNormal", "he_uniform": "HeUniform",
    "lecun_normal": "LecunNormal", "lecun_uniform": "LecunUniform",
    "variance_scaling": "VarianceScaling", "VarianceScalingV2": "VarianceScaling",
    "OrthogonalInitializer": "Orthogonal", "IdentityInitializer": "Identity",
    "RandomUniformV2": "RandomUniform", "RandomNormalV2": "RandomNormal",
    "TruncatedNormalV2": "TruncatedNormal", "ZerosV2": "Zeros", "OnesV2": "Ones",
}  # fmt: skip
REGULARIZERS = _names("L1 L1L2 L2 OrthogonalRegularizer")
REGULARIZER_WORDS: Mapping[str, str] = {
    "l1": "L1", "l2": "L2", "l1_l2": "L1L2", "orthogonal_regularizer": "OrthogonalRegularizer",
}  # fmt: skip
CONSTRAINTS = _names("MaxNorm MinMaxNorm NonNeg UnitNorm")
CONSTRAINT_WORDS: Mapping[str, str] = {
    "max_norm": "MaxNorm", "maxnorm": "MaxNorm", "min_max_norm": "MinMaxNorm",
    "non_neg": "NonNeg", "nonneg": "NonNeg", "unit_norm": "UnitNorm", "unitnorm": "UnitNorm",
}  # fmt: skip

HARD_SIGMOID = "hard_sigmoid"
ACTIVATIONS: Mapping[int, frozenset[str]] = {
    2: _names("elu exponential gelu hard_sigmoid linear mish relu selu sigmoid softmax softplus "
              "softsign swish tanh"),
    3: _names("celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish "
              "hard_tanh leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid "
              "silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid sparsemax "
              "squareplus swish tanh tanh_shrink threshold"),
}  # fmt: skip
ACTIVATION_WORDS: Mapping[str, str] = {"silu": "swish", "softmax_v2": "softmax"}
"""Names of the same function; ``swish`` is known to both generations."""

LOSSES: Mapping[str, str] = {
    "binary_crossentropy": "BinaryCrossentropy",
    "binary_focal_crossentropy": "BinaryFocalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "categorical_focal_crossentropy": "CategoricalFocalCrossentropy",
    "categorical_hinge": "CategoricalHinge", "cosine_similarity": "CosineSimilarity",
    "hinge": "Hinge", "huber": "Huber", "kl_divergence": "KLDivergence", "log_cosh": "LogCosh",
    "mean_absolute_error": "MeanAbsoluteError",
    "mean_absolute_percentage_error": "MeanAbsolutePercentageError",
    "mean_squared_error": "MeanSquaredError",
    "mean_squared_logarithmic_error": "MeanSquaredLogarithmicError", "poisson": "Poisson",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "squared_hinge": "SquaredHinge",
}  # fmt: skip
"""Losses by function, each with its class; in both generations."""
LOSS_WORDS: Mapping[str, str] = {
    "mse": "mean_squared_error", "MSE": "mean_squared_error", "mae": "mean_absolute_error",
    "MAE": "mean_absolute_error", "msle": "mean_squared_logarithmic_error",
    "mape": "mean_absolute_percentage_error",  # codespell:ignore
    "MAPE": "mean_absolute_percentage_error",  # codespell:ignore
    "MSLE": "mean_squared_logarithmic_error", "bce": "binary_crossentropy",
    "BCE": "binary_crossentropy", "kld": "kl_divergence", "KLD": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence", "logcosh": "log_cosh",
    "huber_loss": "huber", "LogCosh": "log_cosh", "KLDivergence": "kl_divergence",
}  # fmt: skip

METRICS = _names(
    "AUC Accuracy BinaryAccuracy BinaryCrossentropy BinaryIoU CategoricalAccuracy "
    "CategoricalCrossentropy CategoricalHinge CosineSimilarity F1Score FBetaScore FalseNegatives "
    "FalsePositives Hinge IoU KLDivergence LogCoshError Mean MeanAbsoluteError "
    "MeanAbsolutePercentageError MeanIoU MeanSquaredError MeanSquaredLogarithmicError OneHotIoU "
    "OneHotMeanIoU Poisson Precision PrecisionAtRecall R2Score Recall RecallAtPrecision "
    "RootMeanSquaredError SensitivityAtSpecificity SparseCategoricalAccuracy "
    "SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy SpecificityAtSensitivity "
    "SquaredHinge Sum TopKCategoricalAccuracy TrueNegatives TruePositives"
)
METRIC_FUNCTIONS = frozenset(LOSSES) - _names("huber") | _names(
    "accuracy acc binary_accuracy categorical_accuracy sparse_categorical_accuracy "
    "top_k_categorical_accuracy sparse_top_k_categorical_accuracy"
)

OPTIMIZERS: Mapping[int, frozenset[str]] = {
    2: _names("Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lion LossScaleOptimizer Nadam "
              "RMSprop SGD"),
    3: _names("Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer "
              "Muon Nadam RMSprop SGD"),
}  # fmt: skip
SCHEDULES = _names(
    "CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay "
    "PolynomialDecay"
)

TF_FUNCTIONS = _names(
    "__operators__.add __operators__.getitem __operators__.neg __operators__.logical_and "
    "__operators__.eq __operators__.ne math.abs math.add math.subtract math.multiply math.divide "
    "math.truediv math.floordiv math.floormod math.pow math.square math.sqrt math.rsqrt math.exp "
    "math.log math.log1p math.sigmoid math.tanh math.softplus math.sin math.cos math.maximum "
    "math.minimum math.negative math.reciprocal math.sign math.floor math.ceil math.round "
    "math.erf math.greater math.greater_equal math.less math.less_equal math.equal "
    "math.not_equal math.logical_and math.logical_or math.logical_not math.reduce_mean "
    "math.reduce_sum math.reduce_max math.reduce_min math.reduce_prod math.reduce_any "
    "math.reduce_all math.reduce_logsumexp math.reduce_std math.reduce_variance math.argmax "
    "math.argmin math.cumsum math.l2_normalize math.squared_difference math.top_k math.add_n "
    "math.scalar_mul math.softmax math.log_softmax math.softsign nn.relu nn.relu6 nn.elu nn.selu "
    "nn.gelu nn.silu nn.leaky_relu nn.softmax nn.log_softmax nn.softplus nn.softsign nn.sigmoid "
    "nn.tanh nn.l2_normalize nn.bias_add nn.max_pool nn.avg_pool nn.max_pool2d nn.avg_pool2d "
    "nn.depth_to_space nn.space_to_depth nn.moments reshape transpose expand_dims squeeze concat "
    "stack unstack split cast shape rank size identity tile repeat pad gather slice "
    "strided_slice where clip_by_value ones_like zeros_like one_hot reverse range "
    "compat.v1.shape compat.v1.squeeze compat.v1.transpose compat.v1.gather compat.v1.concat "
    "compat.v1.nn.relu image.resize image.flip_left_right image.rgb_to_grayscale linalg.matmul "
    "linalg.l2_normalize linalg.norm einsum broadcast_to stop_gradient"
)
"""Functions of TensorFlow that compute, and neither read files, nor run code, nor keep state."""

TF_OPERATIONS = _names(
    "Abs Add AddN AddV2 ArgMax ArgMin AvgPool BatchMatMul BatchMatMulV2 BiasAdd BroadcastTo Cast "
    "Ceil ConcatV2 Cos Cumsum DepthToSpace Elu Equal Erf Exp ExpandDims Floor FloorDiv FloorMod "
    "GatherV2 Greater GreaterEqual Identity LeakyRelu Less LessEqual Log Log1p LogSoftmax "
    "LogicalAnd LogicalNot LogicalOr MatMul Max MaxPool Maximum Mean Min Minimum Mul Neg NotEqual "
    "OneHot OnesLike Pack Pad PadV2 Pow Prod RealDiv Reciprocal Relu Relu6 Reshape "
    "ResizeBilinear ResizeNearestNeighbor ReverseV2 Rsqrt Select SelectV2 Selu Shape Sigmoid "
    "Sign Sin Slice Softmax Softplus Softsign SpaceToDepth Split SplitV Sqrt Square "
    "SquaredDifference Squeeze StopGradient StridedSlice Sub Sum Tanh Tile Transpose Unpack "
    "ZerosLike"
)
"""The same, as operations of a graph."""
