"""Ten hostile or broken inputs, as a user meets them: exit code, sentence, and nothing changed."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.attacks import hostile
from tests.cli.conftest import snapshot
from tests.e2e.programs import SAMPLES, tfrepair

PNET = SAMPLES / "mtcnn-pnet"
Make = Callable[[Path], None]


def _pickle_that_calls(path: Path) -> None:
    path.write_bytes(hostile.npy_of(hostile.stack_global_call("os", "system", "touch sprung")))


def _pickle_that_builds(path: Path) -> None:
    path.write_bytes(hostile.newobj_call("subprocess", "Popen", "touch sprung"))


def _shape_bomb(path: Path) -> None:
    shape = "(1048576, 1048576, 1024)"
    path.write_bytes(
        hostile.npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n", b"\0" * 64)
    )


def _compression_bomb(path: Path) -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (67108864,), }\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("arr_0.npy", hostile.npy(header) + bytes(67_108_864))


def _half_written(path: Path) -> None:
    whole = (PNET / "det1.npy").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _cut_array(path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.ones((100, 100), "float32"))
    path.write_bytes(buffer.getvalue()[:20_000])


def _header_that_is_code(path: Path) -> None:
    code = "__import__('os').system('touch sprung')"
    path.write_bytes(
        hostile.npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {code}, }}\n")
    )


def _link_out_of_a_folder(path: Path) -> None:
    path.mkdir()
    np.save(path / "a.npy", np.ones(3, "float32"))
    (path / "b.npy").symlink_to("/etc/passwd")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _git_lfs_pointer(path: Path) -> None:
    path.write_text(
        "version https://git-lfs.github.com/spec/v1\n"
        "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
        encoding="utf-8",
    )


def _named_pipe(path: Path) -> None:
    os.mkfifo(path)


INPUTS: dict[str, tuple[str, Make, int, str]] = {
    "pickle that calls os.system": ("w.npy", _pickle_that_calls, 5, "os.system"),
    "pickle that builds a Popen": ("w.pkl", _pickle_that_builds, 5, "subprocess.Popen"),
    "header that announces 4 PiB": ("w.npy", _shape_bomb, 5, "w.npy"),
    "64 MiB of zeros in 200 bytes": ("w.npz", _compression_bomb, 5, "w.npz"),
    "object array cut in half": ("w.npy", _half_written, 4, "have no source"),
    "plain array cut": ("w.npy", _cut_array, 4, "are damaged"),
    "header that is code": ("w.npy", _header_that_is_code, 5, "w.npy"),
    "link out of a folder": ("w", _link_out_of_a_folder, 5, "b.npy"),
    "empty file": ("w.npy", _empty, 5, "w.npy"),
    "pointer instead of the file": ("w.npy", _git_lfs_pointer, 5, "w.npy"),
    "named pipe": ("w.npy", _named_pipe, 5, "neither a file nor a folder"),
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.tf if code == 4 else ())
        for case, (_, _, code, _) in INPUTS.items()
    ],
)
def test_a_hostile_input_is_refused(case: str, tmp_path: Path) -> None:
    name, make, code, words = INPUTS[case]
    source = tmp_path / name
    make(source)
    before = snapshot(tmp_path)
    done = tfrepair(
        "npy-to-savedmodel",
        "--arch",
        PNET / "model.py",
        source.name,
        "out",
        "--quiet",
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("tfrepair: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert snapshot(tmp_path) == before
