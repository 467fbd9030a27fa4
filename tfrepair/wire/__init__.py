"""Byte layouts without policy: they know formats, not what anybody wants with them."""
