"""What a configuration's upgrade noticed: refusals, changes, and names that the user must give.

Collects, so that all problems of one configuration are told at once.
"""

from dataclasses import dataclass, field

from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.protocol import CUSTOM

_SHOWN = 10


@dataclass(slots=True, kw_only=True)
class Notes:
    """Lives within one preparation.

    Attributes
    ----------
    where
        File and part, for messages.
    has_custom_objects
        Whether the user gave a module of custom objects.
    refusals
        Sentences, each with the name of its layer.
    changes
        Rule and the layers that it changed.
    wanted
        Name of a custom object, and the layer that wants it.
    findings
        Other facts.
    """

    where: str
    has_custom_objects: bool = False
    refusals: list[str] = field(default_factory=list)
    changes: dict[str, list[str]] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    needs_code: bool = False

    def refuse(self, layer: str, reason: str) -> None:
        """Note why a layer cannot be taken from the configuration."""
        self.refusals.append(f"layer {layer!r}: {reason}" if layer else reason)

    def change(self, rule: str, layer: str) -> None:
        """Note that a rule changed a layer."""
        layers = self.changes.setdefault(rule, [])
        if layer not in layers:
            layers.append(layer)

    def custom(self, name: str, layer: str, what: str, module: object = None) -> str:
        """Return the name under which the user's object is deserialized, or note its lack."""
        if not self.has_custom_objects:
            self.needs_code = True
            shown = f"{module}.{name}" if isinstance(module, str) else name
            self.refuse(layer, f"{what} {shown} is not Keras' own")
            return name
        self.wanted.setdefault(name, layer)
        return CUSTOM + name

    def warn(self, code: str, layer: str, message: str, remedy: str = "") -> None:
        """Note a fact that may surprise."""
        self.findings.append(
            Finding(
                code=code,
                severity=Severity.WARNING,
                where=f"{self.where}: {layer}" if layer else self.where,
                message=message,
                remedy=remedy,
            )
        )

    def require_none(self) -> None:
        """Raise if anything was refused.

        Raises
        ------
        ArchitectureError
            With all refusals.
        """
        if not self.refusals:
            return
        shown = "; ".join(self.refusals[:_SHOWN])
        more = len(self.refusals) - _SHOWN
        tail = f"; and {more} more" if more > 0 else ""
        message = f"{self.where} cannot be the architecture: {shown}{tail}"
        remedy = "give a model.py that builds the model with --arch"
        if self.needs_code:
            remedy = (
                "give the module that defines it with --custom-objects module.py (it is run), or "
                "a model.py that builds the model with --arch"
            )
        raise ArchitectureError(message, remedy=remedy)
