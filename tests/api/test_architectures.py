"""Where an architecture comes from, up to the request: without TensorFlow."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.readers.keras_goldens import FOLDER
from tfrepair.api.architectures import GROWTH, MIN_PARAMETERS, Chosen, choose
from tfrepair.api.options import Options
from tfrepair.api.sources import open_store
from tfrepair.core.errors import ArchitectureError, UsageError
from tfrepair.wire.protobuf import bytes_field

WHOLE, ONLY = FOLDER / "keras2_2" / "cnn.h5", FOLDER / "keras2_2" / "cnn_only.h5"
SAVED = FOLDER.parent / "saved_model" / "module"


def chosen(source: Path, arch: Any = None, **options: Any) -> Chosen:
    found = choose(source, arch, Options(**options), lambda: open_store(source))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "keras"),
    [("keras1/cnn.h5", 2), ("tf2_3/rnn.h5", 2), ("tf_keras/both.keras", 2), ("keras3/cnn.h5", 3),
     ("keras3/nested.keras", 3)],
)  # fmt: skip
def test_the_source_is_its_own_architecture(name: str, keras: int) -> None:
    found = chosen(FOLDER / name)
    assert (found.request.kind, found.request.keras) == ("config", keras)
    assert found.named == Path(name).name
    assert found.request.training
    assert "architecture-from-file" in [finding.code for finding in found.findings]
    assert "tensorflow" not in sys.modules


def test_the_digest_is_that_of_the_texts(tmp_path: Path) -> None:
    copy = tmp_path / "other.h5"
    shutil.copy(WHOLE, copy)
    assert chosen(copy).digest == chosen(WHOLE).digest
    assert chosen(FOLDER / "keras2_2" / "rnn.h5").digest != chosen(WHOLE).digest
    custom = tmp_path / "mine.py"
    custom.write_text("x = 1\n")
    assert chosen(WHOLE, custom_objects=custom).digest != chosen(WHOLE).digest


def test_a_file_of_weights_says_what_is_missing() -> None:
    with pytest.raises(UsageError, match="holds weights only") as caught:
        chosen(ONLY)
    assert "--arch" in caught.value.remedy


@pytest.mark.parametrize("arch", [WHOLE, FOLDER / "keras3" / "cnn.keras"])
def test_the_configuration_of_another_file(arch: Path) -> None:
    found = chosen(ONLY, str(arch))
    assert found.request.location == str(arch)
    assert found.named == str(arch)


def test_a_file_without_a_configuration_is_no_architecture() -> None:
    with pytest.raises(ArchitectureError, match="holds no configuration"):
        chosen(WHOLE, str(ONLY))
    with pytest.raises(ArchitectureError, match="has no Keras configuration"):
        chosen(WHOLE, str(SAVED))


def test_a_saved_model_of_tf_keras(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 2}}
    shape = {"class_name": "TensorShape", "items": [None, 3]}
    first = {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": shape}}
    metadata = {
        "class_name": "Sequential",
        "config": {"name": "net", "layers": [first, dense]},
        "keras_version": "2.6.0",
        "training_config": {"loss": "mse", "optimizer_config": {"class_name": "SGD",
                            "config": {"learning_rate": 0.5}}},
    }  # fmt: skip
    node = bytes_field(3, b"root") + bytes_field(5, json.dumps(metadata).encode())
    other = bytes_field(3, b"root.layer-0") + bytes_field(5, b"{}")
    (tmp_path / "keras_metadata.pb").write_bytes(bytes_field(1, other) + bytes_field(1, node))
    found = chosen(WHOLE, str(tmp_path))
    layers = json.loads(found.request.config)["config"]["layers"]
    assert layers[0]["config"]["batch_input_shape"] == [None, 3]
    assert json.loads(found.request.training)["optimizer"]["class_name"] == "SGD"


def test_parameters_are_bounded_by_the_source() -> None:
    assert chosen(WHOLE).request.max_parameters == MIN_PARAMETERS
    assert GROWTH > 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"custom_objects": "nowhere.py"}, "no such file"),
        ({"graph_inputs": ("x",)}, "name parts of a .meta graph"),
        ({"keras": 4}, "there is 2"),
        ({"input_shapes": ("a,b",)}, "expected numbers"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        chosen(WHOLE, **options)


def test_custom_objects_without_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("x = 1\n")
    with pytest.raises(UsageError, match="go with a configuration"):
        chosen(ONLY, str(path), custom_objects=path)
