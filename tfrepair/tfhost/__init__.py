"""The one door to TensorFlow: a protocol, a client that starts a child process, the worker."""
