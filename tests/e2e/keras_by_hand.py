"""Run as a program: fill a sample's model with its weights by hand, and evaluate it in Keras.

``keras_by_hand.py MODEL_PY WEIGHTS DIRECTORY`` reads ``inputs.npz`` of the directory and writes
``outputs.npz`` beside it, members ``<position of the input>/<output name>``.
"""

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np


def _layer_values(kinds: dict[str, Any], layer: Any) -> list[Any]:
    if "alpha" in kinds:
        return [kinds["alpha"].reshape(layer.weights[0].shape)]
    return [kinds["weights"], kinds["biases"]]


def _fill(model: Any, content: Any) -> None:
    if content.shape != ():
        model.set_weights(list(content))
        return
    for name, kinds in content.item().items():
        layer = model.get_layer(name)
        layer.set_weights(_layer_values(kinds, layer))


def main(model_py: str, weights: str, directory: Path) -> None:
    model = runpy.run_path(model_py)["build_model"]()
    _fill(model, np.load(weights, allow_pickle=True, encoding="latin1"))
    answers: dict[str, Any] = {}
    with np.load(directory / "inputs.npz") as inputs:
        for position, values in enumerate(inputs.values()):
            outputs = model(values)
            outputs = outputs if isinstance(outputs, dict) else {"output_0": outputs}
            answers |= {f"{position}/{name}": np.asarray(o) for name, o in outputs.items()}
    np.savez(directory / "outputs.npz", **answers)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
