"""The error tree: what ends the work, and the exit code that each end has.

Errors carry sentences for people; facts that do not end the work are findings
(:mod:`tfrepair.core.findings`). Every stage raises only its own branch::

    TfrepairError
      UsageError            2  arguments that contradict each other
      SourceError           5  unreadable or unsafe input
        Unrecognised           no reader knows these bytes
        Truncated              the file ends too early
        Corrupt                bytes contradict each other
        Refused                reading it would run code or leave the input
        Unsupported            a known format, a part that no reader covers
        OverLimit              larger than the limits allow
      ArchitectureError     7  model.py could not be built
      PlanError             4  refused, nothing written
        Ambiguous              more than one assignment fits
        Incomplete             targets without a source
        Stale                  a plan made for other inputs
      HostError             7  the TensorFlow process
        Died
        TimedOut
      WriteError            4  the output could not be written
      VerifyError           6  what was written is not what was meant
"""

from typing import ClassVar

from typing_extensions import override


class TfrepairError(Exception):
    """Base of everything that tfrepair raises on purpose.

    Parameters
    ----------
    message
        What happened, where (file, key, byte offset), expected and found.
    remedy
        What the user can try next; shown on a line of its own.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    @override
    def __str__(self) -> str:
        return f"{self.message}\n  try: {self.remedy}" if self.remedy else self.message


class UsageError(TfrepairError):
    """Arguments that contradict each other or name nothing."""

    exit_code = 2


class SourceError(TfrepairError):
    """The source cannot be read, or must not be."""

    exit_code = 5


class Unrecognised(SourceError):
    """No reader knows these bytes."""


class Truncated(SourceError):
    """The file ends before what it announces."""


class Corrupt(SourceError):
    """Bytes of the source contradict each other."""


class Refused(SourceError):
    """Reading on would run code or leave the input."""


class Unsupported(SourceError):
    """A known format with a part that no reader covers."""


class OverLimit(SourceError):
    """The source announces more than the limits allow."""


class ArchitectureError(TfrepairError):
    """The architecture could not be built or described.

    ``user_traceback`` holds the lines of the user's own file, ready to print.
    """

    exit_code = 7

    def __init__(self, message: str, *, remedy: str = "", user_traceback: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.user_traceback = user_traceback

    @override
    def __str__(self) -> str:
        parts = [self.user_traceback.rstrip()] if self.user_traceback else []
        return "\n".join([*parts, super().__str__()])


class PlanError(TfrepairError):
    """No assignment that may be used without asking."""

    exit_code = 4


class Ambiguous(PlanError):
    """More than one assignment fits."""


class Incomplete(PlanError):
    """Targets without a source."""


class Stale(PlanError):
    """A plan made for another source or architecture."""


class HostError(TfrepairError):
    """The process that runs TensorFlow failed as a process."""

    exit_code = 7


class Died(HostError):
    """The TensorFlow process ended without an answer."""


class TimedOut(HostError):
    """The TensorFlow process did not answer in time."""


class WriteError(TfrepairError):
    """The output could not be written; nothing of it is left."""

    exit_code = 4


class VerifyError(TfrepairError):
    """What was written is not what was meant."""

    exit_code = 6
