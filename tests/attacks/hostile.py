"""Hostile bytes, written opcode by opcode: nothing here pickles a live object."""

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

STOP = b"."
MARK = b"("
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\x01btR"
"""An empty array, ready for a state."""
F4 = b"cnumpy\ndtype\n(X\x02\x00\x00\x00f4I0\nI1\ntR(I3\nX\x01\x00\x00\x00<NNNI-1\nI-1\nI0\ntb"


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def reduce_call(module: str, name: str, argument: str) -> bytes:
    """``module.name(argument)`` as protocol 0 writes it."""
    return f"c{module}\n{name}\n".encode() + MARK + text(argument) + b"tR" + STOP


def stack_global_call(module: str, name: str, argument: str) -> bytes:
    """The same as protocol 4 writes it; dots in the name reach attributes."""
    parts = (b"\x80\x04", text(module), text(name), b"\x93", MARK, text(argument), b"tR", STOP)
    return b"".join(parts)


def inst_call(module: str, name: str, argument: str) -> bytes:
    """An instance of an old class of Python 2."""
    return MARK + text(argument) + f"i{module}\n{name}\n".encode() + STOP


def newobj_call(module: str, name: str, argument: str) -> bytes:
    """``module.name.__new__(argument)``."""
    head = b"\x80\x02" + f"c{module}\n{name}\n".encode()
    return head + MARK + text(argument) + b"t\x81" + STOP


def array(shape: bytes, data: bytes, dtype: bytes = F4) -> bytes:
    """An array whose state is given as opcodes."""
    return RECONSTRUCT + MARK + b"I1\n" + shape + dtype + b"I0\n" + data + b"tb" + STOP


def binbytes(data: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(data)) + data


def npy(header: str, data: bytes = b"", *, version: int = 1) -> bytes:
    raw = header.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(raw))
    return b"\x93NUMPY" + bytes([version, 0]) + length + raw + data


def npy_of(pickled: bytes) -> bytes:
    """A 0-d object array around a pickle."""
    return npy("{'descr': '|O', 'fortran_order': False, 'shape': (), }\n", pickled)


def npz(members: Mapping[str, bytes], *, method: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
