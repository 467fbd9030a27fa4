"""Damage Keras' files and NumPy's in many ways, and count what comes back.

    python -m scripts.recovery_tables.damaged_files

Prints tables in Markdown: files cut at many places, against Keras' loader, h5py, ``h5clear`` if it
is installed, and NumPy; tails of zeros; flipped bits. Every array that is returned is compared with
what was in the file before. Files are the golden ones, and larger ones of random values that h5py
writes with the calls of Keras.
"""

import io
import pickle
import random
import shutil
import subprocess
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError
from tfrepair.readers.registry import open_source

CUTS = (5, 10, 25, 50, 75, 90, 95, 99, 99.9)
FLIPS = 6
_LARGEST = 500
"""Arrays of the largest file that bits are flipped in."""
_GOLDEN = Path(__file__).parents[2] / "tests" / "golden"


@dataclass(frozen=True)
class Case:
    """A whole file, its sibling of the same run, and its arrays with their ends in the file."""

    name: str
    suffix: str
    data: bytes
    sibling: bytes
    ends: dict[str, int] = field(default_factory=dict)

    def digests(self, folder: Path) -> dict[str, str]:
        """Return the arrays of the whole file by name."""
        path = folder / f"whole{self.suffix}"
        path.write_bytes(self.data)
        try:
            return {str(t.name): array_digest(t.fetch()) for t in open_source(path)}
        finally:
            path.unlink()


