"""The output: staged beside its destination, published whole or not at all."""
