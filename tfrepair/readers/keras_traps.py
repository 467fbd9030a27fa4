"""What loaders of Keras get wrong with a file, though nothing in the file is damaged.

Each finding names a trap that was measured: state that is in the file and that a loader leaves out
without an error, or files that it refuses for a reason of its own. Pure; works on what
:mod:`tfrepair.readers.keras_store` knows.

Source: measured with Keras 3.15.1 and tf_keras 2.21, ``tests/readers/test_keras_traps.py``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tfrepair.core.findings import Finding, Severity
from tfrepair.readers.keras_optimizer import optimizer_config

_ALIASES = frozenset(
    {"mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "kld", "KLD", "bce", "BCE"}
)
"""Names of losses that Keras 3 takes for functions it cannot read back from an ``.h5``."""
_NADAM_REORDERED = (3, 15)
_INNER = "inner_optimizer"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerFacts:
    """What a file says about its optimizer.

    Attributes
    ----------
    layout
        ``"lists"`` for an ``.h5``, ``"paths"`` for ``.weights.h5`` and ``.keras``.
    paths
        Paths of its variables in the file.
    training
        The ``training_config`` or ``compile_config``; ``None`` if the file has none.
    stored_name
        The name beside the variables, which Keras 3.6 and later write.
    version
        Of Keras; empty if the file does not say.
    """

    layout: str
    paths: Sequence[str]
    training: Any
    stored_name: str = ""
    version: str = ""

    @property
    def is_keras_3(self) -> bool:
        """True if Keras 3 wrote the file, as far as it says so."""
        return self.version.startswith("3") or bool(self.stored_name)


def trap_findings(facts: OptimizerFacts, where: str) -> Iterator[Finding]:
    """Yield the traps that a file holds, besides :func:`another_class`."""
    yield from _aliases(facts, where)
    if not facts.paths:
        return
    if facts.layout == "lists":
        yield from _dropped_slots(facts, where)
        return
    yield from _inner(facts, where)
    yield from _nadam(facts, where)
    if facts.training is None:
        yield _unbuilt(facts, where)


def _aliases(facts: OptimizerFacts, where: str) -> Iterator[Finding]:
    if facts.layout != "lists" or not isinstance(facts.training, dict):
        return
    found = sorted(_texts(facts.training.get("loss")) & _ALIASES)
    if found:
        yield Finding(
            code="loss-alias",
            severity=Severity.NOTE,
            where=where,
            message=f"compiled with {', '.join(found)}: load_model of Keras 3 stops with `Could "
            f"not deserialize 'keras.metrics.{found[0]}'`; nothing is wrong with the file",
            remedy="tfrepair reads it as it is; in Keras, load_model(..., compile=False)",
        )


def _texts(value: object) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return {text for part in value for text in _texts(part)}
    return set()


def _dropped_slots(facts: OptimizerFacts, where: str) -> Iterator[Finding]:
    count = len(facts.paths)
    if count < 2:
        return
    yield Finding(
        code="slots-dropped-by-keras-3",
        severity=Severity.NOTE,
        where=where,
        message=f"{count} variables of the optimizer are in this .h5: load_model of Keras 3 (3.0 "
        "to 3.15) restores the step count at most, leaves out every slot and says nothing"
        + ("; its next train_on_batch stops with `Unknown variable`" if facts.is_keras_3 else ""),
        remedy="tfrepair restores them: convert --to keras writes a file that Keras 3 loads whole",
    )


def another_class(facts: OptimizerFacts, where: str) -> Iterator[Finding]:
    """Yield a finding if the variables are those of another optimizer than is configured."""
    name, settings = optimizer_config(facts.training)
    if not name or not facts.stored_name or not facts.paths:
        return
    given = str((settings or {}).get("name") or "")
    if facts.stored_name == given or _key(facts.stored_name) == _key(name):
        return
    yield Finding(
        code="optimizer-of-another-class",
        severity=Severity.WARNING,
        where=where,
        message=f"the configuration says {name}, and the {len(facts.paths)} variables beside the "
        f"weights are those of an optimizer called {facts.stored_name}: Keras loads them by number "
        "if there are as many, whatever they mean",
        remedy=f"compile with the optimizer that was called {facts.stored_name}",
    )


def _key(name: str) -> str:
    return re.sub(r"(?:_\d+)+$", "", name).lower().replace("_", "")


def _inner(facts: OptimizerFacts, where: str) -> Iterator[Finding]:
    name, _ = optimizer_config(facts.training)
    inner = sum(f"/{_INNER}/" in path for path in facts.paths)
    if inner and _key(name) != "lossscaleoptimizer":
        yield Finding(
            code="loss-scale-optimizer",
            severity=Severity.NOTE,
            where=where,
            message=f"written with a LossScaleOptimizer around {inner} variables"
            + (f", and the configuration names {name} alone" if name else "")
            + ": Keras 3 skips the state in a process without the mixed_float16 policy",
            remedy="keras.mixed_precision.set_global_policy('mixed_float16') before load_model",
        )


def _nadam(facts: OptimizerFacts, where: str) -> Iterator[Finding]:
    name = optimizer_config(facts.training)[0] or facts.stored_name
    numbers = tuple(int(part) for part in re.findall(r"\d+", facts.version)[:2])
    if _key(name) == "nadam" and (3,) <= numbers < _NADAM_REORDERED:
        yield Finding(
            code="nadam-order",
            severity=Severity.NOTE,
            where=where,
            message=f"Keras {facts.version} keeps Nadam's product as its third variable, 3.15 as "
            "its last: load_model of 3.15 refuses the whole file (`A total of 1 objects could not "
            "be loaded`)",
            remedy="convert --to keras writes the order of today",
        )


def _unbuilt(facts: OptimizerFacts, where: str) -> Finding:
    return Finding(
        code="optimizer-needs-build",
        severity=Severity.NOTE,
        where=where,
        message=f"{len(facts.paths)} variables of an optimizer are here: load_weights of Keras "
        "leaves them out unless the model's optimizer is built before",
        remedy="model.optimizer.build(model.trainable_variables) before load_weights",
    )
