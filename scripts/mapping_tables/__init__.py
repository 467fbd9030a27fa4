"""How well tensors are mapped to variables, on the development cases, beside three baselines."""
