import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.verify.planting import GOLDEN, edit_index, flip_bit
from tests.wire.damage import cut_everywhere, flipped
from tfrepair.verify.structure import check_structure
from tfrepair.wire.bundle_index import read_index
from tfrepair.wire.bundle_writer import write_index

KERNEL = "vars/dense.Skernel/.ATTRIBUTES/VARIABLE_VALUE"
DATA = "variables/variables.data-00000-of-00001"
INDEX = "variables/variables.index"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    shutil.copytree(GOLDEN / "module", tmp_path / "model")
    return tmp_path / "model"


def failures(model: Path) -> set[str]:
    return {check.name for check in check_structure(model) if not check.passed}


@pytest.mark.parametrize("name", ["module", "other", "tf1_regression"])
def test_sound_models_pass(name: str) -> None:
    checks = check_structure(GOLDEN / name)
    assert [check for check in checks if not check.passed] == []
    assert {"index", "data-size", "checksum", "restore-names", "object-graph", "operations"} <= {
        check.name for check in checks
    }


def drop_counter(model: Path) -> None:
    edit_index(model, drop="save_counter/.ATTRIBUTES/VARIABLE_VALUE")


def transpose(model: Path) -> None:
    edit_index(model, KERNEL, shape=(3, 2))


def retype(model: Path) -> None:
    edit_index(model, KERNEL, dtype=3)


def cut(model: Path) -> None:
    path = model / DATA
    path.write_bytes(path.read_bytes()[:100])


def append(model: Path) -> None:
    path = model / DATA
    path.write_bytes(path.read_bytes() + b"\0")


def other_graph(model: Path) -> None:
    shutil.copy(GOLDEN / "other" / "saved_model.pb", model / "saved_model.pb")


def cut_graph(model: Path) -> None:
    path = model / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:-1000])


def call_python(model: Path) -> None:
    path = model / "saved_model.pb"
    data = path.read_bytes()
    assert b"\x12\x06MatMul" in data
    path.write_bytes(data.replace(b"\x12\x06MatMul", b"\x12\x06PyFunc"))


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (lambda m: flip_bit(m / DATA, 77), {"checksum"}),
        (lambda m: flip_bit(m / INDEX, 500), {"index", "fingerprint"}),
        (lambda m: flip_bit(m / "fingerprint.pb", 8 * 45), {"fingerprint"}),
        (cut, {"data-size", "checksum", "object-graph"}),
        (append, {"data-size"}),
        (drop_counter, {"restore-names", "object-graph", "fingerprint"}),
        (transpose, {"object-graph", "fingerprint"}),
        (retype, {"object-graph", "fingerprint"}),
        (other_graph, {"object-graph"}),
        (cut_graph, {"saved-model"}),
        (call_python, {"operations"}),
        (lambda m: (m / "assets" / "words.txt").unlink(), {"assets"}),
        (lambda m: (m / DATA).unlink(), {"data-size", "checksum", "object-graph"}),
        (lambda m: (m / INDEX).unlink(), {"restore-names", "object-graph"}),
        (lambda m: (m / INDEX).write_bytes(b""), {"index"}),
        (lambda m: (m / "saved_model.pb").unlink(), {"saved-model"}),
        (lambda m: shutil.rmtree(m / "variables"), {"restore-names", "object-graph"}),
    ],
    ids=[
        "bit in a tensor",
        "bit in the index",
        "bit in the fingerprint",
        "data cut",
        "data too long",
        "entry dropped",
        "shape transposed",
        "type changed",
        "graph of another model",
        "graph cut",
        "python function",
        "asset missing",
        "data missing",
        "index missing",
        "index empty",
        "graph missing",
        "variables missing",
    ],
)
def test_planted_defects_are_found(
    model: Path, plant: Callable[[Path], object], expected: set[str]
) -> None:
    plant(model)
    assert expected <= failures(model)
    if "index" not in expected:
        assert failures(model) == expected


def test_a_message_says_where_and_how_much(model: Path) -> None:
    cut(model)
    details = [check.detail for check in check_structure(model) if not check.passed]
    assert any("100 bytes, the index needs 1036" in detail for detail in details)


@pytest.mark.parametrize("name", ["saved_model.pb", INDEX, DATA, "fingerprint.pb"])
def test_damage_never_raises(model: Path, name: str) -> None:
    path = model / name
    data = path.read_bytes()
    for bad in (*cut_everywhere(data, most=25), *flipped(data, 25), *flipped(data, 25, bits=5)):
        path.write_bytes(bad)
        assert check_structure(model)


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    assert failures(tmp_path) == {"saved-model"}
    assert failures(tmp_path / "nothing") == {"saved-model"}


def test_an_absurd_number_of_data_files_costs_no_time(model: Path) -> None:
    path = model / INDEX
    index = read_index(path.read_bytes(), path.name)
    header = dataclasses.replace(index.header, num_shards=1 << 40)
    with path.open("wb") as file:
        write_index(index.entries, file.write, header=header)
    assert any("99999" in check.detail for check in check_structure(model) if not check.passed)


@pytest.mark.tf
def test_models_of_several_writers(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "scripts" / "make_golden" / "saved_model.py"
    kinds = [
        "module",
        "keras3_export",
        "tf_keras_trained",
        "tf_keras_slots",
        "no_variables",
        "python_function",
    ]
    subprocess.run(
        [sys.executable, str(script), ",".join(kinds), str(tmp_path)],
        check=True,
        capture_output=True,
    )
    found = {kind: failures(tmp_path / kind) for kind in kinds}
    assert found.pop("python_function") == {"operations"}
    assert not any(found.values())
