"""Write tests/golden/safetensors with the format's own package (safetensors 0.8, any NumPy 2)."""

import hashlib
import json
from pathlib import Path

import numpy as np
import safetensors
from safetensors.numpy import save_file

FOLDER = Path(__file__).parents[2] / "tests" / "golden" / "safetensors"


def main() -> None:
    """Write the file, and what a reader must find in it."""
    rng = np.random.default_rng(0)
    arrays = {
        "dense/kernel": rng.normal(size=(4, 3)).astype("float32"),
        "dense/bias": np.zeros(3, "float32"),
        "step": np.array(7, "int64"),
        "half": rng.normal(size=(2, 2)).astype("float16"),
        "empty": np.zeros((0, 2), "float32"),
    }
    save_file(arrays, FOLDER / "small.safetensors", metadata={"format": "np"})
    expected = {
        "writer": f"safetensors {safetensors.__version__}, numpy {np.__version__}",
        "tensors": [
            {
                "name": name,
                "shape": list(array.shape),
                "dtype": array.dtype.name,
                "sha256": hashlib.sha256(array.tobytes()).hexdigest(),
            }
            for name, array in sorted(arrays.items())
        ],
    }
    text = json.dumps(expected, indent=1)
    (FOLDER / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
