"""The nouns of tfrepair: frozen dataclasses on the standard library and NumPy, without I/O."""
