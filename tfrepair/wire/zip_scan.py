"""Members of a zip archive found by their own headers, without the directory at its end.

A writer that is killed leaves every finished member whole and the last one open: its sizes are
still 0, and its content reaches to the end of the file. Reads headers only; what members hold is up
to others.

Source: PKWARE's APPNOTE 6.3.9, sections 4.3.7 and 4.5.3; ``zipfile`` of CPython 3.11, which writes
the sizes into the header when a member is closed.
"""

from dataclasses import dataclass

from tfrepair.wire.hdf5_header import number

LOCAL = b"PK\x03\x04"
_DESCRIPTOR = b"PK\x07\x08"
_HEAD = 30
_WIDE = 0xFFFFFFFF
_WIDE_FIELD = 1
_STREAMED = 8
_METHODS = (0, 8)
_NEWEST = 63
_MAX_MEMBERS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMember:
    """One member.

    Attributes
    ----------
    name
        As stored.
    at, begin, size
        Its header; its content as far as it is there, in bytes of the file.
    announced
        Bytes that the content should have; ``None`` for a member that was never closed.
    method, flags, crc, expanded
        As the header (or the descriptor behind the content) states them.
    """

    name: str
    at: int
    begin: int
    size: int
    announced: int | None
    method: int
    flags: int
    crc: int
    expanded: int

    @property
    def is_whole(self) -> bool:
        """True if all of its content is there and was finished."""
        return self.announced == self.size


def scan_members(data: memoryview) -> tuple[FoundMember, ...]:
    """Return the members of an archive in the order of the file, the last one perhaps cut."""
    found: list[FoundMember] = []
    at = 0
    while 0 <= at < len(data) and len(found) < _MAX_MEMBERS:
        member = _member(data, at)
        if member is None:
            at = _next(data, at + 1)
            continue
        found.append(member)
        if not member.is_whole:
            break
        at = member.begin + member.size
        if member.flags & _STREAMED or bytes(data[at : at + 4]) != LOCAL:
            at = _next(data, at)
    return tuple(found)


def _next(data: memoryview, at: int) -> int:
    """Return where the next header may begin, or -1."""
    step = 1 << 24
    for start in range(at, len(data), step):
        place = bytes(data[start : start + step + 3]).find(LOCAL)
        if place >= 0:
            return start + place
    return -1


def _member(data: memoryview, at: int) -> FoundMember | None:
    head = bytes(data[at : at + _HEAD])
    if len(head) < _HEAD or head[:4] != LOCAL or head[4] > _NEWEST:
        return None
    flags, method = number(head, 6, 2), number(head, 8, 2)
    crc, stored, expanded = number(head, 14, 4), number(head, 18, 4), number(head, 22, 4)
    names, extras = number(head, 26, 2), number(head, 28, 2)
    begin = at + _HEAD + names + extras
    if begin > len(data) or method not in _METHODS or not names:
        return None
    raw = bytes(data[at + _HEAD : at + _HEAD + names])
    if _WIDE in (stored, expanded):
        stored, expanded = _wide(bytes(data[begin - extras : begin]), stored, expanded)
    there = len(data) - begin
    announced: int | None = stored
    if flags & _STREAMED and not stored:
        described = _described(data, begin)
        announced = described[1] if described else None
        if described:
            crc, _, expanded = described
    elif not stored and not crc and there and bytes(data[begin : begin + 2]) != LOCAL[:2]:
        announced = None
    size = there if announced is None else min(there, announced)
    return FoundMember(
        name=raw.decode("utf-8" if flags & 0x800 else "cp437", "replace"),
        at=at,
        begin=begin,
        size=size,
        announced=announced,
        method=method,
        flags=flags,
        crc=crc,
        expanded=expanded or (size if not method else 0),
    )


def _wide(extra: bytes, stored: int, expanded: int) -> tuple[int, int]:
    """Return the sizes from the field for large files."""
    at = 0
    while at + 4 <= len(extra):
        which, length = number(extra, at, 2), number(extra, at + 2, 2)
        if which == _WIDE_FIELD and length >= 16:
            return number(extra, at + 12, 8), number(extra, at + 4, 8)
        at += 4 + length
    return stored, expanded


def _described(data: memoryview, begin: int) -> tuple[int, int, int] | None:
    """Return checksum and sizes from the descriptor behind a member that was streamed."""
    step, overlap = 1 << 24, 3
    for start in range(begin, len(data), step):
        block = bytes(data[start : start + step + overlap])
        place = block.find(_DESCRIPTOR)
        while place >= 0:
            at = start + place
            for width in (4, 8):
                if number(data, at + 8, width) == at - begin:
                    crc = number(data, at + 4, 4)
                    return crc, at - begin, number(data, at + 8 + width, width)
            place = block.find(_DESCRIPTOR, place + 1)
    return None
