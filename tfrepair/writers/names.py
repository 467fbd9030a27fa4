"""Names of output formats that are known before anything is imported for them."""

SAVED_MODEL = "saved-model"
"""What ``--to`` is without being given."""
