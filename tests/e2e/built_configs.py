"""Builds every golden Keras file from its own configuration, in one process of its own.

``python built_configs.py FILES.json``: reads ``[[path, generation], ...]`` with generation 2, 3 or
null, prints one JSON object per line: what was planned, and the largest difference to the outputs
that the writer computed.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.api.architectures import choose
from tfrepair.api.options import Options
from tfrepair.api.sources import Reading, examined, open_store
from tfrepair.core.architecture import VariableKind
from tfrepair.core.errors import TfrepairError
from tfrepair.planning.build import build_plan
from tfrepair.rebuild.apply import apply
from tfrepair.tfhost.worker.build import build
from tfrepair.tfhost.worker.describe import describe
from tfrepair.tfhost.worker.variables import named_variables


def main() -> None:
    for path, keras in json.loads(Path(sys.argv[1]).read_text()):
        try:
            found = _built(Path(path), keras)
        except TfrepairError as error:
            found = {"error": str(error)}
        sys.stdout.write(json.dumps({"path": path, "keras": keras, **found}) + "\n")


def _built(path: Path, keras: int | None) -> dict[str, Any]:
    chosen = choose(path, None, Options(keras=keras), lambda: open_store(path))
    assert chosen is not None
    built = build(chosen.request)
    architecture = describe(built, chosen.request)
    store = examined(open_store(path))
    planned = build_plan(store, architecture, Reading(store))
    state = apply(planned, store, architecture)
    variables = {named.path: named.variable for named in named_variables(built)}
    for entry in state.filled:
        if entry.fetch is not None:
            variables[entry.path].assign(entry.fetch())
    case = json.loads((path.parent / "expected.json").read_text())
    held = case["models"][case["files"][path.name]]
    slots = [v for v in architecture if v.kind is VariableKind.OPTIMIZER and v.of]
    provenance = {entry.path: entry.provenance.kind.value for entry in state.entries}
    return {
        "framework": architecture.framework,
        "missing": [gap.to_json() for gap in planned.missing],
        "ties": [tie.to_json() for tie in planned.ties],
        "optimizer": architecture.optimizer,
        "has_loss": architecture.has_loss,
        "slots": len(slots),
        "slots_filled": sum(provenance[v.path] in ("read", "converted") for v in slots),
        "findings": [f.to_json() for f in (*chosen.findings, *architecture.findings)],
        "losses": [f.message for f in planned.findings if f.severity.value == "loss"],
        "error": _difference(built, held),
    }


def _difference(built: Any, held: dict[str, Any]) -> float:
    inputs = held["inputs"]
    count = len(built.model.inputs)
    arrays = [np.float32(value) for value in (inputs if count > 1 else [inputs])]
    found = built.model(arrays if count > 1 else arrays[0], training=False)
    outputs = held["outputs"]
    if isinstance(found, list | tuple):
        return max(
            float(np.abs(np.asarray(f) - np.float32(w)).max())
            for f, w in zip(found, outputs, strict=True)
        )
    return float(np.abs(np.asarray(found) - np.float32(outputs)).max())


if __name__ == "__main__":
    main()
