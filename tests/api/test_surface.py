"""What ``import tfrepair`` offers: names, documentation, types, and what it costs."""

import dataclasses
import inspect as python_inspect
import subprocess
import sys
import typing
import zipfile
from pathlib import Path

import pytest

import tfrepair
from tests.api import usage
from tfrepair.api.options import ConvertKeywords, Options, PlanKeywords
from tfrepair.core import errors

NAMES = {
    "Audit", "Inspection", "Plan", "Report", "Tensor", "TensorStore", "TfrepairError", "Verdict",
    "__version__", "audit", "check", "convert", "diff", "explain", "inspect", "open", "plan",
    "recover", "repair", "save_plan", "verify",
}  # fmt: skip
ROOT = Path(tfrepair.__file__).parents[1]


def test_published_names_stay() -> None:
    assert set(tfrepair.__all__) >= NAMES
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = tfrepair.nonsense


@pytest.mark.parametrize("name", sorted(NAMES - {"__version__"}))
def test_every_name_is_documented(name: str) -> None:
    documentation = python_inspect.getdoc(getattr(tfrepair, name))
    assert documentation
    value = getattr(tfrepair, name)
    if python_inspect.isfunction(value):
        for section in ("Parameters", "Raises"):
            assert section in documentation
        for parameter in python_inspect.signature(value).parameters:
            assert parameter in documentation


def test_the_keywords_are_the_options() -> None:
    fields = {field.name: field.type for field in dataclasses.fields(Options)}
    assert typing.get_type_hints(ConvertKeywords) == typing.get_type_hints(Options)
    assert fields.keys() - PlanKeywords.__annotations__.keys() == {
        "allow_missing", "strict", "overwrite", "dry_run", "to", "skeleton",
        "agreed",
    }  # fmt: skip


def test_the_wheel_is_typed_and_has_the_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "tfrepair/py.typed" in names
    assert any(name.endswith("entry_points.txt") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "samples/"))]


@pytest.mark.slow
def test_a_program_that_uses_the_api_is_well_typed() -> None:
    path = Path(usage.__file__)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout


def test_importing_it_loads_nothing() -> None:
    code = "import sys, tfrepair; print([n for n in ('numpy', 'tensorflow') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_every_error_is_one_of_ours_and_has_a_code() -> None:
    found = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, tfrepair.TfrepairError)
    ]
    assert {error.exit_code for error in found} == {1, 2, 4, 5, 6, 7}


def test_the_subpackage_does_not_hide_the_function() -> None:
    code = "import tfrepair, tfrepair.verify.bits, tfrepair.api.verification as v; "
    code += "from tfrepair import verify; print(tfrepair.verify is v.verify is verify)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "True\n"
