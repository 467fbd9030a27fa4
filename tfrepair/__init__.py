"""tfrepair: turn what is left of a TensorFlow model into a complete SavedModel.

The names below are the Python API; each is imported on first use, so that ``import tfrepair``
costs nothing. TensorFlow is never imported by this package outside the process that runs it.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfrepair.api.auditing import audit as audit
    from tfrepair.api.checking import check as check
    from tfrepair.api.comparison import diff as diff
    from tfrepair.api.conversion import convert as convert
    from tfrepair.api.conversion import plan as plan
    from tfrepair.api.explanation import explain as explain
    from tfrepair.api.inspection import Inspection as Inspection
    from tfrepair.api.inspection import inspect as inspect
    from tfrepair.api.plans import save_plan as save_plan
    from tfrepair.api.proving import Proof as Proof
    from tfrepair.api.proving import prove as prove
    from tfrepair.api.recovering import recover as recover
    from tfrepair.api.repairing import repair as repair
    from tfrepair.api.report import Report as Report
    from tfrepair.api.sources import open_store
    from tfrepair.api.verification import verify as verify
    from tfrepair.core.audit import Audit as Audit
    from tfrepair.core.errors import TfrepairError as TfrepairError
    from tfrepair.core.plan import Plan as Plan
    from tfrepair.core.tensor import Tensor as Tensor
    from tfrepair.core.tensor import TensorStore as TensorStore
    from tfrepair.core.verdict import Verdict as Verdict

    open = open_store  # noqa: A001 - the name of the API

__version__ = "0.1.0"

_WHERE = {
    "Audit": ("tfrepair.core.audit", "Audit"),
    "Inspection": ("tfrepair.api.inspection", "Inspection"),
    "Plan": ("tfrepair.core.plan", "Plan"),
    "Proof": ("tfrepair.api.proving", "Proof"),
    "Report": ("tfrepair.api.report", "Report"),
    "Tensor": ("tfrepair.core.tensor", "Tensor"),
    "TensorStore": ("tfrepair.core.tensor", "TensorStore"),
    "TfrepairError": ("tfrepair.core.errors", "TfrepairError"),
    "Verdict": ("tfrepair.core.verdict", "Verdict"),
    "audit": ("tfrepair.api.auditing", "audit"),
    "check": ("tfrepair.api.checking", "check"),
    "convert": ("tfrepair.api.conversion", "convert"),
    "diff": ("tfrepair.api.comparison", "diff"),
    "explain": ("tfrepair.api.explanation", "explain"),
    "inspect": ("tfrepair.api.inspection", "inspect"),
    "open": ("tfrepair.api.sources", "open_store"),
    "prove": ("tfrepair.api.proving", "prove"),
    "recover": ("tfrepair.api.recovering", "recover"),
    "repair": ("tfrepair.api.repairing", "repair"),
    "save_plan": ("tfrepair.api.plans", "save_plan"),
    "plan": ("tfrepair.api.conversion", "plan"),
    "verify": ("tfrepair.api.verification", "verify"),
}

__all__ = ["__version__", *sorted(_WHERE)]  # noqa: PLE0604 - the keys are strings


def __getattr__(name: str) -> object:
    try:
        module, attribute = _WHERE[name]
    except KeyError:
        message = f"module 'tfrepair' has no attribute {name!r}"
        raise AttributeError(message) from None
    return getattr(import_module(module), attribute)


class _Package(ModuleType):
    """Keeps the function ``verify``: importing the subpackage of that name would replace it."""

    @property
    def verify(self) -> object:
        return __getattr__("verify")

    @verify.setter
    def verify(self, _subpackage: object) -> None:
        """Let ``tfrepair.verify`` stay; imports from the subpackage do not look here."""


sys.modules[__name__].__class__ = _Package
