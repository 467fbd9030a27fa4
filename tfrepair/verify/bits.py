"""Does a SavedModel hold exactly the variables that were meant, bit for bit? No TensorFlow.

Reads every variable by name with tfrepair's own reader, which shares no code with the writer.
Knows the list of what was meant (:class:`~tfrepair.core.receipt.WrittenVariable`); whether the
directory is sound at all is up to :mod:`tfrepair.verify.structure`.
"""

from collections.abc import Callable
from pathlib import Path

from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError
from tfrepair.core.receipt import WrittenVariable
from tfrepair.core.verdict import Check
from tfrepair.verify.contents import Bundle, failed, open_bundle
from tfrepair.wire.bundle import OBJECT_GRAPH_KEY, BundleEntry
from tfrepair.wire.element_types import STRING, type_name

_TABLE_ENDS = ("/.ATTRIBUTES/table-keys", "/.ATTRIBUTES/table-values")
_COUNTER = "save_counter/.ATTRIBUTES/VARIABLE_VALUE"
"""The counter that ``tf.train.Checkpoint`` keeps in every checkpoint of its own."""


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def check_bits(
    model: Path,
    variables: tuple[WrittenVariable, ...],
    progress: Callable[[int, int], None] = _silent,
) -> tuple[Check, ...]:
    """Read every variable back and compare type, shape, checksum and digest.

    Parameters
    ----------
    model
        Directory of the SavedModel.
    variables
        What it should hold.
    progress
        Told how many of how many variables were read.

    Returns
    -------
    One check ``"bits"`` for each variable, with its path as the place, and one ``"contents"``:
    the bundle holds these variables once, the object graph and tables, and nothing else.
    Reads all data once. Damage gives failed checks, never an exception.
    """
    bundle, damage = open_bundle(model)
    if bundle is None:
        if not variables and not damage:
            detail = "no variables, as expected"
            return (Check(name="contents", passed=True, detail=detail, where=str(model)),)
        detail = damage[0].detail if damage else "there is no variables/variables.index"
        return tuple(
            Check(name="bits", passed=False, detail=detail, where=variable.path)
            for variable in variables
        ) or tuple(damage)
    checks = []
    for done, variable in enumerate(variables):
        progress(done, len(variables))
        checks.append(_check(bundle, variable))
    return (*checks, _contents(bundle, variables))


def _check(bundle: Bundle, variable: WrittenVariable) -> Check:
    entry = bundle.entries.get(variable.key)
    if entry is None:
        detail = f"there is no {variable.key} among {len(bundle.entries)} entries"
        return Check(name="bits", passed=False, detail=detail, where=variable.path)
    dtype = type_name(entry.dtype)
    if (dtype, entry.shape) != (variable.dtype, variable.shape):
        detail = f"{dtype} {entry.shape}, expected {variable.dtype} {variable.shape}"
        return Check(name="bits", passed=False, detail=detail, where=variable.path)
    try:
        array = bundle.array(variable.key)
    except SourceError as error:
        return failed("bits", error, variable.path)
    found = array_digest(array)
    if found != variable.sha256:
        detail = f"sha256 is {found}, expected {variable.sha256}"
        return Check(name="bits", passed=False, detail=detail, where=variable.path)
    detail = f"{dtype} {entry.shape}, {array.nbytes} bytes, sha256 {found[:16]}"
    return Check(name="bits", passed=True, detail=detail, where=variable.path)


def _contents(bundle: Bundle, variables: tuple[WrittenVariable, ...]) -> Check:
    """Check that each variable is there once, and nothing besides them."""
    keys = {variable.key for variable in variables}
    problems = []
    if len(keys) != len(variables):
        problems.append(f"{len(variables) - len(keys)} variables share a key with another")
    expected = {part for key in keys if key in bundle.entries for part in (key, *bundle.parts(key))}
    extra = [
        key
        for key, entry in bundle.entries.items()
        if key not in expected and not _is_known_extra(key, entry)
    ]
    if extra:
        nbytes = sum(bundle.entries[key].size for key in extra)
        problems.append(f"{len(extra)} unexpected entries of {nbytes} bytes: {_shown(extra)}")
    held = sum(e.size for key, e in bundle.entries.items() if key in expected)
    others = sum(e.size for key, e in bundle.entries.items() if key not in expected)
    detail = f"{len(variables)} variables of {held} bytes; {others} bytes of other entries"
    return Check(
        name="contents", passed=not problems, detail="; ".join([detail, *problems]), where=""
    )


def _is_known_extra(key: str, entry: BundleEntry) -> bool:
    is_text = entry.dtype == STRING and key != _COUNTER
    return is_text or key in (OBJECT_GRAPH_KEY, _COUNTER) or key.endswith(_TABLE_ENDS)


def _shown(keys: list[str], most: int = 5) -> str:
    rest = f", and {len(keys) - most} more" if len(keys) > most else ""
    return ", ".join(keys[:most]) + rest
