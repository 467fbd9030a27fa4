"""Turn what is left of a TensorFlow model into a complete SavedModel."""
