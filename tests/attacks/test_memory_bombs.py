"""Rule: what a file announces is compared with what it holds before anything is allocated.

Every bomb here is a few bytes; all of them are read once more in a child process that may not
use more than 1.5 GB of addresses.
"""

import resource
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from tests.attacks import hostile
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Limits
from tfrepair.readers.registry import open_source

HUGE = 1 << 40


def laughs(levels: int, seed: bytes, make: bytes) -> bytes:
    """``levels`` containers, each holding the one before it twice, by memo."""
    body = seed + b"q\x00"
    for _ in range(levels):
        body += b"(h\x00h\x00" + make + b"q\x00"
    return body


NUMBERS = laughs(60, b"(I1\nI2\nl", b"l")
TUPLES = laughs(60, b")", b"t")
HARMLESS: dict[str, bytes] = {
    "memo_index": b"Nr" + struct.pack("<I", 0xFFFF_FFFF) + b".",
    "memo_text": b"Np99999999999999999999\n.",
}
"""Bombs for a machine that keeps its memo in an array; ours does not."""
BOMBS: dict[str, bytes] = {
    "binbytes": b"B" + struct.pack("<I", 0xFFFF_FFF0) + b"abc.",
    "binbytes8": b"\x80\x04\x8e" + struct.pack("<Q", HUGE) + b"abc.",
    "binunicode8": b"\x80\x04\x8d" + struct.pack("<Q", HUGE) + b"abc.",
    "bytearray8": b"\x80\x05\x96" + struct.pack("<Q", HUGE) + b"abc.",
    "frame": b"\x80\x04\x95" + struct.pack("<Q", HUGE) + b"N.",
    "long4": b"\x80\x02\x8b" + struct.pack("<i", 0x7FFF_FFFF) + b"\x01.",
    "long_text": b"L" + b"9" * 6000 + b"L\n.",
    "binstring": b"T" + struct.pack("<i", 0x7FFF_FFFF) + b"abc.",
    "shape": hostile.array(b"(L1099511627776L\nt", hostile.binbytes(b"abcd")),
    "shape_overflow": hostile.array(b"(L4294967296L\nL4294967296L\nt", hostile.binbytes(b"")),
    "shape_negative": hostile.array(b"(I-1\nt", hostile.binbytes(b"abcd")),
    "shape_axes": hostile.array(b"(" + b"I1\n" * 100 + b"t", hostile.binbytes(b"abcd")),
    "shape_nested": hostile.array(TUPLES, hostile.binbytes(b"abcd")),
    "reconstruct": hostile.RECONSTRUCT.replace(b"(I0\nt", b"(L1099511627776L\nt")
    + b"(I1\n(L1099511627776L\nt" + hostile.F4 + b"I0\nC\x00tb.",
    "dtype_bytes": hostile.array(
        b"(I1\nt", hostile.binbytes(b""), b"cnumpy\ndtype\n(X\x0a\x00\x00\x00S999999999tR"
    ),
    "numbers": NUMBERS + b".",
    "lists": laughs(60, b"(l", b"l") + b".",
    "dicts": laughs(60, b"(I1\nI2\nd", b"d").replace(b"(h\x00h", b"(I1\nh\x00I2\nh") + b".",
    "hash_tuple": b"}" + TUPLES + b"Ns.",
    "hash_set": b"\x80\x04\x8f(" + TUPLES + b"\x90.",
    "hash_frozenset": b"\x80\x04(" + TUPLES + b"\x91.",
    "hash_encoding": b"c_codecs\nencode\n(X\x01\x00\x00\x00a" + TUPLES + b"tR.",
    "print_state": b"cnumpy\ndtype\n(X\x02\x00\x00\x00f4tR" + TUPLES + b"b.",
    "sort_axes": b"cnumpy.core.numeric\n_frombuffer\n(C\x04abcd" + hostile.F4
    + b"(I1\ntX\x01\x00\x00\x00K(" + TUPLES + b"ttR.",
    "deep_list": b"(" * 30_000 + b"l" * 30_000 + b".",
    "deep_tuple": b")" + b"\x85" * 30_000 + b".",
    "deep_key": b"})" + b"\x85" * 30_000 + b"Ns.",
    "marks": b"(" * 300_000 + b".",
    "itself": b"(lp0\nh\x00a.".replace(b"h\x00", b"g0\n"),
    "array_in_itself": hostile.RECONSTRUCT + b"p0\n(I1\n(I1\nt"
    + b"cnumpy\ndtype\n(X\x01\x00\x00\x00OtR" + b"I0\n(g0\nltb.",
}  # fmt: skip
READ_IN_CHILD = """
import sys
from pathlib import Path
from tfrepair.core.errors import SourceError
from tfrepair.readers.registry import open_source
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        store = open_source(path)
        for tensor in store:
            tensor.fetch()
    except SourceError as error:
        print(path.name, type(error).__name__)
    else:
        print(path.name, "read")
"""


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.timeout(20)
def test_bomb(name: str, tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.pkl", BOMBS[name])
    tracemalloc.start()
    started = time.monotonic()
    try:
        with pytest.raises(SourceError, match=r"w\.pkl"):
            open_source(path, reader="pickle", limits=Limits(max_tensors=2_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20
    assert time.monotonic() - started < 10


@pytest.mark.timeout(60)
def test_all_bombs_in_little_memory(tmp_path: Path) -> None:
    for name, data in (BOMBS | HARMLESS).items():
        hostile.put(tmp_path / f"{name}.npy", hostile.npy_of(data))

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))

    done = subprocess.run(
        [sys.executable, "-c", READ_IN_CHILD, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=little,
        env={"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")[:-1]
    assert len(lines) == len(BOMBS) + len(HARMLESS)
    assert [line for line in lines if line.endswith("read")] == [
        f"{name}.npy read" for name in HARMLESS
    ]
