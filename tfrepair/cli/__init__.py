"""Arguments in, text and exit codes out; the only package that prints."""
