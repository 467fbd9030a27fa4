import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests.api.saves import bundle, data_of, photograph, values
from tests.verify.planting import flip_bit
from tests.wire.goldens import CHECKPOINTS
from tfrepair.api.comparison import Comparison, Relation, diff
from tfrepair.api.sources import open_store, source_reference
from tfrepair.core.difference import difference_of
from tfrepair.core.errors import PlanError, SourceError, Stale
from tfrepair.core.tensor import Array, Health


def relations(comparison: Comparison) -> dict[str, str]:
    return {row.name: row.relation.value for row in comparison.rows}


def counted(comparison: Comparison) -> dict[str, int]:
    return {r.value: n for r in Relation if (n := comparison.count(r))}


def test_a_save_is_equal_to_itself_and_to_its_copy_in_another_format(tmp_path: Path) -> None:
    one = bundle(tmp_path / "a" / "model", values(1))
    two = bundle(tmp_path / "b" / "other", values(1), shards=3)
    arrays: dict[str, Any] = dict(values(1))
    np.savez(tmp_path / "c.npz", **arrays)
    for other in (one, two, tmp_path / "c.npz"):
        comparison = diff(one, other)
        assert counted(comparison) == {"equal": 6}
        assert comparison.is_equal
        assert comparison.exit_code == 0


def test_every_relation_has_its_name_and_numbers(tmp_path: Path) -> None:
    before = values(1)
    after = dict(before)
    after["layer0/kernel"] = before["layer0/kernel"].copy()
    after["layer0/kernel"][3, 4:6] += np.float32(0.5)
    after["layer1/kernel"] = before["layer1/kernel"].astype(np.float64)
    after["layer2/kernel"] = before["layer2/kernel"].reshape(32, 64)
    del after["layer3/kernel"]
    after["layer9/bias"] = np.zeros(4, np.float32)
    one, two = bundle(tmp_path / "a", before), bundle(tmp_path / "b", after)
    photo = photograph(tmp_path)
    comparison = diff(one, two)
    assert relations(comparison) == {
        "layer0/kernel": "changed",
        "layer1/kernel": "dtype",
        "layer2/kernel": "shape",
        "layer3/kernel": "only-in-a",
        "layer4/kernel": "equal",
        "layer9/bias": "only-in-b",
        "step": "equal",
    }
    rows = {row.name: row for row in comparison.rows}
    changed, widened = rows["layer0/kernel"].difference, rows["layer1/kernel"].difference
    assert changed is not None
    assert (changed.elements, changed.changed) == (2048, 2)
    assert changed.max_abs == pytest.approx(0.5, abs=1e-6)
    assert widened is not None
    assert widened.changed == 0
    assert rows["layer2/kernel"].difference is None
    assert comparison.exit_code == 3
    assert photograph(tmp_path) == photo


@pytest.mark.parametrize(
    ("one", "other", "changed", "max_abs", "nans"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), 0, None, 0),
        (np.array([1.0, np.nan]), np.array([1.5, 2.0]), 2, 0.5, 1),
        (np.array([np.nan]), np.array([2.0]), 1, None, 1),
        (np.array([0.0]), np.array([-0.0]), 1, 0.0, 0),
        (np.array([np.inf, 1.0]), np.array([np.inf, 2.0]), 1, 1.0, 0),
        (np.array([np.inf]), np.array([2.0]), 1, np.inf, 0),
        (np.array([2**63 - 1]), np.array([-(2**63)]), 1, 2**64 - 1, 0),
        (np.array([2**64 - 1], np.uint64), np.array([0], np.uint64), 1, 2**64 - 1, 0),
        (np.array([True, False]), np.array([False, False]), 1, 1, 0),
        (np.array([3 + 4j]), np.array([0j]), 1, 5.0, 0),
        (np.array([1.0, 2.0], ">f4"), np.array([1.0, 2.0], "<f4"), 0, None, 0),
        (np.ones(2, ml_dtypes.bfloat16), np.zeros(2, ml_dtypes.bfloat16), 2, 1.0, 0),
        (np.ones((3, 0)), np.ones((3, 0)), 0, None, 0),
        (np.asfortranarray(np.eye(3)), np.eye(3), 0, None, 0),
    ],
    ids=[
        *("nan-equal", "nan-one-side", "nan-only", "zero-sign", "inf-equal", "inf-to-number"),
        *("int64-extremes", "uint64-extremes", "bool", "complex", "big-endian", "bfloat16"),
        *("empty", "fortran"),
    ],
)
def test_elements_are_counted_exactly(
    tmp_path: Path, one: Array, other: Array, changed: int, max_abs: float | None, nans: int
) -> None:
    np.savez(tmp_path / "a.npz", w=one)
    np.savez(tmp_path / "b.npz", w=other)
    if one.dtype.kind == "V":
        bundle(tmp_path / "a", {"w": one})
        bundle(tmp_path / "b", {"w": other})
        comparison = diff(tmp_path / "a.index", tmp_path / "b.index")
    else:
        comparison = diff(tmp_path / "a.npz", tmp_path / "b.npz")
    (row,) = comparison.rows
    assert row.relation is (Relation.CHANGED if changed else Relation.EQUAL)
    assert row.difference is not None
    assert row.difference.changed == changed
    assert row.difference.max_abs == max_abs
    assert row.difference.nan_on_one_side == nans
    json.dumps(comparison.to_json(), allow_nan=False)


