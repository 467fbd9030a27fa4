"""Small configurations in the words of each era, made by hand."""

import json
from typing import Any

from tfrepair.architecture.keras_config.preparing import KerasTexts, Prepared, prepare

Config = dict[str, Any]


def layer(class_name: str, name: str, **settings: Any) -> Config:
    return {"class_name": class_name, "config": {"name": name, **settings}}


def sequential(*layers: Config, **rest: Any) -> Config:
    return {"class_name": "Sequential", "config": {"name": "net", "layers": list(layers), **rest}}


def functional(*layers: Config, outputs: Any, inputs: Any = None) -> Config:
    """Return a functional model; its layers come from :func:`called`."""
    return {
        "class_name": "Model",
        "config": {
            "name": "net",
            "layers": list(layers),
            "input_layers": inputs or [[layers[0]["name"], 0, 0]],
            "output_layers": outputs,
        },
    }


def called(held: Config, *nodes: Any) -> Config:
    return {**held, "name": held["config"]["name"], "inbound_nodes": list(nodes)}


def prepared(config: Any, training: Any = None, *, version: str = "", **options: Any) -> Prepared:
    texts = KerasTexts(
        where="run.h5",
        model=json.dumps(config),
        training="" if training is None else json.dumps(training),
        version=version,
        optimizer=options.pop("optimizer", ""),
    )
    return prepare(texts, **options)


def layers_of(found: Prepared) -> list[Config]:
    listed: list[Config] = json.loads(found.model)["config"]["layers"]
    return listed


def training_of(found: Prepared) -> Config:
    held: Config = json.loads(found.training) if found.training else {}
    return held
