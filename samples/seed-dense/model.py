"""The smallest story: ten numbers in, one number out."""

import keras


def build_model() -> keras.Model:
    """Build and compile the model that ``train.py`` trains."""
    model = keras.Sequential(
        [
            keras.Input((10,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(1),
        ],
        name="seed_dense",
    )
    model.compile(optimizer="adam", loss="mse")
    return model
