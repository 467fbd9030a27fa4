"""Keras configurations as architectures: read as data, checked, upgraded, never run.

What Keras stores beside weights (``model_config``, ``config.json``, ``training_config``) becomes a
configuration of today's Keras that names nothing but Keras' own classes and what the user gives
with ``--custom-objects``. Everything here is a function from JSON to JSON; the TensorFlow process
deserializes the result. :mod:`tfrepair.architecture.keras_config.preparing` is the way in.
"""
