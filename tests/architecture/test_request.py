"""The spellings of ``--arch`` and ``--input-shape``."""

from pathlib import Path

import pytest

from tfrepair.architecture.request import arch_request
from tfrepair.core.errors import ArchitectureError, UsageError
from tfrepair.tfhost.protocol import ArchRequest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("model.py", "MODEL.PY", "net.json", "a:b.py", "w.h5", "noext"):
        Path(name).touch()
    Path("net.json").write_text('{"class_name": "Sequential", "config": {"layers": []}}')
    Path("pkg").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("arch", "kind", "location", "factory"),
    [
        ("model.py", "file", "model.py", ""),
        ("./model.py", "file", "model.py", ""),
        ("model.py:net", "file", "model.py", "net"),
        ("model.py:", "file", "model.py", ""),
        ("MODEL.PY", "file", "MODEL.PY", ""),
        ("net.json", "config", "net.json", ""),
        ("a:b.py", "file", "a:b.py", ""),
        ("a:b.py:net", "file", "a:b.py", "net"),
    ],
)
def test_files(folder: Path, arch: str, kind: str, location: str, factory: str) -> None:
    request = arch_request(arch)
    assert (request.kind, request.factory) == (kind, factory)
    assert request.location == str(folder.resolve() / location)


@pytest.mark.parametrize(
    ("arch", "location", "factory"),
    [("nets", "nets", ""), ("x" * 5000, "x" * 5000, ""), ("nets.small:tiny", "nets.small", "tiny")],
)
def test_modules(arch: str, location: str, factory: str) -> None:
    request = arch_request(arch)
    assert (request.kind, request.location, request.factory) == ("module", location, factory)


@pytest.mark.parametrize(
    ("arch", "words"),
    [
        ("nope.py", "no such file"),
        ("nope.json", "no such file"),
        ("dir/model", "no such file"),
        ("1module", "no such file"),
        ("x" * 5000 + ".py", "no such file"),
        ("model\0.py", "no such file"),
        (".", "it is a folder"),
        ("pkg/", "it is a folder"),
        ("w.h5", "expected a Python file"),
        ("noext", "expected a Python file"),
    ],
)
def test_what_is_not_there(arch: str, words: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        arch_request(arch)
    assert words in caught.value.message
    assert "model.py:factory" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("10", ("", (-1, 10))),
        ("224,224,3", ("", (-1, 224, 224, 3))),
        ("(224, 224, 3)", ("", (-1, 224, 224, 3))),
        ("?,10", ("", (-1, 10))),
        ("None,None,3", ("", (-1, -1, 3))),
        ("image=8,8,?", ("image", (-1, 8, 8, -1))),
        (" words = ? , 7", ("words", (-1, 7))),
    ],
)
def test_input_shapes(text: str, shape: tuple[str, tuple[int, ...]]) -> None:
    request = arch_request("model.py", input_shapes=(text,))
    assert request.input_shapes == (shape,)
    assert ArchRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize("text", ["", "x", "0", "-2", "3,0", "()", "a=", "1.5", "8;8", "9" * 5000])
def test_input_shapes_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--input-shape") as caught:
        arch_request("model.py", input_shapes=(text,))
    assert "224,224,3" in caught.value.remedy


@pytest.mark.parametrize("keras", [0, 1, 4])
def test_other_generations_of_keras(keras: int) -> None:
    with pytest.raises(UsageError, match=f"--keras {keras}"):
        arch_request("model.py", keras=keras)
