"""JSON that every parser takes, whatever was in the files."""

import json
import math
from typing import Any

import pytest

from tfrepair.cli.printable import json_text

ROW = {"name": "a\nb\u202e", "shape": [1, 2], "stats": {"min": -1.5, "nan": 0}}


@pytest.mark.parametrize("count", [0, 1, 500, 501, 2000])
def test_long_lists_mean_the_same(count: int) -> None:
    data: dict[str, Any] = {
        "schema": "x/1",
        "tensors": [ROW] * count,
        "none": None,
        "empty": {},
        "few": [[]],
    }
    text = json_text(data)
    assert json.loads(text) == data
    assert text.isascii()
    assert text.count("\n") < 15 * count + 10


def test_short_data_is_indented() -> None:
    data = {"a": [ROW], "b": {"c": [1, {"d": "e"}]}}
    assert json_text(data) == json.dumps(data, indent=1)
    assert json_text({}) == "{}"


@pytest.mark.parametrize("count", [1, 501])
def test_what_json_lacks_becomes_null(count: int) -> None:
    data: dict[str, Any] = {"rows": [{"value": math.inf}] * count, "x": math.nan}
    assert json.loads(json_text(data)) == {"rows": [{"value": None}] * count, "x": None}
