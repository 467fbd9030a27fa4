# This file runs under Python 2.7 as well: no annotations, no pathlib, no format strings.
# ruff: noqa: ANN001, ANN201, ANN202, PTH103, PTH112, PTH118, RUF005, T201
# ruff: noqa: UP010, UP020, UP028, UP031
"""Write the golden files under ``tests/golden/npy``: bare arrays by real old and new NumPy.

Run once for each writer, in an environment with nothing but NumPy::

    python2.7  -m pip install numpy==1.11.3    python2.7  bare_arrays.py tests/golden/npy
    python2.7  -m pip install numpy==1.16.6    python2.7  bare_arrays.py tests/golden/npy
    python3.6  -m pip install numpy==1.12.1    python3.6  bare_arrays.py tests/golden/npy
    python3.8  -m pip install numpy==1.19.5    python3.8  bare_arrays.py tests/golden/npy
    python3.10 -m pip install numpy==1.23.5    python3.10 bare_arrays.py tests/golden/npy
    python3.11 -m pip install numpy==2.4.6     python3.11 bare_arrays.py tests/golden/npy

Makes a folder such as ``py27-numpy1.11`` with the files and an ``expected.json``: names, shapes,
types and SHA-256 of every array, computed by the writer itself. Values are a formula: no seed.
"""

from __future__ import print_function

import collections
import gzip
import hashlib
import io
import json
import os
import pickle
import sys
import warnings

import numpy as np

NUMPY = tuple(int(part) for part in np.__version__.split(".")[:2])
TEXT = type(json.loads('""'))
"""Text, not bytes, under every Python."""
KEEPS_ORDER = sys.version_info >= (3, 6)


def array(shape, dtype="float32", start=0):
    """Return values that differ everywhere and are exact in float32."""
    size = int(np.prod(shape))
    return (np.arange(start, start + size) / 8.0 - 1.0).astype(dtype).reshape(shape)


RAGGED = [array((3, 4)), array((4,), start=20), array((4, 2), start=30), array((2,), start=40)]
SAME_LEADING = [array((3, 4)), array((4,), start=20), array((3, 2), start=30)]
EQUAL = [array((2, 3)), array((2, 3), start=50)]
LAYERS = [[array((3, 4)), array((4,))], [array((3, 4), start=60), array((4,), start=80)]]
UNEVEN_LAYERS = [[array((3, 4)), array((4,))], [], [array((4, 2), start=90)]]
NESTED = collections.OrderedDict(
    [
        ("conv1", {"weights": array((3, 3, 1, 2))}),
        ("fc-1", {"weights": np.asfortranarray(array((6, 2)))}),
        ("scale", {"alpha": array((4,), ">f4", 7)}),
    ]
)
TYPES = collections.OrderedDict(
    [
        ("f2", array((3,), "float16")),
        ("f8", array((2, 2), "float64")),
        ("i4", array((3,), "int32")),
        ("i8be", array((3,), ">i8")),
        ("b", np.array([True, False])),
        ("c8", array((2,), "complex64")),
        ("empty", np.zeros((0, 3), "float32")),
        ("scalar", np.float32(0.5)),
        ("zero_d", np.array(2.5)),
    ]
)
TRAINING = {"weights": RAGGED[:2], "epoch": 3, "name": TEXT("net")}


def objects(values):
    """Return what ``numpy.save`` makes of a ragged list; NumPy 1.24 and later wants to be asked."""
    if NUMPY >= (1, 24):
        return np.array(values, dtype=object)
    return values


