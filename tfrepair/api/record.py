"""The history that a SavedModel carries: plan, provenance and digest of every variable.

Holds neither clock nor host name: the same input gives the same bytes.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import tfrepair
from tfrepair.api.report import Report
from tfrepair.core.plan import Plan


def _without_places(plan: Plan) -> Plan:
    """Return a plan whose inputs have names, but no folders: those belong to one machine."""
    source, arch = (
        replace(reference, path=Path(reference.path).name) for reference in (plan.source, plan.arch)
    )
    return plan.with_references(source, arch)


def record_of(report: Report) -> dict[str, Any]:
    """Return the content of ``assets.extra/tfrepair.json``, schema ``tfrepair.record/1``.

    Raises
    ------
    ValueError
        If nothing has been exported yet.
    """
    if report.receipt is None:
        message = "there is a record of written models only"
        raise ValueError(message)
    entries = report.state.by_path
    architecture = report.architecture
    return {
        "schema": "tfrepair.record/1",
        "tfrepair": tfrepair.__version__,
        "versions": dict(report.receipt.versions),
        "plan": _without_places(report.plan).to_json(),
        "architecture": {
            "framework": architecture.framework,
            "name": architecture.name,
            "class_name": architecture.class_name,
            "optimizer": architecture.optimizer,
            "optimizer_config": dict(architecture.optimizer_config),
        },
        "variables": [
            written.to_json()
            | {
                "provenance": str(entries[written.path].provenance)
                if written.path in entries
                else "initialised"
            }
            for written in report.receipt.variables
        ],
        "findings": [finding.to_json() for finding in report.findings],
    }
