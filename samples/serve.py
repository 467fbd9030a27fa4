"""Serve a SavedModel on a sample's input, and compare with the NumPy evaluation of its network.

``serve.py SAVED_MODEL SAMPLE_FOLDER`` loads the directory with ``tf.saved_model.load`` and
nothing else: neither tfrepair nor Keras nor the sample's ``model.py``. Prints the largest answers
beside the numbers of ``expected.json``; ends with 1 if any value is further away than the sample
allows.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# TensorFlow's notes about processors and graphics cards are not what this table is about.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

ROWS_SHOWN = 4


def served(directory: Path, expected: Mapping[str, Any], values: np.ndarray) -> dict[str, Any]:
    """Load the SavedModel and run its signature on one input."""
    signature = tf.saved_model.load(str(directory)).signatures[expected["signature"]]
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        sys.exit(f"{directory}: the signature takes {sorted(inputs)}; expected one input")
    ((name, spec),) = inputs.items()
    if not spec.is_compatible_with(tf.TensorSpec(values.shape, values.dtype)):
        sys.exit(f"{directory}: {name} takes {spec}; the sample has {values.shape} {values.dtype}")
    answers = signature(**{name: tf.constant(values)})
    missing = set(expected["outputs"]) - set(answers)
    if missing:
        sys.exit(f"{directory}: the signature gives {sorted(answers)}; missing {sorted(missing)}")
    return {name: answers[name].numpy() for name in expected["outputs"]}


def table(name: str, have: np.ndarray, want: np.ndarray) -> Iterator[str]:
    """Lay out the answers with the largest values of one output."""
    yield f"{name} {have.shape}".ljust(30) + "served".rjust(14) + "NumPy".rjust(14)
    for flat in np.argsort(-want, axis=None, kind="stable")[:ROWS_SHOWN]:
        at = tuple(int(index) for index in np.unravel_index(flat, want.shape))
        yield f"  {list(at)}".ljust(30) + f"{have[at]:14.7f}{want[at]:14.7f}"


def main(directory: Path, sample: Path) -> int:
    """Print one table for each output, and the largest difference; return the exit code."""
    expected = json.loads((sample / "expected.json").read_text(encoding="utf-8"))
    answers = served(directory, expected, np.load(sample / expected["input"]["file"]))
    worst = 0.0
    for name, have in answers.items():
        want = np.array(expected["outputs"][name]["values"])
        if have.shape != want.shape:
            sys.exit(f"{name}: served shape {have.shape}, expected {want.shape}")
        sys.stdout.write("\n".join(table(name, have, want)) + "\n")
        # A NaN compares with nothing; it must not pass for a small difference.
        difference = np.nan_to_num(np.abs(have - want), nan=np.inf)
        worst = max(worst, float(difference.max()))
    within = worst <= expected["tolerance"]
    sys.stdout.write(
        f"largest difference {worst:.1e}, "
        f"{'within' if within else 'ABOVE'} {expected['tolerance']:.0e}\n"
    )
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