def leaves(value, name=""):
    """Yield name and array in the order of the containers."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, (list, tuple)):
        items = [(str(place), item) for place, item in enumerate(value)]
    else:
        if not isinstance(value, TEXT):
            yield name or "0", np.asarray(value)
        return
    for key, item in items:
        for leaf in leaves(item, name + "/" + key if name else key):
            yield leaf


def digest(value):
    """Return the SHA-256 of the elements in C order, little endian."""
    order = value.dtype.newbyteorder("<")
    return hashlib.sha256(np.ascontiguousarray(value.astype(order)).tobytes()).hexdigest()


def expected(value, named, ordered):
    """Describe what a reader must find."""
    return {
        "names_are_meaningful": named,
        "order_is_meaningful": ordered,
        "tensors": [
            {
                "name": name,
                "shape": list(found.shape),
                "dtype": found.dtype.name,
                "sha256": digest(found),
            }
            for name, found in leaves(value)
        ],
    }


def write_pickle(path, value, protocol):
    """Write a pickle."""
    with io.open(path, "wb") as file:
        pickle.dump(value, file, protocol)


def write_all(folder):
    """Write every file and return what to expect of each."""
    found = {}
    keeps = KEEPS_ORDER and NUMPY >= (1, 17)  # numpy.save writes protocol 3 from 1.17 on

    def save(name, value, stored, named=False, ordered=True):
        np.save(os.path.join(folder, name), stored)
        found[name] = expected(value, named, ordered)

    save("ragged.npy", RAGGED, objects(RAGGED))
    save("same_leading.npy", SAME_LEADING[:2], objects(SAME_LEADING[:2]))
    save("equal.npy", np.array(EQUAL), EQUAL)
    save("layers.npy", LAYERS, objects(LAYERS))
    save("uneven_layers.npy", UNEVEN_LAYERS, objects(UNEVEN_LAYERS))
    save("scalar_in_list.npy", [RAGGED[0], np.float32(0.5)], objects([RAGGED[0], np.float32(0.5)]))
    # As a plain dict, so that Python 2 shuffles it.
    save("nested.npy", dict(NESTED), dict(NESTED), True, keeps)
    save("ordered.npy", NESTED, NESTED, True, True)
    save("types.npy", TYPES, TYPES, True, True)
    save("fortran.npy", NESTED["fc-1"]["weights"], NESTED["fc-1"]["weights"])
    save("big_endian.npy", array((2, 3), ">f8"), array((2, 3), ">f8"))

    np.savez(os.path.join(folder, "numbered.npz"), *RAGGED[:3])
    numbered = [("arr_%d" % place, item) for place, item in enumerate(RAGGED[:3])]
    found["numbered.npz"] = expected(collections.OrderedDict(numbered), False, KEEPS_ORDER)
    np.savez_compressed(os.path.join(folder, "one.npz"), kernel=RAGGED[0])
    found["one.npz"] = expected({"kernel": RAGGED[0]}, True, True)

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        name = "list%d.pkl" % protocol
        write_pickle(os.path.join(folder, name), RAGGED[:2] + [np.float32(0.5)], protocol)
        found[name] = expected(RAGGED[:2] + [np.float32(0.5)], False, True)
    write_pickle(os.path.join(folder, "training.pkl"), TRAINING, 2)
    found["training.pkl"] = expected(TRAINING, True, False)
    with gzip.GzipFile(os.path.join(folder, "list.pkl.gz"), "wb", mtime=0) as file:
        file.write(pickle.dumps(RAGGED[:2], 2))
    found["list.pkl.gz"] = expected(RAGGED[:2], False, True)
    return found


def main():
    """Write one writer's folder."""
    warnings.simplefilter("ignore")  # NumPy 1.19 to 1.23 warn about ragged lists
    python = "%d%d" % sys.version_info[:2]
    folder = os.path.join(sys.argv[1], "py%s-numpy%d.%d" % ((python,) + NUMPY))
    if not os.path.isdir(folder):
        os.makedirs(folder)
    found = {
        "writer": "CPython %s, NumPy %s" % (sys.version.split()[0], np.__version__),
        "files": write_all(folder),
    }
    with io.open(os.path.join(folder, "expected.json"), "w", encoding="ascii") as file:
        text = json.dumps(found, indent=1, sort_keys=True, separators=(",", ": "))
        file.write(TEXT(text + "\n"))
    print(folder)


if __name__ == "__main__":
    main()
