"""Figures on optimizers whose state is lost; results are in ``docs/optimizer-state.md``."""
