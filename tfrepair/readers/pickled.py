"""Reader of ``.pkl`` files: pickled lists and dicts of arrays, also compressed with gzip.

Knows how a pickle of each protocol begins; what it may hold is
:mod:`tfrepair.wire.safe_pickle`'s matter. A pickle has to be read whole, so its arrays are kept
in memory.
"""

import gzip
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated, Unsupported
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.base import Candidate
from tfrepair.readers.stores import store_of
from tfrepair.readers.streams import Stream, broken_off, damage, file_stream, unpacked
from tfrepair.wire.npy import MAGIC

_GZIP = b"\x1f\x8b"
_BEGINNING = re.compile(
    rb"\x80[\x02-\x05][\x95\]}()c]"  # protocol 2 and later state their number
    rb"|[(\]}](?:l|d|t|p0\n|q\x00|\.)"  # protocol 0 and 1: a list, dict or tuple
    rb"|c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n"  # ... or a call
)
_CHUNK = 1 << 20
_SMALL = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PickledReader:
    """A list or dict saved with ``pickle.dump``, for instance ``model.get_weights()``."""

    name: str = "pickle"
    description: str = ".pkl: a pickled list or dict of arrays, also gzip-compressed"

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether the file begins as pickles of arrays do."""
        head = candidate.head
        if head.startswith(_GZIP):
            head = _unzipped_head(head)
        return _BEGINNING.match(head) is not None

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read the whole pickle.

        Raises
        ------
        SourceError
            If the file is damaged or asks for code.
        """
        stream = file_stream(path)
        with damage(stream), stream.open() as file:
            is_gzip = file.read(len(_GZIP)) == _GZIP
        findings: tuple[Finding, ...] = ()
        if is_gzip:
            stream, findings = _unzipped(stream, limits)
        with damage(stream), stream.open() as file:
            tree = unpacked(file, stream, limits=limits)
            rest = stream.size - file.tell() if tree.damage is None else 0
        if tree.damage is not None:
            findings = (*findings, broken_off(tree.damage, stream))
        return store_of(
            tree,
            reader=self.name,
            path=path,
            files=(path,),
            limits=limits,
            findings=(*findings, *_trailing(stream, rest)),
        )


def _unzipped_head(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 64)
    except zlib.error:
        return b""


def _unzipped(stream: Stream, limits: Limits) -> tuple[Stream, tuple[Finding, ...]]:
    """Return a stream over the decompressed bytes, which are kept in memory.

    Of compressed data that breaks off, what comes before that is taken, with a finding.
    """
    most = stream.size * limits.max_expansion
    content = io.BytesIO()
    findings: tuple[Finding, ...] = ()
    with damage(stream), gzip.open(stream.path) as file:
        try:
            while chunk := file.read(_CHUNK):
                content.write(chunk)
                if content.tell() > most:
                    message = (
                        f"{stream.where}: {stream.size} bytes expand to more than "
                        f"{limits.max_expansion} times as many"
                    )
                    raise OverLimit(message, remedy="if you trust the file, gunzip it first")
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            broken = _broken_gzip(stream, error)
            _add_rest(content, stream, most)
            if not content.tell():
                raise broken from error
            findings = (broken_off(broken, stream),)
    data = content.getvalue()
    if data.startswith(MAGIC):
        message = f"{stream.where}: a .npy file compressed with gzip"
        raise Unsupported(message, remedy="gunzip it first")
    unzipped = Stream(path=stream.path, size=len(data), open=lambda: io.BytesIO(data))
    return unzipped, findings


def _add_rest(content: io.BytesIO, stream: Stream, most: int) -> None:
    """Decompress from the begin, byte block by byte block, as far as it goes."""
    content.seek(0)
    content.truncate()
    machine = zlib.decompressobj(wbits=31)
    with stream.open() as file:
        while (chunk := file.read(_SMALL)) and content.tell() <= most:
            try:
                content.write(machine.decompress(chunk))
            except zlib.error:
                return


def _broken_gzip(stream: Stream, error: Exception) -> SourceError:
    if isinstance(error, EOFError):
        message = f"{stream.where}, byte {stream.size}: the file ends within gzip data"
        return Truncated(message, remedy="look for a complete copy of the file")
    message = f"{stream.where}: the gzip data is damaged: {error}"
    return Corrupt(message, remedy="look for another copy of the file")


def _trailing(stream: Stream, rest: int) -> tuple[Finding, ...]:
    if rest <= 0:
        return ()
    finding = Finding(
        code="bytes-after-pickle",
        severity=Severity.WARNING,
        where=f"{stream.where}, byte {stream.size - rest}",
        message=f"{rest} bytes after the first pickle are not read",
        remedy="if pickle.dump was called several times, save the parts in one list",
    )
    return (finding,)
