"""The verdict on one save of the second format: which way it can be read, and why not as it is.

Reads the save as it stands; where tensors do not come out whole, in the ways that a kill, a
rename or an exchange of files would explain; the checksums choose. Then says in words what
happened.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tfrepair.api.checkup.damage import causes_of
from tfrepair.api.checkup.interrupted import Way, killed, ways_of
from tfrepair.api.checkup.inventory import Fileset, names_of, parts_of, size_of, step_of
from tfrepair.api.checkup.readings import (
    BundleReading,
    open_index,
    read_bundle,
)
from tfrepair.api.checkup.stand_ins import EMPTY, stand_in
from tfrepair.api.checkup.surroundings import Surroundings
from tfrepair.api.checkup.verdicts import SaveCheckup, State, cause, quoted
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Health
from tfrepair.readers.bundle_index import choose_bundle, find_index
from tfrepair.readers.saves import Kind
from tfrepair.readers.shard_places import final_name, fits, place_shards, sample_of
from tfrepair.wire.bundle_index import BundleIndex

_FORMAT = "tensor_bundle"
_STEP_NAMES = ("global_step",)
_EARLIER = "take an earlier save"
_REBUILD = (
    "tfrepair repair {prefix} -o FIXED rebuilds it from the graph or another save of the run, if "
    "these lie beside it or are named with --template"
)


def check_bundle(fileset: Fileset, around: Surroundings) -> SaveCheckup:
    """Judge one save of the second format.

    Parameters
    ----------
    fileset
        Its files.
    around
        What lies beside it.

    Returns
    -------
    The verdict; reads all data of the save. Never raises on malformed bytes.
    """
    index, problem = _opened(fileset)
    plain = None if index is None else read_bundle(index, fileset.prefix)
    if plain is not None and plain.is_whole:
        return _sound(fileset, plain)
    best = _best_way(fileset, plain)
    if best is not None and (plain is None or best.reading.whole > plain.whole):
        return _by_way(fileset, best)
    if plain is not None:
        return _damaged(fileset, plain, around)
    return _without_index(fileset, problem, around)


def _opened(fileset: Fileset) -> tuple[BundleIndex | None, SourceError | None]:
    if fileset.index is None:
        return None, None
    try:
        return open_index(fileset.index), None
    except SourceError as error:
        return None, error


def _best_way(fileset: Fileset, plain: BundleReading | None) -> Way | None:
    """Return the first way in which everything is whole, else the one with the most tensors."""
    best: Way | None = None
    for way in (*_exchanged(fileset, plain), *ways_of(fileset)):
        if way.reading.is_whole:
            return way
        if best is None or way.reading.whole > best.reading.whole:
            best = way
    return best


def _exchanged(fileset: Fileset, plain: BundleReading | None) -> Iterator[Way]:
    """Yield the reading with shards placed by content, if any lies under a wrong name."""
    if plain is None:
        return
    places = place_shards(plain.index, fileset.prefix, fileset.data)
    if not places:
        return
    header = plain.index.header
    names = {shard: final_name(fileset.prefix, shard, header).name for shard in places}
    listed = ", ".join(
        f"{path.name} holds what belongs in {names[s]}" for s, path in places.items()
    )
    is_exchange = set(names.values()) == {path.name for path in places.values()}
    message = f"{'swapped shards' if is_exchange else 'wrong suffix'}: {listed}"
    moves = ", ".join(f"{path.name} to {names[shard]}" for shard, path in places.items())
    remedy = f"in a copy of the folder, rename {moves}"
    code = "swapped-shards" if is_exchange else "wrong-suffix"
    found = cause(code, fileset.prefix, message, remedy)
    yield Way(reading=read_bundle(plain.index, fileset.prefix, places), cause=found)


def _sound(fileset: Fileset, reading: BundleReading) -> SaveCheckup:
    corrected = reading.index.corrections or any(
        tensor.health is Health.CORRECTED for tensor in reading.tensors
    )
    causes = (*causes_of(reading, fileset.prefix), *_leftovers(fileset))
    state = State.CORRECTED if corrected else State.COMPLETE
    return _checkup(fileset, state, reading, causes)


def _by_way(fileset: Fileset, way: Way) -> SaveCheckup:
    state = State.FINISHABLE if way.reading.is_whole else State.DAMAGED
    causes = (way.cause, *causes_of(way.reading, fileset.prefix))
    return _checkup(fileset, state, way.reading, causes)


def _damaged(fileset: Fileset, reading: BundleReading, around: Surroundings) -> SaveCheckup:
    causes = list(causes_of(reading, fileset.prefix))
    mixed = [number for number, found in enumerate(causes) if found.code == "mixed-saves"]
    if mixed:
        whose = _owner(fileset, reading, around)
        causes = [
            replace(found, message=found.message + whose) if number == mixed[0] else found
            for number, found in enumerate(causes)
        ]
    state = State.DAMAGED if reading.whole else State.UNREADABLE
    return _checkup(fileset, state, reading, (*causes, *_leftovers(fileset)))


def _owner(fileset: Fileset, reading: BundleReading, around: Surroundings) -> str:
    """Say which sibling the data, or the index, of a mixed save belongs to."""
    for sibling, index in around.siblings(fileset):
        if _fit(reading.index, sibling.prefix):
            return f"; the index is that of {sibling.prefix.name}"
        if _fit(index, fileset.prefix):
            return f"; the data is that of {sibling.prefix.name}"
    return ""


def _fit(index: BundleIndex, prefix: Path) -> bool:
    shards = sorted({entry.shard for entry in index.entries.values() if entry.size})
    return bool(shards) and all(
        fits(final_name(prefix, shard, index.header), sample_of(index, shard), index.header)
        for shard in shards
    )


def _without_index(
    fileset: Fileset, problem: SourceError | None, around: Surroundings
) -> SaveCheckup:
    """Judge a save whose index is missing or unreadable, and that no other way explains."""
    if _is_empty(fileset):
        return _checkup(fileset, State.EMPTY, None, (_power_cut(fileset, around),))
    causes: list[Finding] = []
    if fileset.index is not None:
        causes.append(_bad_index(fileset, fileset.index, problem))
    interrupted = killed(fileset, around)
    if interrupted is not None:
        causes.append(interrupted)
    if fileset.index is None and fileset.data:
        causes.append(_lost_index(fileset))
    for file in fileset.data:
        instead = stand_in(file)
        if instead is not None:
            causes.append(instead.cause(file))
    rebuilt = _rebuilt(fileset)
    if rebuilt is None:
        return _checkup(fileset, State.UNREADABLE, None, tuple(causes))
    reading, findings = rebuilt
    return _checkup(fileset, State.DAMAGED, reading, (*causes, *findings))


def _rebuilt(fileset: Fileset) -> tuple[BundleReading, tuple[Finding, ...]] | None:
    """Return what can be read of the data by a layout that something beside it tells."""
    try:
        save = choose_bundle(fileset.prefix).of(Kind.BUNDLE)
        if save is None:
            return None
        index, shards, findings = find_index(save)
    except SourceError:
        return None
    reading = BundleReading(index=index, shards=shards)
    return (reading, findings) if reading.whole else None


def _bad_index(fileset: Fileset, index: Path, problem: SourceError | None) -> Finding:
    instead = stand_in(index)
    remedy = (
        f"look for another copy of {index.name}; {_REBUILD.format(prefix=quoted(fileset.prefix))}"
    )
    if instead is EMPTY and fileset.data:
        message = (
            f"{index.name} has 0 bytes beside {names_of(fileset.data)}: the process was killed in "
            "its merge, or a power cut came before the index was on the disk"
        )
        return cause("empty-index", index, message, remedy)
    if instead is not None:
        return instead.cause(index)
    message = problem.message if problem is not None else "it cannot be read"
    return cause("damaged-index", index, f"unreadable index: {message}", remedy)


def _lost_index(fileset: Fileset) -> Finding:
    nbytes = sum(max(0, size_of(file)) for file in fileset.data)
    holds = "holds" if len(fileset.data) == 1 else "hold"
    message = (
        f"data without index: {names_of(fileset.data)} {holds} {nbytes:,} bytes, and nothing says "
        f"which tensors these are: {fileset.prefix.name}.index is missing"
    )
    remedy = (
        "look for the .index file where the save was written; "
        f"{_REBUILD.format(prefix=quoted(fileset.prefix))}"
    )
    return cause("data-without-index", fileset.prefix, message, remedy)


def _is_empty(fileset: Fileset) -> bool:
    """Say whether there is not one byte of the save."""
    files = [*fileset.data, *fileset.data_temps, *fileset.index_temps]
    files += [fileset.index] if fileset.index is not None else []
    for folder in fileset.temp_folders:
        files += parts_of(folder)
    return all(size_of(file) <= 0 for file in files)


def _power_cut(fileset: Fileset, around: Surroundings) -> Finding:
    files: Sequence[Path] = sorted(path for path in fileset.members if size_of(path) == 0)
    message = f"power cut: all {len(files)} files of the save have 0 bytes ({names_of(files)})"
    if around.named == fileset.prefix.name:
        message += ", although the file checkpoint already names it"
    message += "; TensorFlow does not wait until its files are on the disk"
    return cause("power-cut", fileset.prefix, message, _EARLIER)


def _leftovers(fileset: Fileset) -> Iterator[Finding]:
    """Name what another, killed save left beside a save that can be read."""
    files = [*fileset.data_temps, *fileset.index_temps, *fileset.temp_folders]
    if files:
        message = (
            f"killed save: a save of the same name was not finished; it left {names_of(files)}"
        )
        remedy = "the save itself is whole; these files may go once no process writes them"
        yield cause("killed-save", files[0], message, remedy, severity=Severity.WARNING)
    if fileset.meta_temps and fileset.meta is None:
        message = (
            f"killed save: the process ended before the graph was written: "
            f"{names_of(fileset.meta_temps)} should be {fileset.prefix.name}.meta"
        )
        remedy = "the values are whole; the graph of another save of the run is the same"
        yield cause(
            "killed-before-meta", fileset.prefix, message, remedy, severity=Severity.WARNING
        )


def _checkup(
    fileset: Fileset,
    state: State,
    reading: BundleReading | None,
    causes: tuple[Finding, ...],
) -> SaveCheckup:
    return SaveCheckup(
        path=str(fileset.prefix),
        format=_FORMAT,
        state=state,
        tensors=() if reading is None else reading.tensors,
        causes=causes,
        step=_step(fileset, reading),
    )


def _step(fileset: Fileset, reading: BundleReading | None) -> int | None:
    """Return the step that the name says, else the one that the save holds."""
    step = step_of(fileset.prefix.name)
    if step is not None or reading is None:
        return step
    for part in reading.parts:
        if part.key in _STEP_NAMES and part.entry.shape == ():
            try:
                return int(part.fetch())
            except (SourceError, TypeError, ValueError):
                return None
    return None
