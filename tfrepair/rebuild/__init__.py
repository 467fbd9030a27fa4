"""Pure: a plan becomes values, each with its provenance."""