def test_texts_are_compared_as_wholes() -> None:
    one, other = np.empty(2, object), np.empty(2, object)
    one[:], other[:] = [b"a", b"bc"], [b"a", b"bd"]
    assert difference_of(one, one).changed == 0
    assert difference_of(one, other).changed == 1
    assert difference_of(np.array(["a", "bc"]), np.array(["a", "bd"])).changed == 1
    with pytest.raises(ValueError, match="cannot be compared"):
        difference_of(one, one[:1])


def test_damage_is_neither_equal_nor_hidden(tmp_path: Path) -> None:
    one, two = bundle(tmp_path / "a", values(1)), bundle(tmp_path / "b", values(1))
    with data_of(two).open("r+b") as file:
        file.seek(100)
        file.write(bytes(900))
        file.truncate(8192 * 4 + 1000)
    comparison = diff(one, two)
    assert relations(comparison)["layer0/kernel"] == "damaged-in-b"
    assert relations(comparison)["layer4/kernel"] == "damaged-in-b"
    assert counted(comparison) == {"equal": 3, "damaged-in-b": 3}
    assert counted(diff(two, one)) == {"equal": 3, "damaged-in-a": 3}
    assert counted(diff(two, two)) == {"equal": 3, "damaged-in-both": 3}
    assert diff(two, two).exit_code == 3
    rows = {row.name: row for row in comparison.rows}
    side = rows["layer4/kernel"].b
    assert side is not None
    assert side.health is Health.TRUNCATED
    assert side.note.startswith("7 of 64 rows")


def test_the_rows_that_are_left_are_compared(tmp_path: Path) -> None:
    before = values(1)
    after = dict(before)
    after["layer4/kernel"] = before["layer4/kernel"].copy()
    after["layer4/kernel"][[2, 20], 5] += np.float32(1)
    one, two = bundle(tmp_path / "a", before), bundle(tmp_path / "b", after)
    with data_of(two).open("r+b") as file:
        file.truncate(8192 * 4 + 1000)
    row = next(row for row in diff(one, two).rows if row.name == "layer4/kernel")
    assert row.relation is Relation.DAMAGED_B
    assert row.rows == (7, 64)
    assert row.difference is not None
    assert (row.difference.elements, row.difference.changed) == (7 * 32, 1)
    assert row.difference.max_abs == pytest.approx(1)
    assert row.to_json()["rows"] == [7, 64]
    with data_of(one).open("r+b") as file:
        file.truncate(8192 * 4 + 300)
    both = next(row for row in diff(one, two).rows if row.name == "layer4/kernel")
    assert (both.relation, both.rows) == (Relation.DAMAGED_BOTH, (2, 64))
    with data_of(one).open("r+b") as file:
        file.truncate(8192 * 4)
    none = next(row for row in diff(one, two).rows if row.name == "layer4/kernel")
    assert (none.rows, none.difference) == ((0, 64), None)


def test_a_corrected_bit_is_compared_by_its_corrected_value(tmp_path: Path) -> None:
    one, two = bundle(tmp_path / "a", values(1)), bundle(tmp_path / "b", values(1))
    flip_bit(data_of(two), 77_777)
    comparison = diff(one, two)
    assert comparison.is_equal
    assert [row.name for row in comparison.rows if row.b and row.b.health is Health.CORRECTED]


def test_both_formats_of_one_training_are_equal() -> None:
    folder = CHECKPOINTS / "tf1_15"
    comparison = diff(folder / "training.v1", folder / "training.v2")
    assert comparison.is_equal
    assert comparison.rows


def test_slots_are_compared_too() -> None:
    folder = CHECKPOINTS / "tf2_21"
    comparison = diff(folder / "keras_checkpoint", folder / "keras_checkpoint")
    assert any(tensor.slot for tensor in comparison.a)
    assert len(comparison.rows) == len(comparison.a)


