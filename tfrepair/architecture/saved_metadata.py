"""The Keras configuration that a SavedModel of tf.keras carries beside its graph.

``keras_metadata.pb`` since TensorFlow 2.5, the metadata of the root object in ``saved_model.pb``
before. SavedModels of Keras 3 and of ``tf.Module`` have none. Runs nothing.

Source: saved_metadata.proto of tf_keras (nodes 1: path 3, metadata 5), saved_object_graph.proto
(SavedUserObject 4: metadata 3), metagraph.proto (object_graph_def 7).
"""

import json
from pathlib import Path
from typing import Any

from tfrepair.architecture.keras_config.preparing import KerasTexts
from tfrepair.architecture.keras_config.reading import MAX_TEXT, read_config
from tfrepair.core.errors import ArchitectureError, SourceError
from tfrepair.wire.mapping import map_file
from tfrepair.wire.protobuf import parse

_METADATA, _GRAPH = "keras_metadata.pb", "saved_model.pb"


def is_saved_model(path: Path) -> bool:
    """Return whether a folder is a SavedModel."""
    return path.is_dir() and (path / _GRAPH).is_file()


def texts_of_saved_model(path: Path) -> KerasTexts:
    """Return the configuration of a SavedModel.

    Parameters
    ----------
    path
        Its folder.

    Raises
    ------
    ArchitectureError
        If there is none, or it cannot be read.
    """
    try:
        text = _from_metadata(path) or _from_graph(path)
    except (SourceError, OSError) as error:
        message = f"{path}: its Keras metadata cannot be read: {error}"
        raise ArchitectureError(message, remedy=_REMEDY) from error
    where = f"{path.name}: Keras metadata"
    held: Any = read_config(text, where) if 0 < len(text) <= MAX_TEXT else None
    if not isinstance(held, dict) or not isinstance(held.get("config"), dict | list):
        message = (
            f"{path}: this SavedModel has no Keras configuration: it holds graphs, and the layers "
            "behind them are not in it"
        )
        raise ArchitectureError(message, remedy=_REMEDY)
    model = {"class_name": held.get("class_name"), "config": held["config"]}
    training = held.get("training_config")
    version = held.get("keras_version")
    return KerasTexts(
        where=path.name,
        model=json.dumps(model),
        training=json.dumps(training) if training else "",
        version=version if isinstance(version, str) else "2",
    )


_REMEDY = "give a model.py that builds the model with --arch"


def _from_metadata(path: Path) -> str:
    file = path / _METADATA
    if not file.is_file():
        return ""
    for raw in parse(map_file(file), str(file)).raws(1):
        node = parse(raw, str(file))
        if node.text(3) == "root":
            return node.text(5)
    return ""


def _from_graph(path: Path) -> str:
    file = path / _GRAPH
    for graph in parse(map_file(file), str(file)).raws(2):
        objects = parse(graph, str(file)).message(7).raws(1)
        if objects:
            return parse(objects[0], str(file)).message(4).text(3)
    return ""
