"""How a program uses the API; mypy holds these types to the words of the documentation."""

from pathlib import Path
from typing import assert_type

import tfrepair


def convert_twice(weights: Path, model: object, out: Path) -> list[str]:
    """Convert with a path and with a live model, and read the report."""
    first = tfrepair.convert(weights, arch="model.py", out=out / "a", strict=True, order="keras-3")
    second = tfrepair.convert(str(weights), arch=model, out=out / "b", overwrite=True)
    assert_type(first, tfrepair.Report)
    assert_type(first.exit_code, int)
    assert_type(first.verdict, tfrepair.Verdict | None)
    return [match.target for match in (*first.plan.matches, *second.plan.matches)]


def plan_and_edit(weights: Path, out: Path) -> tfrepair.Plan:
    """Write a plan to be edited, and look at what it leaves open."""
    plan = tfrepair.plan(weights, arch="model.py:build", input_shapes=("224,224,3",))
    assert_type(plan, tfrepair.Plan)
    if not plan.is_complete:
        tfrepair.save_plan(plan, out, overwrite=True)
    return plan


def largest(weights: Path) -> tuple[str, int]:
    """Open a source; only the largest tensor is read."""
    store = tfrepair.open(weights)
    assert_type(store, tfrepair.TensorStore)
    tensor = max(store, key=lambda tensor: tensor.nbytes)
    assert_type(tensor, tfrepair.Tensor)
    return tensor.name, tensor.fetch().size


def check(model: Path, weights: Path) -> str:
    """Verify, and tell errors apart by their class."""
    try:
        verdict = tfrepair.verify(model, against=weights)
    except tfrepair.TfrepairError as error:
        return f"{error.message} ({error.exit_code}): {error.remedy}"
    assert_type(verdict, tfrepair.Verdict)
    return str(tfrepair.inspect(weights).to_json()["format"])
