"""Rule: an archive cannot make us write, and cannot make us expand without end."""

import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.attacks import hostile
from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Unsupported
from tfrepair.core.tensor import Limits
from tfrepair.readers.registry import open_source

FOUR = hostile.npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }\n", b"\0" * 16)


def patched(data: bytes, at: int, form: str, value: int) -> bytes:
    """Change one field of the first member, in its local header and in the directory."""
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    made = bytearray(data)
    struct.pack_into(form, made, local + at, value)
    struct.pack_into(form, made, central + at + 2, value)
    return bytes(made)


@pytest.mark.parametrize(
    "name",
    ["../../escape.npy", "/etc/escape.npy", "C:\\escape.npy", "a/../../b.npy", "\x1b[2J.npy"],
)
def test_member_names_are_only_names(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = hostile.put(tmp_path / "in" / "w.npz", hostile.npz({name: FOUR}))
    store = open_source(path)
    assert len(store) == 1
    assert store.tensors[0].fetch().shape == (4,)
    assert "\x1b" not in store.tensors[0].name
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "w.npz"]


def test_bomb_by_ratio(tmp_path: Path) -> None:
    data = hostile.npz({"w.npy": FOUR})
    path = hostile.put(tmp_path / "w.npz", patched(data, 22, "<I", 1 << 31))
    with pytest.raises(OverLimit, match=r"2147483648.*1100 times"):
        open_source(path)


def test_ratio_is_a_limit(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "w.npz", w=np.zeros(1 << 18))
    assert open_source(tmp_path / "w.npz")["w"].fetch().sum() == 0
    with pytest.raises(OverLimit, match="100 times"):
        open_source(tmp_path / "w.npz", limits=Limits(max_expansion=100))


def test_gzip_bomb(tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.pkl.gz", gzip.compress(b"(l." + b"\0" * (1 << 22)))
    with pytest.raises(OverLimit, match="50 times"):
        open_source(path, limits=Limits(max_expansion=50))


def test_encrypted(tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.npz", patched(hostile.npz({"w.npy": FOUR}), 6, "<H", 1))
    with pytest.raises(Unsupported, match=r"w\.npy.*encrypted"):
        open_source(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression(method: int, tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.npz", hostile.npz({"w.npy": FOUR}, method=method))
    with pytest.raises(Unsupported, match=f"method {method}"):
        open_source(path)


def test_duplicate_members(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w.npy", FOUR)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("w.npy", FOUR[:-16] + b"\xff" * 16)
    store = open_source(path)
    assert [tensor.name for tensor in store] == ["w", "w#2"]
    assert [finding.code for finding in store.findings] == ["duplicate-name"]
    assert store["w"].fetch().tobytes() != store["w#2"].fetch().tobytes()


def test_changed_data_is_noticed(tmp_path: Path) -> None:
    data = hostile.npz({"w.npy": FOUR})
    at = data.index(FOUR) + len(FOUR) - 1
    path = hostile.put(tmp_path / "w.npz", data[:at] + b"\x01" + data[at + 1 :])
    with pytest.raises(Corrupt, match=r"w\.npz, member w\.npy.*CRC"):
        open_source(path)


def test_changed_data_is_noticed_when_it_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", w=np.zeros(10_000))
    data = bytearray((tmp_path / "w.npz").read_bytes())
    data[50_000] ^= 1
    store = open_source(hostile.put(tmp_path / "w.npz", bytes(data)))
    with pytest.raises(Corrupt, match=r"w\.npz, member w\.npy.*CRC"):
        store["w"].fetch()


def test_one_damaged_member_is_a_finding(tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.npz", hostile.npz({"a.npy": b"nothing", "b.npy": FOUR}))
    store = open_source(path)
    assert [tensor.name for tensor in store] == ["b"]
    assert [finding.code for finding in store.findings] == ["unreadable-member"]


def test_zip64_lies(tmp_path: Path) -> None:
    data = bytearray(hostile.npz({"w.npy": FOUR}))
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<I", data, end + 16, 0xFFFF_FFF0)  # where the directory begins
    with pytest.raises(SourceError):
        open_source(hostile.put(tmp_path / "w.npz", bytes(data)))
