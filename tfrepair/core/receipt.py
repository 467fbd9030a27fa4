"""What the writer says it wrote, for verify to hold against the bytes on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfrepair.core.architecture import TensorSpec, VariablePath
from tfrepair.core.findings import Finding
from tfrepair.core.tensor import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenVariable:
    """One variable of the output: its path, its key in the checkpoint, and its bits' digest."""

    path: VariablePath
    key: str
    shape: Shape
    dtype: str
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON data."""
        return {
            "path": self.path,
            "key": self.key,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "sha256": self.sha256,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "WrittenVariable":
        """Build a record from :meth:`to_json` data."""
        return cls(
            path=VariablePath(data["path"]),
            key=data["key"],
            shape=tuple(data["shape"]),
            dtype=data["dtype"],
            sha256=data["sha256"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRecord:
    """One signature of the output: name, inputs and outputs."""

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON data."""
        return {
            "name": self.name,
            "inputs": [spec.to_json() for spec in self.inputs],
            "outputs": [spec.to_json() for spec in self.outputs],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SignatureRecord":
        """Build a record from :meth:`to_json` data."""
        return cls(
            name=data["name"],
            inputs=tuple(TensorSpec.from_json(spec) for spec in data["inputs"]),
            outputs=tuple(TensorSpec.from_json(spec) for spec in data["outputs"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The result of one export.

    Attributes
    ----------
    variables
        Every variable of the output, with the digest of its value in memory at export time.
    signatures
        What can be called.
    probe
        File (``.npz``) with the inputs ``in/<name>`` and the in-memory model's outputs
        ``out/<name>`` for verification; empty when the model could not be probed.
    probe_note
        Why there is no probe, or why its outputs may differ between runs (stateful random ops).
    findings
        What exporting brought to light.
    versions
        Of the frameworks at work, by package name.
    sources
        Files of the user's own modules, each with its SHA-256; known where a process of its own
        exports.
    packages
        Versions of the packages that the model is made with.
    """

    variables: tuple[WrittenVariable, ...]
    signatures: tuple[SignatureRecord, ...]
    probe: str = ""
    probe_note: str = ""
    findings: tuple[Finding, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as plain JSON data."""
        return {
            "variables": [variable.to_json() for variable in self.variables],
            "signatures": [signature.to_json() for signature in self.signatures],
            "probe": self.probe,
            "probe_note": self.probe_note,
            "findings": [finding.to_json() for finding in self.findings],
            "versions": dict(self.versions),
            "sources": dict(self.sources),
            "packages": dict(self.packages),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Receipt":
        """Build a receipt from :meth:`to_json` data."""
        return cls(
            variables=tuple(WrittenVariable.from_json(entry) for entry in data["variables"]),
            signatures=tuple(SignatureRecord.from_json(entry) for entry in data["signatures"]),
            probe=data["probe"],
            probe_note=data["probe_note"],
            findings=tuple(Finding.from_json(entry) for entry in data["findings"]),
            versions=data["versions"],
            sources=data.get("sources", {}),
            packages=data.get("packages", {}),
        )
