"""Names of output formats that are known before anything is imported for them."""

SAVED_MODEL = "saved-model"
"""What ``--to`` is without being given."""
KERAS, KERAS_WEIGHTS = "keras", "keras-weights"
"""``.keras`` and ``.weights.h5``."""
OF_A_MODEL = frozenset({SAVED_MODEL, KERAS, KERAS_WEIGHTS})
"""Formats that are laid out by an architecture; the others hold named tensors."""
