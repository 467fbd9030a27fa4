"""The architecture of a run that was killed in mid-save: a bag of words."""

import keras

WORDS, LENGTH = 20_000, 12


def build_model() -> keras.Model:
    """Return the compiled model."""
    model = keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32", name="words"),
            keras.layers.Embedding(WORDS, 64, name="embedding"),
            keras.layers.GlobalAveragePooling1D(name="average"),
            keras.layers.Dense(1, activation="sigmoid", name="answer"),
        ],
        name="bag",
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model
