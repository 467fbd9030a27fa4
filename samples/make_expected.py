"""Write ``input.npy`` and ``expected.json`` of every sample anew.

Run it from the checkout, after adding a sample or changing an input, with
``python -m samples.make_expected``. The served outputs come from ``tests/e2e/numpy_nets.py``,
which knows neither tfrepair nor TensorFlow.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.e2e import numpy_nets

Array = npt.NDArray[Any]
SAMPLES = Path(__file__).resolve().parent
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One folder: its weights, the input that is served, and the network in NumPy."""

    folder: str
    weights: str
    evaluate: Callable[[Any, Array], dict[str, Array]]
    image: Array


def picture(columns: int, rows: int, *, left: float, top: float, size: float, seen: float) -> Array:
    """Draw a face by formula: a bright oval on dark ground, two eyes and a mouth.

    Parameters
    ----------
    columns, rows
        Size of the image. Columns come first, as the networks of MTCNN were trained.
    left, top, size
        Place and size of the face, in pixels.
    seen
        1 for the full contrast, 0 for the ground alone.

    Returns
    -------
    ``(columns, rows, 3)`` in [-1, 1].
    """
    x, y = np.mgrid[0:columns, 0:rows].astype(np.float64)
    x, y = 2 * (x - left) / (size - 1) - 1, 2 * (y - top) / (size - 1) - 1

    def spot(at_x: float, at_y: float, width: float, height: float) -> Array:
        return np.exp(-(((x - at_x) / width) ** 2) - ((y - at_y) / height) ** 2)

    oval = 1 / (1 + np.exp(8 * ((x / 0.75) ** 2 + (y / 0.95) ** 2 - 1)))
    eyes = spot(-0.36, -0.2, 0.22, 0.13) + spot(0.36, -0.2, 0.22, 0.13)
    dark = 0.8 * eyes + 0.5 * spot(0, 0.5, 0.35, 0.13)
    skin = np.array([0.6, 0.3, 0.1])
    ground = -0.3
    image = ground + seen * (oval[..., None] * (skin - ground) - dark[..., None])
    return np.clip(image, -1, 1).astype(np.float32)


def photographs() -> Array:
    """Return two images for P-Net: a small face off the center, and a fainter and larger one."""
    return np.stack(
        [
            picture(26, 17, left=9, top=3, size=12, seen=1),
            picture(26, 17, left=2, top=1, size=15, seen=0.4),
        ]
    )


def windows() -> Array:
    """Return four windows for R-Net, from the bare ground to a face."""
    return np.stack(
        [picture(24, 24, left=0, top=0, size=24, seen=seen) for seen in (0, 0.06, 0.12, 1)]
    )


def rows_of_ten() -> Array:
    """Return five inputs of the small model, the corners of its range among them."""
    rows = np.sin(np.arange(50, dtype=np.float64).reshape(5, 10) * 0.7)
    rows[0], rows[1] = 0, 1
    return rows.astype(np.float32)


ALL = (
    Sample(
        folder="mtcnn-pnet",
        weights="det1.npy",
        evaluate=numpy_nets.pnet,
        image=photographs(),
    ),
    Sample(
        folder="mtcnn-rnet",
        weights="det2.npy",
        evaluate=numpy_nets.rnet,
        image=windows(),
    ),
    Sample(
        folder="seed-dense",
        weights="weights.npy",
        evaluate=numpy_nets.seed_dense,
        image=rows_of_ten(),
    ),
)


def read(path: Path) -> Array:
    """Unpickle a sample's own weights; files from elsewhere are for tfrepair to read."""
    content: Array = np.load(path, allow_pickle=True, encoding="latin1")
    return content


def tensors(content: Array) -> list[dict[str, Any]]:
    """List what the file holds, in the file's order; a bare list has positions for names."""
    if content.shape == ():
        named = [
            (f"{layer}/{kind}", array)
            for layer, kinds in content.item().items()
            for kind, array in kinds.items()
        ]
    else:
        named = [(str(position), array) for position, array in enumerate(content)]
    return [
        {"name": name, "shape": list(array.shape), "dtype": str(array.dtype)}
        for name, array in named
    ]


def expected(sample: Sample) -> dict[str, Any]:
    """Gather what a reader must find, and what the served model must answer."""
    path = SAMPLES / sample.folder / sample.weights
    content = read(path)
    outputs = sample.evaluate(content.item() if content.shape == () else content, sample.image)
    return {
        "source": {
            "file": sample.weights,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "tensors": tensors(content),
        },
        "input": {
            "file": "input.npy",
            "shape": list(sample.image.shape),
            "dtype": str(sample.image.dtype),
        },
        "signature": "serving_default",
        "tolerance": TOLERANCE,
        "outputs": {
            name: {"shape": list(values.shape), "values": values.round(9).tolist()}
            for name, values in outputs.items()
        },
    }


def main() -> None:
    """Write both files of every sample."""
    for sample in ALL:
        folder = SAMPLES / sample.folder
        np.save(folder / "input.npy", sample.image)
        text = json.dumps(expected(sample), indent=1)
        (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
