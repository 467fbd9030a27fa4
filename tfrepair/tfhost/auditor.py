"""The role of a host that can audit: the client and the in-process host have it."""

from typing import Protocol, runtime_checkable

from tfrepair.core.audit import Audit
from tfrepair.tfhost.protocol import ArchRequest


@runtime_checkable
class Auditor(Protocol):
    """A host that can tell what saving a model would lose.

    Raises
    ------
    ArchitectureError
        The user's code failed.
    HostError
        The process itself failed.
    """

    def audit(self, request: ArchRequest) -> Audit:
        """Build the architecture and compare it with every way of saving it."""
