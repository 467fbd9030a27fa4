"""Rule: a configuration is data. What would run code, open a file or fill memory is refused, named.

CVE-2024-3660, CVE-2025-1550, -8747, -9905, -9906, -49655, -12058, CVE-2026-1462.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.keras_config.configs import (
    called,
    functional,
    layer,
    prepared,
    sequential,
)
from tfrepair.architecture.request import ConfigOptions, arch_request, config_request, json_texts
from tfrepair.core.errors import ArchitectureError
from tfrepair.tfhost.client import ChildHost

MARSHAL = ["4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMEAAAAfABTACkBTqkAKQHaAXhyAQAAAA==\n", None, None]
VERSIONS = ("1.2.2", "2.2.4", "2.13.0", "3.15.1")

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "marshal": (layer("Lambda", "evil", function=MARSHAL, function_type="lambda"), "Python code"),
    "lambda by name": (layer("Lambda", "evil", function="f", function_type="function"), "Lambda"),
    "__lambda__": (layer("__lambda__", "evil", value=MARSHAL), "Python code"),
    "lambda inside": (layer("TimeDistributed", "spread", layer=layer("Lambda", "evil")), "Lambda"),
    "lambda activation": (
        layer("Dense", "evil", activation={"class_name": "__lambda__", "config": {"value": "x"}}),
        "activation __lambda__",
    ),
    "module os": ({**layer("system", "evil"), "module": "os"}, "os.system is not Keras' own"),
    "function of os": (
        layer("Dense", "evil", activation={"module": "os", "class_name": "function",
              "config": "system", "registered_name": "system"}),
        "activation system",
    ),
    "function of keras that fetches": (
        {**layer("get_file", "evil"), "module": "keras.utils"}, "get_file is not"),
    "switch of safe mode": (
        {**layer("enable_unsafe_deserialization", "evil"), "module": "keras.config"}, "is not"),
    "regularizer of a module": (
        layer("Dense", "evil", kernel_regularizer={"module": "subprocess", "class_name": "Popen",
              "config": {"args": "id"}}),
        "Popen",
    ),
    "object in a setting": (
        layer("Dense", "evil", units={"module": "os", "class_name": "system", "config": {}}),
        "an object of the class system",
    ),
    "saved model": (layer("TFSMLayer", "evil", filepath="/home/x"), "loads a SavedModel"),
    "torch": (layer("TorchModuleWrapper", "evil", module="aGk="), "pickled PyTorch"),
    "vocabulary": (layer("StringLookup", "evil", vocabulary="/etc/passwd"), "path of a file"),
    "tensorflow that writes": (layer("TFOpLambda", "evil", function="io.write_file"), "write_file"),
    "tensorflow that runs": (layer("TFOpLambda", "evil", function="py_function"), "py_function"),
    "raw operation": (
        layer("TensorFlowOpLayer", "evil", node_def={"op": "PyFunc", "name": "x"}), "PyFunc"),
    "operation in bytes": (layer("TensorFlowOpLayer", "evil", node_def="CgFh"), "binary form"),
    "operation of Keras with a function": (
        {**layer("Map", "evil"), "module": "keras.src.ops.core"}, "calls a function"),
    "symbols of TensorFlow": (layer("ClassMethod", "evil", cls_symbol="io"), "ClassMethod"),
    "policy of a module": (
        layer("Dense", "evil", dtype={"module": "os", "class_name": "system", "config": {}}),
        "dtype policy",
    ),
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_by_the_name_of_its_layer(case: str, version: str) -> None:
    held, words = REFUSED[case]
    with pytest.raises(ArchitectureError, match=words) as caught:
        prepared(sequential(held), version=version)
    assert "layer 'evil'" in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("case", ["marshal", "__lambda__", "lambda inside", "vocabulary"])
def test_custom_objects_do_not_open_the_door(case: str) -> None:
    with pytest.raises(ArchitectureError, match=REFUSED[case][1]):
        prepared(sequential(REFUSED[case][0]), version="2.4.0", has_custom_objects=True)


def test_code_in_the_settings_of_a_custom_layer() -> None:
    held = layer("Mine", "evil", inner={"deep": [{"class_name": "__lambda__", "config": {}}]})
    with pytest.raises(ArchitectureError, match="it holds __lambda__"):
        prepared(sequential(held), version="3.1.0", has_custom_objects=True)


def test_objects_among_the_arguments_of_a_call() -> None:
    config = functional(
        called(layer("InputLayer", "x", batch_shape=[None, 3])),
        called(layer("Dense", "evil", units=2), {"args": [{"class_name": "function",
               "module": "os", "config": "system"}], "kwargs": {}}),
        outputs=[["evil", 0, 0]],
    )  # fmt: skip
    with pytest.raises(ArchitectureError, match="called with an object of the class function"):
        prepared(config, version="3.1.0")


def test_all_refusals_are_told_at_once() -> None:
    with pytest.raises(ArchitectureError) as caught:
        prepared(sequential(layer("Lambda", "one"), layer("Lambda", "two")), version="2.4.0")
    assert "'one'" in caught.value.message
    assert "'two'" in caught.value.message


def test_two_layers_of_one_name() -> None:
    config = sequential(layer("Dense", "evil", units=2), layer("Dense", "evil", units=3))
    with pytest.raises(ArchitectureError, match="two layers of one model have this name"):
        prepared(config, version="2.4.0")


def test_calls_on_layers_that_are_not_there() -> None:
    config = functional(
        called(layer("InputLayer", "x", batch_input_shape=[None, 3])),
        called(layer("Dense", "a", units=2), [["nowhere", 0, 0, {}]]),
        outputs=[["gone", 0, 0]],
    )
    with pytest.raises(ArchitectureError) as caught:
        prepared(config, version="2.4.0")
    assert "'nowhere'" in caught.value.message
    assert "'gone'" in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a":' * 100_000, "nested too deeply|not JSON"),
        ('{"class_name": ' + '{"a":' * 200 + "1" + "}" * 201, "deeper than 64 levels"),
        ("[" + "9" * 5000 + "]", "not JSON"),
        ("[1]", "no Keras config"),
        ('{"class_name": 3}', "no Keras config"),
        ('{"class_name": "Sequential", "config": 3}', "without layers"),
        ('{"class_name": "Sequential", "config": {"layers": [3, null, {}]}}', "not understood"),
    ],
    ids=["open", "deep", "number", "list", "class", "settings", "layers"],
)
def test_texts_that_are_no_configuration(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ArchitectureError, match=words):
        arch_request(str(path))


def laughs(depth: int) -> dict[str, Any]:
    """Return a model whose text grows with the depth, and whose calls double."""
    held = layer("Dense", "d", units=3)
    for level in range(depth):
        inner = called(held, [["x", 0, 0, {}]], [["x", 0, 0, {}]])
        name = inner["name"]
        start = called(layer("InputLayer", "x", batch_input_shape=[None, 3]))
        held = functional(start, inner, outputs=[[name, 0, 0]])
        held["config"]["name"] = f"m{level}"
    return held


def test_models_in_models_that_double() -> None:
    with pytest.raises(ArchitectureError, match=r"\d+ layer calls, the limit is 200000"):
        prepared(laughs(18), version="2.4.0")
    assert prepared(laughs(3), version="2.4.0").model


BOMBS: dict[str, tuple[tuple[dict[str, Any], ...], str]] = {
    "units": ((layer("Dense", "evil", units=10**9),), "parameters"),
    "rows": ((layer("Embedding", "evil", input_dim=10**12, output_dim=8),), "parameters"),
    "twice": (
        (layer("Dense", "a", units=4000), layer("Dense", "evil", units=10_000)), "parameters"),
    "repeated": (
        (layer("RepeatVector", "evil", n=2**30),), "elements for each example"),
}  # fmt: skip


@pytest.fixture(scope="module", params=[2, 3])
def host(request: pytest.FixtureRequest) -> Iterator[tuple[ChildHost, int]]:
    with ChildHost(keras=request.param, limit=120.0) as child:
        yield child, request.param


@pytest.mark.tf
@pytest.mark.parametrize("case", BOMBS)
def test_memory_beyond_what_the_source_accounts_for(
    host: tuple[ChildHost, int], case: str, tmp_path: Path
) -> None:
    child, keras = host
    layers, words = BOMBS[case]
    first = layer("InputLayer", "x", batch_input_shape=[None, 4])
    path = tmp_path / "net.json"
    path.write_text(json.dumps(sequential(first, *layers)), encoding="utf-8")
    options = ConfigOptions(keras=keras, max_parameters=1 << 24)
    request, _ = config_request(json_texts(path), path, options)
    with pytest.raises(ArchitectureError, match=words) as caught:
        child.describe(request)
    assert "'evil'" in caught.value.message or "evil" in caught.value.message
