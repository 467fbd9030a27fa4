"""What each way of saving does with 44 ways to keep state: measured, beside what the audit says.

    python -m scripts.audit_tables.patterns [--keras 2] [PATTERN ...]

Saves every model of ``tests/tfhost/worker/audit_patterns.py`` in six ways into a folder that is
removed afterwards and searches the files for the value that the state was given. Prints one line
for each: Y kept, - lost, b in the graph as a constant, X the save raises. Not measured: what was
``not meant`` by the way (a dot in the audit). Ends with 1 if a column differs.
"""

import argparse
import contextlib
import io
import os
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_COLUMNS = ("get_weights", ".weights.h5", ".keras", "export", "saved_model.save", "Checkpoint")
_LETTERS = {"kept": "Y", "lost": "-", "baked": "b", "raises": "X", "not meant": "."}
_SEED = 123456


def _prepare(keras: int) -> None:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_USE_LEGACY_KERAS"] = str(int(keras == 2))
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    from tfrepair.tfhost.worker.dispatch import prepare_tensorflow

    prepare_tensorflow(keras)


def _bytes(path: Path) -> tuple[bytes, bytes]:
    """Return the bytes of data and of graphs at a path, unzipped."""
    data = graph = b""
    parts = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.name}*")
    for part in sorted(parts):
        if part.suffix == ".pb":
            graph += part.read_bytes()
        elif zipfile.is_zipfile(part):
            with zipfile.ZipFile(part) as archive:
                names = [name for name in archive.namelist() if name.endswith(".h5")]
                data += b"".join(archive.read(name) for name in names)
        elif part.is_file():
            data += part.read_bytes()
    return data, graph


def _letter(save: Callable[[Path], Any], path: Path, wanted: tuple[bytes, ...]) -> str:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            save(path)
    except Exception:  # noqa: BLE001 - whatever a save raises is what is measured
        return "X"
    data, graph = _bytes(path)
    if any(value in data for value in wanted):
        return "Y"
    return "b" if wanted[0] in graph else "-"


def _measured(model: Any, sentinel: float) -> str:  # noqa: ANN401 - of either Keras
    import tensorflow as tf

    wanted = (np.float32(sentinel).tobytes(), np.int64(_SEED).tobytes())
    listed = b"".join(np.ascontiguousarray(array).tobytes() for array in model.get_weights())
    letters = "Y" if any(value in listed for value in wanted) else "-"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        ways: tuple[tuple[str, Callable[[Path], Any]], ...] = (
            ("a.weights.h5", model.save_weights),
            ("a.keras", model.save),
            ("exported", lambda path: model.export(str(path))),
            ("saved", lambda path: tf.saved_model.save(model, str(path))),
            ("checkpoint", lambda path: tf.train.Checkpoint(model=model).write(str(path))),
        )
        for name, save in ways:
            letters += _letter(save, root / name, wanted)
    return letters


def _said(name: str, file: Path, keras: int) -> str:
    from tfrepair.architecture.request import arch_request
    from tfrepair.tfhost.worker.audit import audit

    found = audit(arch_request(f"{file}:{name}", keras=keras))
    letters = ""
    for column in _COLUMNS:
        fates = {str(way): str(fate) for state in found.states for way, fate in state.fates.items()
                 if str(way) == column and str(fate) != "kept"}  # fmt: skip
        letters += _LETTERS[fates.get(column, "kept")]
    return letters


def main() -> int:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras", type=int, default=3, choices=(2, 3))
    parser.add_argument("patterns", nargs="*")
    asked = parser.parse_args()
    _prepare(asked.keras)
    from tests.tfhost.worker import audit_patterns

    wrong = 0
    for name, make in audit_patterns.PATTERNS.items():
        if asked.patterns and name not in asked.patterns:
            continue
        try:
            model = make()
        except Exception as error:  # noqa: BLE001 - a model that cannot be built says so itself
            print(f"{name:28} refused: {type(error).__name__}")
            continue
        measured = _measured(model, audit_patterns.SENTINEL)
        said = _said(name, Path(audit_patterns.__file__), asked.keras)
        agrees = all(a == b or b == "." for a, b in zip(measured, said, strict=True))
        wrong += not agrees
        print(f"{name:28} measured {measured}  audit {said}  {'' if agrees else 'DIFFERS'}")
    print(f"{wrong} differ")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
