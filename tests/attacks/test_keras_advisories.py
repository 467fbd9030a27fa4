"""Rule: one test for each published advisory on Keras files; reading and repairing runs nothing.

Every case is a file as its advisory describes it, around the weights of a golden one. While it is
read, checked and repaired, the interpreter reports what is opened, imported and run. Building an
architecture from such a configuration is in ``test_keras_configs.py``; zip bombs, for which there
is no number, are in ``test_keras_archives.py``.
"""

import io
import json
import marshal
import sys
import tempfile
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import tfrepair
from tests.readers.keras_goldens import FOLDER
from tfrepair.api.repairing import repair
from tfrepair.core.errors import Refused, SourceError

GOLDEN = FOLDER / "keras3" / "cnn.keras"
WEIGHTS = "model.weights.h5"
ROOT = Path(tfrepair.__file__).parents[1]
CODE = b64encode(marshal.dumps(compile("open('/srv/pwned', 'w')", "x", "eval"))).decode()


def call(module: str, kind: str, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


LAYERS: dict[str, dict[str, Any]] = {
    "CVE-2024-3660": call("keras.layers", "Lambda", name="conv_a", function=[CODE, None, None]),
    "CVE-2025-1550": call("os", "function", name="system", args=["touch /srv/pwned"]),
    "CVE-2025-8747": call("keras.utils", "get_file", fname="x", origin="file:///etc/passwd"),
    "CVE-2025-9906": call("keras.config", "enable_unsafe_deserialization"),
    "CVE-2025-9905": call("keras.layers", "Lambda", name="conv_a", function=CODE, safe_mode=False),
    "CVE-2025-49655": call("keras.layers", "TorchModuleWrapper", blob=CODE),
    "CVE-2025-12058": call("keras.layers", "StringLookup", vocabulary="/etc/passwd"),
    "CVE-2026-1462": call("keras.layers", "TFSMLayer", filepath="/srv/evil_saved_model"),
    "CVE-2026-12481": call("keras.layers", "Lambda", name="conv_a", function={"config": CODE}),
}
"""Advisories about configurations: the first layer of the model is this."""

_seen: list[tuple[str, str]] = []
_is_watching = False
_TELLING = ("open", "import", "exec", "compile", "os.system", "subprocess.Popen", "socket.connect",
            "marshal.loads", "os.mkdir", "os.remove", "shutil.unpack_archive")  # fmt: skip


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if _is_watching and event in _TELLING:
        _seen.append((event, str(args[0]) if args else ""))


sys.addaudithook(_watch)


@contextmanager
def watched() -> Iterator[None]:
    """Fail if a file is opened that nobody gave, or if anything is run."""
    global _is_watching  # noqa: PLW0603 - an audit hook cannot be taken away again
    _seen.clear()
    _is_watching = True
    try:
        yield
    finally:
        _is_watching = False
    folders = (tempfile.gettempdir(), sys.prefix, sys.base_prefix, str(ROOT), "/dev/")
    opened = [path for event, path in _seen if event == "open" and not path.isdigit()]
    assert [path for path in opened if not path.startswith(folders)] == []
    assert [path for path in opened if Path(path).stem in ("secret", "passwd")] == []
    harmful = {"os.system", "subprocess.Popen", "socket.connect", "marshal.loads"}
    run = [entry for entry in _seen if entry[0] in harmful]
    assert [entry for entry in run if not _loads_bytecode(entry)] == []
    imported = {name for event, name in _seen if event == "import"}
    assert not {"keras", "tensorflow", "tf_keras", "torch"} & imported


def _loads_bytecode(entry: tuple[str, str]) -> bool:
    """Importing a module of Python's own loads its compiled code."""
    return entry[0] == "marshal.loads" and CODE not in entry[1]


def members() -> dict[str, bytes]:
    with zipfile.ZipFile(GOLDEN) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(path: Path, changes: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**members(), **changes}.items():
            archive.writestr(name, data)
    return path


def with_layer(entry: dict[str, Any]) -> bytes:
    config = json.loads(members()["config.json"])
    config["config"]["layers"].insert(0, entry)
    config["compile_config"]["loss"] = entry
    return json.dumps(config).encode()


def weights_of(change: Callable[[h5py.File], None]) -> bytes:
    held = io.BytesIO(members()[WEIGHTS])
    with h5py.File(held, "r+") as file:
        change(file)
    return held.getvalue()


@pytest.mark.parametrize("advisory", LAYERS)
def test_configurations_are_texts(advisory: str, tmp_path: Path) -> None:
    config = with_layer(LAYERS[advisory])
    archive = archive_of(tmp_path / "w.keras", {"config.json": config})
    legacy = tmp_path / "w.h5"
    legacy.write_bytes((FOLDER / "keras3" / "cnn.h5").read_bytes())
    with h5py.File(legacy, "r+") as file:
        file.attrs["model_config"] = config.decode()
    tfrepair.check(GOLDEN)  # what it imports is not the file's doing
    with watched():
        for path in (archive, legacy):
            store = tfrepair.open(path)
            assert sum(tensor.nbytes for tensor in store if tensor.fetch() is not None) > 0
            tfrepair.check(path)
        repair(archive, tmp_path / "again.keras")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again.keras",
        "again.keras.rescue-note.md",
        "w.h5",
        "w.keras",
    ]


