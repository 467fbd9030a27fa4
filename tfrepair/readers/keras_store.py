"""From the tree of an HDF5 file and the texts beside it to a store: the last step for Keras.

Finds out which layout a file has, asks the module that knows it for names, and the optimizer's
list for its slots. What the file says about itself goes to ``TensorStore.attributes``; nothing is
converted here. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Origin, SourceName, Tensor, TensorStore
from tfrepair.readers.h5_tree import H5Dataset, H5Tree, join, natural
from tfrepair.readers.keras_averages import holds_averages
from tfrepair.readers.keras_config import layer_config, parse
from tfrepair.readers.keras_eras import era_findings
from tfrepair.readers.keras_optimizer import (
    listed_optimizer,
    listed_orders,
    numbered_optimizer,
    path_orders,
)
from tfrepair.readers.keras_paths import (
    OPTIMIZER,
    VARS,
    has_paths,
    incomplete_lists,
    path_weights,
)
from tfrepair.readers.keras_slot_layouts import Era
from tfrepair.readers.keras_slots import ListEntry, name_slots
from tfrepair.readers.keras_traps import OptimizerFacts, another_class
from tfrepair.readers.keras_weights import (
    OPTIMIZER_GROUP,
    WEIGHTS_GROUP,
    KerasWeight,
    is_of_keras_0,
    layers_group,
    listed_weights,
)
from tfrepair.readers.keys import printable
from tfrepair.readers.naming import Naming

_TEXTS = ("model_config", "training_config", "keras_version", "backend")
_MAX_NOTES = 20


@dataclass(slots=True, kw_only=True)
class _Content:
    """What is decided so far; lives within one call of :func:`keras_store`."""

    tree: H5Tree
    where: str
    attributes: dict[str, str]
    config: Any = None
    training: Any = None
    weights: tuple[KerasWeight, ...] = ()
    named: list[tuple[H5Dataset, Naming]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def text(self, name: str) -> str:
        return self.attributes.get(name, "")


def keras_store(
    tree: H5Tree, *, reader: str, path: Path, files: Sequence[Path], texts: Mapping[str, str]
) -> TensorStore:
    """Name everything in a tree.

    Parameters
    ----------
    tree
        The file's content.
    reader, path, files
        Go into the store.
    texts
        What stands beside the file: ``model_config``, ``training_config``, ``keras_version``.

    Returns
    -------
    The store: weights in the file's own order, then the optimizer, then what no list names.
    """
    content = _Content(tree=tree, where=str(path), attributes={**_texts(tree), **texts})
    for name in ("model_config", "training_config"):
        value, findings = parse(content.text(name), f"{path}: {name}")
        setattr(content, "config" if name == "model_config" else "training", value)
        content.findings += findings
    layout = _read(content)
    content.attributes["layout"] = layout
    if is_of_keras_0(content.tree):
        content.attributes["variances"] = "deviations"
    content.findings += era_findings(content.weights, content.attributes, content.config, str(path))
    tensors = tuple(_tensors(content))
    return TensorStore(
        format=reader,
        path=str(path),
        files=tuple(str(file) for file in files),
        tensors=tensors,
        names_are_meaningful=True,
        order_is_meaningful=layout != "plain",
        findings=(*tree.findings, *content.findings),
        attributes=content.attributes,
    )


def _texts(tree: H5Tree) -> dict[str, str]:
    found = {}
    for name in _TEXTS:
        text = tree.text("", name) or tree.text(WEIGHTS_GROUP, name)
        if text:
            found[name] = text
    return found


def _read(content: _Content) -> str:
    """Name what is there; returns the name of the layout."""
    if layers_group(content.tree) is not None:
        _read_lists(content)
        return "lists"
    if has_paths(content.tree):
        _read_paths(content)
        return "paths"
    return "plain"


def _read_lists(content: _Content) -> None:
    content.weights, findings = listed_weights(content.tree, content.where)
    content.findings += findings
    content.named += [(w.dataset, Naming(name=w.name, purpose=w.purpose)) for w in content.weights]
    datasets, entries = [], []
    for raw in content.tree.names(OPTIMIZER_GROUP, "weight_names") or ():
        place = join(OPTIMIZER_GROUP, raw)
        dataset = content.tree.datasets.get(place) if place is not None else None
        if dataset is None:
            content.findings.append(_absent(content.where, raw))
        else:
            datasets.append(dataset)
            entries.append(ListEntry(raw=raw, shape=dataset.shape))
    version = content.text("keras_version")
    optimizer = listed_optimizer(entries, content.training, version)
    root = layer_config(content.config)
    orders = listed_orders(content.weights, root, version, optimizer.era)
    where = f"{content.where}: {OPTIMIZER_GROUP}"
    if entries and optimizer.name:
        content.attributes["optimizer"] = optimizer.name
    namings, ties = name_slots(entries, orders, content.weights, optimizer, where)
    content.named += zip(datasets, namings, strict=True)
    content.findings += ties


def _read_paths(content: _Content) -> None:
    root = layer_config(content.config)
    content.weights, datasets = path_weights(content.tree, root)
    content.named += [(w.dataset, Naming(name=w.name, purpose=w.purpose)) for w in content.weights]
    start = f"{OPTIMIZER}/"
    entries = [
        ListEntry(raw=d.path.removeprefix(start).replace(f"{VARS}/", ""), shape=d.shape)
        for d in datasets
    ]
    stored = content.tree.text(f"{OPTIMIZER}/{VARS}", "name")
    version = content.text("keras_version")
    optimizer = numbered_optimizer(entries, content.training, version, stored)
    other = list(another_class(_facts(content, datasets, stored), content.where))
    if other:  # its variables are those of the name beside them
        optimizer = replace(optimizer, name=stored, settings=None)
        content.findings += other
    if stored:
        content.attributes["optimizer_name"] = stored
    gaps = incomplete_lists(content.tree)
    content.findings += [_incomplete(content.where, gap) for gap in gaps]
    orders = [] if gaps else path_orders(content.weights, root)
    where = f"{content.where}: {OPTIMIZER}"
    if entries and optimizer.name:
        content.attributes["optimizer"] = optimizer.name
    namings, ties = name_slots(entries, orders, content.weights, optimizer, where)
    if ties and optimizer.settings is None and optimizer.era is Era.KERAS_3 and len(orders) == 1:
        known = holds_averages(datasets, [weight.dataset for weight in orders[0]])
        optimizer = replace(optimizer, has_averages=known)
        namings, ties = name_slots(entries, orders, content.weights, optimizer, where)
    content.named += zip(datasets, namings, strict=True)
    content.findings += ties
    if entries and isinstance(content.training, dict) and not content.training.get("optimizer"):
        content.findings.append(_lost_optimizer(content.where, len(entries), stored))


def _facts(content: _Content, datasets: Sequence[H5Dataset], stored: str) -> OptimizerFacts:
    return OptimizerFacts(
        layout="paths",
        paths=[dataset.path for dataset in datasets],
        training=content.training,
        stored_name=stored,
        version=content.text("keras_version"),
    )


def _absent(where: str, raw: str) -> Finding:
    return Finding(
        code="listed-but-absent",
        severity=Severity.ERROR,
        where=f"{where}: {OPTIMIZER_GROUP}/{printable(raw)}",
        message="the file lists this variable of the optimizer, and there is no such array",
        remedy="look for another copy of the file",
    )


def _incomplete(where: str, group: str) -> Finding:
    return Finding(
        code="listed-but-absent",
        severity=Severity.ERROR,
        where=f"{where}: {printable(group)}",
        message="variables are numbered from 0, and some numbers are missing",
        remedy="look for another copy of the file",
    )


def _lost_optimizer(where: str, count: int, stored: str) -> Finding:
    named = f", called {stored}" if stored else ""
    return Finding(
        code="optimizer-not-in-config",
        severity=Severity.WARNING,
        where=where,
        message=f"{count} variables of an optimizer{named} are here, and the configuration names "
        "no optimizer: Keras 3 forgets it when the model was saved as .h5 before, and then loads "
        "the file with RMSprop",
        remedy="tfrepair repair x.keras -o fixed.keras writes it back; --donor x.h5 tells its "
        "settings",
    )


def _tensors(content: _Content) -> Iterator[Tensor]:
    taken: set[str] = set()
    used: set[str] = set()
    for dataset, naming in content.named:
        used.add(dataset.path)
        yield _tensor(dataset, naming, taken)
    rest = [d for d in content.tree.datasets.values() if d.path not in used]
    rest.sort(key=lambda dataset: natural(dataset.path))
    if used and rest:
        content.findings.append(_unlisted(content.where, rest))
    for dataset in rest:
        yield _tensor(dataset, Naming(name=printable(dataset.path)), taken)


def _unlisted(where: str, rest: Sequence[H5Dataset]) -> Finding:
    shown = ", ".join(printable(dataset.path) for dataset in rest[:_MAX_NOTES])
    return Finding(
        code="not-listed",
        severity=Severity.NOTE,
        where=where,
        message=f"{len(rest)} arrays are in no list of Keras and follow at the end: {shown}",
    )


def _tensor(dataset: H5Dataset, naming: Naming, taken: set[str]) -> Tensor:
    name, number = naming.name, 1
    while name in taken:
        number += 1
        name = f"{naming.name}#{number}"
    taken.add(name)
    return Tensor(
        name=SourceName(name),
        shape=dataset.shape,
        dtype=dataset.dtype,
        nbytes=dataset.nbytes,
        origin=Origin(path=dataset.file, key=dataset.path, offset=dataset.offset),
        fetch=dataset.fetch,
        health=dataset.health,
        health_note=dataset.health_note,
        examine=dataset.examine,
        leading=dataset.leading,
        purpose=naming.purpose,
        slot=naming.slot,
        slot_of=naming.slot_of,
    )
