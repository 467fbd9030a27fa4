"""What loaders of Keras would leave out of a file that is whole, or refuse it for.

Makes the facts that :mod:`tfrepair.readers.keras_traps` asks for from a store; nothing is opened.
"""

from collections.abc import Iterator

from tfrepair.core.findings import Finding
from tfrepair.core.tensor import TensorStore
from tfrepair.readers.keras_config import parse
from tfrepair.readers.keras_traps import OptimizerFacts, trap_findings

_LAYOUTS = ("lists", "paths")
_GROUPS = ("optimizer/", "optimizer_weights/")


def keras_traps(store: TensorStore) -> Iterator[Finding]:
    """Yield the traps of a Keras file; nothing for other sources."""
    texts = store.attributes
    if texts.get("layout") not in _LAYOUTS:
        return
    training, _ = parse(texts.get("training_config", ""), store.path)
    facts = OptimizerFacts(
        layout=texts["layout"],
        paths=[t.origin.key for t in store if t.origin.key.startswith(_GROUPS)],
        training=training,
        stored_name=texts.get("optimizer_name", ""),
        version=texts.get("keras_version", ""),
    )
    yield from trap_findings(facts, store.path)
