"""Rule: what is not on the allow-list ends the reading, by name; nothing is imported or called."""

import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks import hostile
from tfrepair.core.errors import Refused, SourceError
from tfrepair.readers.registry import open_source

GADGETS = [
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "getattr"),
    ("builtins", "__import__"),
    ("builtins", "open"),
    ("__builtin__", "eval"),
    ("__builtin__", "apply"),
    ("importlib", "import_module"),
    ("runpy", "run_path"),
    ("webbrowser", "open"),
    ("ctypes", "CDLL"),
    ("functools", "partial"),
    ("operator", "methodcaller"),
    ("pickle", "loads"),
    ("marshal", "loads"),
    ("copyreg", "_reconstructor"),
    ("copy_reg", "_reconstructor"),
    ("_codecs", "decode"),
    ("codecs", "encode"),
    ("collections", "namedtuple"),
    ("numpy", "load"),
    ("numpy", "fromfile"),
    ("numpy", "memmap"),
    ("numpy", "ndarray.tofile"),
    ("numpy", "dtype.mro"),
    ("numpy.core.multiarray", "fromfile"),
    ("numpy.core.multiarray", "_reconstruct.__globals__"),
    ("numpy.f2py", "compile"),
    ("numpy.testing._private.utils", "runstring"),
    ("numpy.distutils.exec_command", "exec_command"),
    ("numpy.matrixlib.defmatrix", "matrix"),
    ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    ("tensorflow", "io.read_file"),
    ("keras.src.saving", "load_model"),
    ("torch", "load"),
    ("tfrepair.wire.safe_pickle", "load_pickle"),
]
FORMS: dict[str, Callable[[str, str, str], bytes]] = {
    "reduce": hostile.reduce_call,
    "stack_global": hostile.stack_global_call,
    "inst": hostile.inst_call,
    "newobj": hostile.newobj_call,
}
PLACES: dict[str, Callable[[bytes], bytes]] = {
    "w.pkl": lambda pickled: pickled,
    "w.pkl.gz": gzip.compress,
    "w.npy": hostile.npy_of,
    "w.npz": lambda pickled: hostile.npz({"w.npy": hostile.npy_of(pickled)}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("module", "name"), GADGETS, ids=lambda part: part)
def test_refused_by_name(module: str, name: str, form: str, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    before = set(sys.modules)
    pickled = FORMS[form](module, name, f"open({str(witness)!r}, 'w')")
    path = hostile.put(tmp_path / "w.npy", hostile.npy_of(pickled))
    with pytest.raises(Refused) as caught:
        open_source(path)
    assert f"{module}.{name}" in caught.value.message
    assert str(path) in caught.value.message
    assert "byte" in caught.value.message
    assert caught.value.remedy
    assert not witness.exists()
    assert {m for m in set(sys.modules) - before if m.partition(".")[0] == module} == set()


@pytest.mark.parametrize("place", PLACES)
def test_refused_wherever_it_lies(place: str, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    pickled = hostile.reduce_call("os", "system", f"touch {witness}")
    path = hostile.put(tmp_path / place, PLACES[place](pickled))
    with pytest.raises(Refused, match=r"os\.system"):
        open_source(path, reader="pickle" if place.startswith("w.pkl") else None)
    assert not witness.exists()


def test_refused_in_a_folder(tmp_path: Path) -> None:
    good = hostile.npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", b"\0" * 4)
    hostile.put(tmp_path / "a.npy", good)
    hostile.put(tmp_path / "b.npy", hostile.npy_of(hostile.reduce_call("os", "system", "true")))
    with pytest.raises(Refused, match=r"b\.npy.*os\.system"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("pickled", "what"),
    [
        (b"Psomewhere\n.", "persistent id"),
        (b"\x80\x02X\x01\x00\x00\x00aQ.", "persistent id"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02\x83\x01\x00.", "EXT2"),
        (b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
        (b"\x80\x05\x97.", "buffer outside"),
        (b"\x80\x05C\x01a\x98.", "buffer outside"),
        (b"\x80\x02(cnumpy\nndarray\no.", "OBJ"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "NEWOBJ"),
        (b"\x80\x04cnumpy\nndarray\n)}\x92.", "NEWOBJ_EX"),
        (b"\x80\x02cnumpy\nndarray\n)R.", "numpy.ndarray"),
        (b"\x80\x02cbuiltins\nint\n(I1\ntR.", "builtins.int"),
        (b"\x80\x02](I1\ntR.", "list"),
        (b"\x80\x02}}b.", "state of a dict"),
        (b"\x80\x02ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00aI1\nsb.", "OrderedDict"),
        (b"\x80\x02c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR.", "rot13"),
        (b"\x80\x02c_codecs\nencode\n(X\x01\x00\x00\x00a]tR.", "encoding list"),
        (
            b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n(I0\ntC\x01btR.",
            "class other than",
        ),
        (
            b"\x80\x02cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(X\x01\x00\x00\x00OtR]tR.",
            "bytes",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_doors(pickled: bytes, what: str, tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.npy", hostile.npy_of(pickled))
    with pytest.raises(SourceError, match=what):
        open_source(path)


def test_names_are_printed_whole_and_safe(tmp_path: Path) -> None:
    pickled = hostile.stack_global_call("a" * 5000, "b\x1b[2J", "")
    path = hostile.put(tmp_path / "w.npy", hostile.npy_of(pickled))
    with pytest.raises(Refused) as caught:
        open_source(path)
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 1000