def test_names_that_are_positions_are_pointed_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", np.ones(2))
    assert [f.code for f in diff(tmp_path / "a.npz", tmp_path / "a.npz").findings] == [
        "compared-by-position"
    ]
    other = bundle(tmp_path / "b", values(1))
    findings = diff(tmp_path / "a.npz", other).findings
    assert findings[-1].code == "no-common-name"


def test_json_has_its_schema(tmp_path: Path) -> None:
    data = diff(bundle(tmp_path / "a", values(1)), bundle(tmp_path / "b", values(2))).to_json()
    assert data["schema"] == "tfrepair.diff/1"
    assert data["counts"]["changed"] == 6
    assert sum(data["counts"].values()) == len(data["tensors"]) == 6


def test_a_missing_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        diff(bundle(tmp_path / "a", values(1)), tmp_path / "b")


def test_tensorflow_is_not_imported(tmp_path: Path) -> None:
    prefix = bundle(tmp_path / "a", values(1))
    program = (
        "import sys\n"
        "from tfrepair.api.comparison import diff\n"
        "from tfrepair.api.comparison import Relation\n"
        f"assert diff({str(prefix)!r}, {str(prefix)!r}).count(Relation.EQUAL) == 6\n"
        "assert not {'tensorflow', 'keras', 'h5py'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def planned(source: Path, lines: str, target: Path) -> Path:
    digest = source_reference(open_store(source)).digest
    target.write_text(
        f'[plan]\nversion = 1\nsource = {{ path = "{source.name}", digest = "{digest}" }}\n'
        f'arch = {{ path = "model.py", digest = "0" }}\n\n[map]\n{lines}\n',
        encoding="utf-8",
    )
    return target


@pytest.fixture
def two_formats(tmp_path: Path) -> tuple[Path, Path]:
    kernel = np.arange(12, dtype="float32").reshape(3, 4)
    np.savez(tmp_path / "a.npz", w=kernel.T, b=np.ones(4, "float32"), other=np.zeros(2))
    np.savez(tmp_path / "b.npz", **{"dense/kernel": kernel, "dense/bias": np.ones(4, "float32")})  # type: ignore[arg-type]
    return tmp_path / "a.npz", tmp_path / "b.npz"


MAPPED = '"dense/kernel" = { from = "w", transform = "transpose:1,0" }\n"dense/bias" = "b"'


def test_a_plan_names_the_pairs_and_its_transforms_come_first(
    two_formats: tuple[Path, Path], tmp_path: Path
) -> None:
    one, two = two_formats
    plan = planned(one, MAPPED, tmp_path / "plan.toml")
    want = {"dense/kernel": "equal", "dense/bias": "equal", "other": "only-in-a"}
    assert relations(diff(one, two, plans=[plan])) == want
    turned = {name: rel.replace("only-in-a", "only-in-b") for name, rel in want.items()}
    assert relations(diff(two, one, plans=[plan])) == turned
    assert "compared-by-plan" in {f.code for f in diff(one, two, plans=[plan]).findings}


def test_two_plans_meet_in_the_variables(two_formats: tuple[Path, Path], tmp_path: Path) -> None:
    one, two = two_formats
    first = planned(one, MAPPED.replace("dense", "x"), tmp_path / "one.toml")
    second = planned(
        two, '"x/kernel" = "dense/kernel"\n"x/bias" = "dense/bias"', tmp_path / "two.toml"
    )
    assert relations(diff(one, two, plans=[second, first])) == {
        "x/kernel": "equal",
        "x/bias": "equal",
        "other": "only-in-a",
    }
    with pytest.raises(PlanError, match="a second plan"):
        diff(one, two, plans=[first, first])


def test_a_transform_that_does_not_fit_is_damage_not_equality(
    two_formats: tuple[Path, Path], tmp_path: Path
) -> None:
    one, two = two_formats
    plan = planned(one, MAPPED.replace("1,0", "1,0,2"), tmp_path / "plan.toml")
    assert relations(diff(one, two, plans=[plan]))["dense/kernel"] == "damaged-in-a"


def test_a_plan_for_another_source_is_refused(
    two_formats: tuple[Path, Path], tmp_path: Path
) -> None:
    one, two = two_formats
    np.savez(tmp_path / "c.npz", w=np.zeros(3))
    plan = planned(tmp_path / "c.npz", '"v" = "w"', tmp_path / "plan.toml")
    with pytest.raises(Stale, match="neither"):
        diff(one, two, plans=[plan])
