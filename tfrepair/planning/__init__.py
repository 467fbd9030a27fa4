"""Pure: which source tensor fills which variable, on what evidence, and what stays open."""
