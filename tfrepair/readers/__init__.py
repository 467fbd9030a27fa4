"""One file format, one module; all of them return a TensorStore and raise SourceError only."""
