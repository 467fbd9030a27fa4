"""Make ``tests/golden/skeleton``: a skeleton of two variables, with TensorFlow 2.21.

Run from the root of the project: ``python scripts/make_golden/skeleton.py``. What the skeleton is
held against when it is found (versions, digests) is written anew by the tests that use it.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from tfrepair.api.conversion import run_conversion
from tfrepair.api.options import Options

GOLDEN = Path(__file__).parents[2] / "tests" / "golden" / "skeleton"


def main() -> None:
    """Convert one source, and keep what is kept for the next."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copyfile(GOLDEN / "model.py", folder / "model.py")
        kernel = np.arange(6, dtype=np.float32).reshape(3, 2)
        np.savez(folder / "w.npz", kernel=kernel, bias=np.ones(2, np.float32))
        options = Options(skeleton=folder / "kept")
        run_conversion(folder / "w.npz", folder / "model.py", folder / "out", options)
        (made,) = (folder / "kept").iterdir()
        shutil.rmtree(GOLDEN / "model", ignore_errors=True)
        shutil.copytree(made / "model", GOLDEN / "model")
        note = (made / "skeleton.json").read_text(encoding="utf-8")
        (GOLDEN / "skeleton.json").write_text(note.replace(f"{folder}/", ""), encoding="utf-8")


if __name__ == "__main__":
    main()