@pytest.mark.parametrize(
    "name", ["../../escape", "/etc/escape", "assets/../../../escape", "assets/x"]
)
def test_cve_2025_12638_ghsa_hqp4_members_are_never_unpacked(name: str, tmp_path: Path) -> None:
    path = archive_of(tmp_path / "w.keras", {name: b"x"})
    with watched():
        assert len(tfrepair.open(path)) > 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.keras"]


def test_cve_2026_12479_names_of_layers_make_no_paths(tmp_path: Path) -> None:
    config = members()["config.json"].replace(b"conv_a", b"../../a")
    assert len(config) == len(members()["config.json"]) + config.count(b"../../a")
    path = archive_of(tmp_path / "w.keras", {"config.json": config})
    with watched():
        tfrepair.check(path)
        repair(path, tmp_path / "again.keras")
    assert {entry.parent for entry in tmp_path.rglob("*")} == {tmp_path}


def test_cve_2026_1669_links_and_outside_data_in_an_archive(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.arange(4.0, dtype="float32").tobytes())

    def link(file: h5py.File) -> None:
        file["layers/dense/vars/9"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/w")

    def outside(file: h5py.File) -> None:
        place = [(str(secret), 0, 16)]
        file["layers/dense/vars"].create_dataset("9", (4,), "float32", external=place)

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((4,), "float32")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "w", shape=(4,))
        file["layers/dense/vars"].create_virtual_dataset("9", layout)

    def soft(file: h5py.File) -> None:
        file["layers/dense/vars/9"] = h5py.SoftLink("/optimizer/vars/0")

    for change in (link, outside, virtual, soft):
        path = archive_of(tmp_path / "w.keras", {WEIGHTS: weights_of(change)})
        with watched(), pytest.raises(Refused):
            tfrepair.open(path)
        with pytest.raises(SourceError):
            repair(path, tmp_path / "again.keras")


def test_cve_2026_0897_shapes_are_held_against_what_is_stored(tmp_path: Path) -> None:
    def bomb(file: h5py.File) -> None:
        group = file["layers/dense/vars"]
        group.create_dataset("9", (1 << 34,), "float32", chunks=(1 << 20,), compression="gzip")

    path = archive_of(tmp_path / "w.keras", {WEIGHTS: weights_of(bomb)})
    store = tfrepair.open(path)
    bad = [tensor for tensor in store if not tensor.is_whole]
    assert len(bad) == 1
    with pytest.raises(SourceError):
        bad[0].fetch()
