"""What stands beside the weights in a checkpoint: slots, averages, counters, as words.

Source: optimizers of TensorFlow 1 and 2, tf.contrib, Mesh TensorFlow, tensor2tensor, the BERT and
ELECTRA repositories, Sonnet 1 and 2, as listed by building models with them.
"""

from collections.abc import Mapping
from types import MappingProxyType

SURE_SLOTS: Mapping[str, str] = MappingProxyType(
    {
        "Adam": "m",
        "Adam_1": "v",
        "AdamW": "m",
        "AdamW_1": "v",
        "AdamAsync": "m",
        "AdamAsync_1": "v",
        "LazyAdam": "m",
        "LazyAdam_1": "v",
        "AdaMax": "m",
        "AdaMax_1": "v",
        "AdamWeightDecayOptimizer": "m",
        "AdamWeightDecayOptimizer_1": "v",
        "adam_m": "m",
        "adam_v": "v",
        "lamb_m": "m",
        "lamb_v": "v",
        "LAMB": "m",
        "LAMB_1": "v",
        "Momentum": "momentum",
        "MomentumW": "momentum",
        "RMSProp": "rms",
        "RMSProp_1": "momentum",
        "RMSProp_2": "mg",
        "Adagrad": "accumulator",
        "AdagradDA": "accumulator",
        "Adadelta": "accum_grad",
        "Adadelta_1": "accum_var",
        "Ftrl": "accumulator",
        "Ftrl_1": "linear",
        "AddSign": "m",
        "PowerSign": "m",
        "LARSOptimizer": "momentum",
        "Adafactor": "v",
        "Adafactor_1": "vc",
        "slot_v": "v",
        "slot_m": "m",
        "slot_vc": "vc",
        "slot_vr": "vr",
        "LARS": "momentum",
    }
)
"""Last component of a slot's name, which nothing but an optimizer writes, to the kind of slot."""

DEPENDENT_SLOTS: Mapping[str, str] = MappingProxyType(
    {
        "m": "m",
        "v": "v",
        "vr": "vr",
        "vc": "vc",
        "vhat": "vhat",
        "momentum": "momentum",
        "velocity": "velocity",
        "rms": "rms",
        "mg": "mg",
        "accumulator": "accumulator",
        "linear": "linear",
        "momentums": "momentum",
        "accum_grad": "accum_grad",
        "accum_var": "accum_var",
    }
)
"""The same for words that also occur elsewhere: they count where what precedes them exists."""

AVERAGES = frozenset({"ExponentialMovingAverage", "ema", "EMA", "average", "shadow"})
"""Last components of moving averages of a weight."""

DEBIASED = frozenset({"biased", "local_step", "_hidden", "_counter", "hidden", "counter"})
"""What moving averages keep beside themselves to correct their start."""

COUNTERS = frozenset(
    {
        "global_step",
        "step",
        "iter",
        "iteration",
        "iterations",
        "epoch",
        "learning_rate",
        "lr",
        "decay",
        "beta1_power",
        "beta2_power",
        "beta_1",
        "beta_2",
        "momentum",
        "save_counter",
        "steps",
        "current_step",
        "cur_step",
        "global_steps",
        "num_examples",
        "current_loss_scale",
        "good_steps",
        "loss_scale",
        "current_learning_rate",
        "power",
        "epsilon",
        "num_batches_tracked",
        "cond",
        "counter",
        "train_step",
        "episode",
        "num_steps",
        "update_step",
        "eps",
        "t",
    }
)
"""Names of single numbers that count or steer the training."""

RENORM = frozenset({"renorm_mean", "renorm_stddev", "renorm_mean_weight", "renorm_stddev_weight"})
"""State of batch renormalization, which no plain batch normalization has."""
