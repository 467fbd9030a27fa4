import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.verify.planting import GOLDEN, edit_index, flip_bit, swap
from tests.wire.damage import cut_everywhere, flipped
from tfrepair.core.architecture import VariablePath
from tfrepair.core.receipt import WrittenVariable
from tfrepair.verify.bits import check_bits
from tfrepair.wire.bundle_index import read_index

KERNEL = "vars/dense.Skernel/.ATTRIBUTES/VARIABLE_VALUE"
TWIN = "vars/twin.Skernel/.ATTRIBUTES/VARIABLE_VALUE"
EXPECTED = tuple(
    WrittenVariable.from_json(entry)
    for entry in json.loads((GOLDEN / "expected.json").read_text())["module"]
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    shutil.copytree(GOLDEN / "module", tmp_path / "model")
    return tmp_path / "model"


def failures(model: Path, expected: tuple[WrittenVariable, ...] = EXPECTED) -> set[str]:
    return {check.where or check.name for check in check_bits(model, expected) if not check.passed}


def test_what_tensorflow_read_is_what_we_read(model: Path) -> None:
    checks = check_bits(model, EXPECTED)
    assert failures(model) == set()
    assert [check.where for check in checks] == [*(v.path for v in EXPECTED), ""]


def test_progress_counts_the_variables(model: Path) -> None:
    steps: list[tuple[int, int]] = []
    check_bits(model, EXPECTED, lambda done, total: steps.append((done, total)))
    assert steps == [(done, len(EXPECTED)) for done in range(len(EXPECTED))]


def test_swapped_tensors_of_equal_shape_are_found(model: Path) -> None:
    swap(model, KERNEL, TWIN)
    assert failures(model) == {"dense/kernel", "twin/kernel"}


def test_a_flipped_bit_is_found(model: Path) -> None:
    index = read_index((model / "variables" / "variables.index").read_bytes(), "index")
    first = index.entries[KERNEL.encode()].offset
    flip_bit(model / "variables" / "variables.data-00000-of-00001", 8 * first + 5)
    assert failures(model) == {"dense/kernel"}


def test_a_dropped_entry_is_found(model: Path) -> None:
    edit_index(model, drop=KERNEL)
    assert failures(model) == {"dense/kernel"}


@pytest.mark.parametrize("changes", [{"shape": (3, 2)}, {"dtype": 3}], ids=["shape", "type"])
def test_another_shape_or_type_is_found(model: Path, changes: dict[str, Any]) -> None:
    edit_index(model, KERNEL, **changes)
    assert failures(model) == {"dense/kernel"}


def test_a_variable_too_many_is_found(model: Path) -> None:
    rest = tuple(variable for variable in EXPECTED if variable.path != "half")
    assert failures(model, rest) == {"contents"}


def test_two_variables_with_one_key_are_found(model: Path) -> None:
    twice = (*EXPECTED, dataclasses.replace(EXPECTED[0], path=VariablePath("again")))
    assert failures(model, twice) == {"contents"}


@pytest.mark.parametrize("name", ["variables.index", "variables.data-00000-of-00001"])
def test_damage_never_raises(model: Path, name: str) -> None:
    path = model / "variables" / name
    data = path.read_bytes()
    for bad in (*cut_everywhere(data, most=30), *flipped(data, 60)):
        path.write_bytes(bad)
        checks = check_bits(model, EXPECTED)
        assert len(checks) >= len(EXPECTED)


def test_a_model_without_variables(tmp_path: Path) -> None:
    assert failures(tmp_path, ()) == set()
    assert failures(tmp_path) == {variable.path for variable in EXPECTED}


@pytest.fixture
def sliced(tmp_path: Path) -> Path:
    """Variables of a TensorFlow 1 model, one of them in three slices."""
    folder = tmp_path / "model" / "variables"
    folder.mkdir(parents=True)
    prefix = GOLDEN.parent / "tf_checkpoint" / "tf2_21_saver"
    for ending in ("index", "data-00000-of-00001"):
        shutil.copy(prefix / f"training.v2.{ending}", folder / f"variables.{ending}")
    return tmp_path / "model"


def expected_of_saver() -> tuple[WrittenVariable, ...]:
    held = json.loads(
        (GOLDEN.parent / "tf_checkpoint" / "tf2_21_saver" / "training.json").read_text()
    )["tensors"]
    return tuple(
        WrittenVariable(
            path=VariablePath(name),
            key=name,
            shape=tuple(one["shape"]),
            dtype=one["dtype"],
            sha256=one["sha256"],
        )
        for name, one in held.items()
    )


def test_a_partitioned_variable_is_joined_from_its_slices(sliced: Path) -> None:
    assert failures(sliced, expected_of_saver()) == set()


def test_a_slice_that_is_lost_or_damaged_is_found(sliced: Path) -> None:
    expected = expected_of_saver()
    index = read_index((sliced / "variables" / "variables.index").read_bytes(), "index")
    slices = [key for key in index.entries if key.startswith(b"\0net/emb\0")]
    assert len(slices) == 3
    flip_bit(
        sliced / "variables" / "variables.data-00000-of-00001",
        8 * index.entries[slices[1]].offset + 3,
    )
    assert failures(sliced, expected) == {"net/emb"}
    edit_index(sliced, drop=slices[0].decode("utf-8", "surrogateescape"))
    assert failures(sliced, expected) == {"net/emb"}