def legacy(layers: int, width: int, seed: int) -> bytes:
    """Return a full model as tf_keras writes it: weights by layer, then Adam's slots."""
    rng, made = np.random.default_rng(seed), io.BytesIO()
    noise = np.random.default_rng(seed + 100)

    def values(*shape: int) -> Any:  # noqa: ANN401 - an array
        return (rng.normal(size=shape) + seed * noise.normal(0, 0.01, shape)).astype("f4")

    rng = np.random.default_rng(0)
    with h5py.File(made, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.15.0", "tensorflow"
        file.attrs["model_config"] = "{}" + " " * 300 * layers
        file.attrs["training_config"] = "{}" + " " * 500
        group = file.create_group("model_weights")
        names = sorted(f"dense_{n}" for n in range(layers))
        group.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            layer = group.create_group(name)
            weights = {f"{name}/kernel:0": (width, width), f"{name}/bias:0": (width,)}
            layer.attrs["weight_names"] = [key.encode() for key in weights]
            for key, shape in weights.items():
                layer.create_dataset(key, shape, "f4")[:] = values(*shape)
        slots = file.create_group("optimizer_weights")
        listed = {"Adam/iter:0": ()}
        for name in names:
            for slot in ("m", "v"):
                listed[f"Adam/{name}/kernel/{slot}:0"] = (width, width)
                listed[f"Adam/{name}/bias/{slot}:0"] = (width,)
        slots.attrs["weight_names"] = [key.encode() for key in listed]
        for key, shape in listed.items():
            slots.create_dataset(key, data=values(*shape) if shape else np.int64(7))
    return made.getvalue()


def ends_in_h5(data: bytes, base: int = 0) -> dict[str, int]:
    """Return where each array of an HDF5 file ends."""
    found: dict[str, int] = {}

    def visit(path: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None:
            found[path] = base + item.id.get_offset() + item.id.get_storage_size()

    with h5py.File(io.BytesIO(data), "r") as file:
        file.visititems(visit)
    return found


def cases() -> Iterator[Case]:
    """Yield the files that are damaged."""
    for layers, width in ((12, 160), (200, 16)):
        data = legacy(layers, width, 1)
        name = f"full .h5, {layers} x {width}, Adam"
        yield Case(name, ".h5", data, legacy(layers, width, 2), ends_in_h5(data))
    for name in ("keras1/cnn.h5", "keras2_2/cnn.h5", "tf_keras/cnn.h5", "keras3/cnn.weights.h5"):
        data = (_GOLDEN / "keras" / name).read_bytes()
        yield Case(name, ".h5", data, shifted(data), ends_in_h5(data))
    data = (_GOLDEN / "keras" / "keras3" / "cnn.keras").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inner = archive.read("model.weights.h5")
    base = data.index(inner[:512])
    yield Case(
        "keras3/cnn.keras",
        ".keras",
        data,
        with_inner(data, shifted(inner)),
        ends_in_h5(inner, base),
    )
    yield from numpy_cases()


def numpy_cases() -> Iterator[Case]:
    """Yield an archive of arrays, a list in an object array, and a pickle."""
    rng = np.random.default_rng(3)
    arrays = {f"w{n}": rng.normal(size=(40, n + 1)).astype("f4") for n in range(40)}
    made = io.BytesIO()
    np.savez(made, **arrays)  # type: ignore[arg-type]
    data = made.getvalue()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        begins = [info.header_offset for info in archive.infolist()] + [archive.start_dir]
    yield Case(".npz, 40 arrays", ".npz", data, b"", dict(zip(arrays, begins[1:], strict=True)))
    listed = np.empty(len(arrays), dtype=object)
    listed[:] = list(arrays.values())
    made = io.BytesIO()
    np.save(made, listed, allow_pickle=True)
    data = made.getvalue()
    ends = {str(n): data.index(a.tobytes()) + a.nbytes for n, a in enumerate(arrays.values())}
    yield Case(".npy, list of 40", ".npy", data, b"", ends)
    data = pickle.dumps(arrays)
    ends = {k: data.index(a.tobytes()) + a.nbytes for k, a in arrays.items()}
    yield Case("pickle, dict of 40", ".pkl", data, b"", ends)


def shifted(data: bytes) -> bytes:
    """Return a file of the same layout, a bit further in training."""
    made = bytearray(data)
    rng = np.random.default_rng(1)
    with h5py.File(io.BytesIO(data), "r") as file:
        places: list[tuple[int, Any]] = []
        file.visititems(
            lambda _, item: (
                places.append((item.id.get_offset(), item[()]))
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    for begin, value in places:
        array = np.asarray(value)
        if begin is not None and array.dtype.kind == "f":
            noise = rng.normal(0, 0.01, array.shape)
            made[begin : begin + array.nbytes] = (array + noise).astype(array.dtype).tobytes()
    return bytes(made)


def with_inner(data: bytes, inner: bytes) -> bytes:
    """Return an archive with other weights."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(made, "w") as out:
        for member in source.infolist():
            is_weights = member.filename == "model.weights.h5"
            out.writestr(member.filename, inner if is_weights else source.read(member))
    return made.getvalue()


@dataclass
class Tally:
    """What came back of one damaged file."""

    there: int = 0
    named: int = 0
    unnamed: int = 0
    wrong: int = 0
    falsely_verified: int = 0


def tally(path: Path, whole: dict[str, str], there: int) -> Tally:
    """Read a damaged file and compare every array that is returned."""
    found = Tally(there=there)
    values = Counter(whole.values())
    try:
        store = open_source(path)
    except SourceError:
        return found
    for tensor in store:
        checked = tensor.checked()
        if not checked.is_whole:
            continue
        try:
            digest = array_digest(checked.fetch())
        except SourceError:  # a checksum that is compared when the member is read
            continue
        name = str(checked.name)
        if whole.get(name) == digest:
            found.named += 1
        elif name not in whole and digest in values:
            found.unnamed += 1
        else:
            found.wrong += 1
            found.falsely_verified += checked.health.value in ("verified", "corrected")
    return found


def h5py_reads(path: Path) -> int:
    """Return how many arrays h5py itself gives of a file."""
    count = 0

    def visit(_: str, item: object) -> None:
        nonlocal count
        if isinstance(item, h5py.Dataset):
            item[()]
            count += 1

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except (OSError, RuntimeError, KeyError, ValueError):
        return count
    return count


def h5clear_reads(path: Path) -> int | None:
    """Return what h5py gives after ``h5clear --increment``; ``None`` if that is not installed."""
    program = shutil.which("h5clear")
    if program is None:
        return None
    copy = path.with_suffix(".cleared")
    shutil.copyfile(path, copy)
    subprocess.run([program, "--increment", "--status", copy], check=False, capture_output=True)
    return h5py_reads(copy)


def numpy_reads(path: Path) -> int:
    """Return how many arrays ``numpy.load`` gives."""
    try:
        found = np.load(path, allow_pickle=True)
        return len(found)
    except Exception:  # noqa: BLE001 - whatever NumPy raises counts as nothing
        return 0


def others(path: Path, suffix: str) -> str:
    """Return what the library of a format makes of a damaged file."""
    if suffix == ".h5":
        cleared = h5clear_reads(path)
        more = "" if cleared is None else f", h5clear {cleared}"
        return f"h5py {h5py_reads(path)}{more}"
    if suffix == ".keras":
        return f"zipfile {int(zipfile.is_zipfile(path))}"
    return f"NumPy {numpy_reads(path)}"


def report(title: str, head: str, rows: list[str]) -> None:
    """Print one table."""
    print(f"\n### {title}\n\n{head}\n{'|'.join(' --- ' for _ in head.split('|')[1:-1])}")
    print("\n".join(rows), flush=True)


def cut_rows(folder: Path, *, with_sibling: bool) -> list[str]:
    """Return the rows of the table of cuts."""
    rows = []
    for case in cases():
        whole = case.digests(folder)
        if with_sibling and not case.sibling:
            continue
        cells, last = [], ""
        wrong = 0
        for percent in CUTS:
            place = folder / f"{len(rows)}-{percent}-{with_sibling}"
            place.mkdir()
            path = place / f"damaged{case.suffix}"
            length = int(len(case.data) * percent / 100)
            path.write_bytes(case.data[:length])
            there = sum(end <= length for end in case.ends.values())
            last = others(path, case.suffix)
            if with_sibling:
                (place / f"before{case.suffix}").write_bytes(case.sibling)
            found = tally(path, whole, there)
            wrong += found.wrong
            extra = f"+{found.unnamed}" if found.unnamed else ""
            cells.append(f"{found.named}{extra}/{there}")
        rows.append(f"| {case.name} | {' | '.join(cells)} | {wrong} | {last} |")
    return rows


def damaged(case: Case, kind: str, rng: random.Random) -> bytes:
    """Return a file with a tail of zeros, or with some flipped bits."""
    made = bytearray(case.data)
    if kind == "zeros":
        begin = rng.randrange(len(made) // 2, len(made)) // 4096 * 4096
        made[begin:] = bytes(len(made) - begin)
        return bytes(made)
    for _ in range(int(kind)):
        bit = rng.randrange(8 * len(made))
        made[bit // 8] ^= 1 << bit % 8
    return bytes(made)


def damage_rows(folder: Path) -> list[str]:
    """Return the rows of the table of zeros and flips."""
    rows = []
    for case in cases():
        if len(case.ends) > _LARGEST:
            continue
        whole = case.digests(folder)
        for kind in ("zeros", "1", "10"):
            rng = random.Random(case.name + kind)  # noqa: S311
            total = Tally()
            path = folder / f"damaged{case.suffix}"
            for _ in range(FLIPS):
                path.write_bytes(damaged(case, kind, rng))
                found = tally(path, whole, len(whole))
                total.named += found.named
                total.unnamed += found.unnamed
                total.wrong += found.wrong
                total.falsely_verified += found.falsely_verified
            share = 100 * (total.named + total.unnamed) / (FLIPS * len(whole))
            what = "zeros at the end" if kind == "zeros" else f"{kind} flipped bits"
            rows.append(
                f"| {case.name} | {what} | {share:.1f} % | {total.wrong} |"
                f" {total.falsely_verified} |"
            )
    return rows


def main(tables: tuple[Callable[[Path], None], ...]) -> None:
    """Print all tables."""
    warnings.simplefilter("ignore")
    for table in tables:
        with tempfile.TemporaryDirectory() as folder:
            table(Path(folder))


def cut_table(folder: Path) -> None:
    """Print what comes back of cut files, alone and with a sibling beside them."""
    head = f"| file | {' | '.join(f'{c} %' for c in CUTS)} | wrong | others at 99.9 % |"
    alone = cut_rows(folder, with_sibling=False)
    report("Cut files alone: named + unnamed / whole in the file", head, alone)
    beside = cut_rows(folder, with_sibling=True)
    report("Cut files beside another save of the run", head, beside)


def damage_table(folder: Path) -> None:
    """Print what comes back of files with zeros and flipped bits."""
    head = "| file | damage | unchanged arrays | changed, marked unverified | called verified |"
    report("Zeros and flipped bits", head, damage_rows(folder))


if __name__ == "__main__":
    main((cut_table, damage_table))
