"""A host that knows skeletons: what one answers costs no TensorFlow, the rest goes on to another.

Stands where a conversion has its host. Describing an architecture that has a skeleton reads a
file; filling one writes a SavedModel. Everything else starts the process that runs TensorFlow.
"""

from dataclasses import replace
from pathlib import Path

from typing_extensions import override

from tfrepair.api.architectures import Chosen
from tfrepair.api.options import Options
from tfrepair.api.skeleton_making import make
from tfrepair.api.skeletons import Made, NoSkeleton, Skeletons, identity_of
from tfrepair.api.verification import within
from tfrepair.core.architecture import Architecture
from tfrepair.core.errors import UsageError, WriteError
from tfrepair.core.receipt import Receipt
from tfrepair.core.state import State
from tfrepair.core.verdict import Verdict
from tfrepair.tfhost.client import ChildHost
from tfrepair.tfhost.protocol import (
    ArchRequest,
    Calibrated,
    CalibrateRequest,
    ExportRequest,
    SaveRequest,
)
from tfrepair.verify.copies import check_copy
from tfrepair.writers.names import SAVED_MODEL
from tfrepair.writers.skeleton import fill


class SkeletonHost(ChildHost):
    """A host with a folder of skeletons.

    Parameters
    ----------
    keras
        As for the process that it starts when no skeleton has the answer.
    skeletons
        Where they are kept, and what to do where there is none.
    """

    def __init__(self, keras: int, skeletons: Skeletons) -> None:
        super().__init__(keras)
        self._skeletons = skeletons
        self._request: ArchRequest | None = None
        self._described: Architecture | None = None
        self._is_built = False
        self._is_used = False
        self.obstacle = ""

    @override
    def describe(self, request: ArchRequest) -> Architecture:
        """Return what a skeleton knows, or build the architecture and describe it.

        Raises
        ------
        Stale
            If the skeleton was made of other files or versions.
        NoSkeleton
            If there is none, and the folder says that nothing else may be done.
        """
        self._request, self._is_built = request, False
        known = self._skeletons.known(request)
        if known is None:
            if not (self._skeletons.may_make or self._skeletons.may_export):
                raise NoSkeleton(identity_of(request))
            self._described = self._built()
        else:
            factory = f":{request.factory}" if request.factory else ""
            self._described = replace(known, source=request.location + factory)
        return self._described

    def fill(
        self, state: State, stage: Path, *, schedule_offset: int
    ) -> tuple[Receipt, Verdict] | None:
        """Write the SavedModel ``model`` of a stage from a skeleton, and check it.

        Returns
        -------
        The receipt and the verdict; ``None`` if no skeleton holds for other weights, and the
        SavedModel has to be exported. ``obstacle`` says why then.

        Raises
        ------
        WriteError, VerifyError
            If the skeleton cannot be made or used.
        """
        made = self._made(state, schedule_offset)
        self.obstacle = "there is no skeleton for it" if made is None else made.skeleton.obstacle
        if made is None or made.skeleton.obstacle:
            return None
        receipt = fill(made.skeleton, state, stage / "model")
        found = check_copy(stage / "model", made.skeleton.model, made.frame)
        checks = tuple(within(stage / "model", check) for check in found)
        note = "not run: the skeleton that it was filled into was, when it was made"
        return receipt, Verdict(checks=checks, forward_note=note)

    def _made(self, state: State, schedule_offset: int) -> Made | None:
        request, described = self._request, self._described
        if request is None or described is None:
            message = "a skeleton was asked for before an architecture was described"
            raise UsageError(message)
        made = self._skeletons.find(request, state, schedule_offset)
        if made is not None:
            return made
        if not self._skeletons.may_make:
            if not self._skeletons.may_export:
                raise NoSkeleton(str(self._skeletons.place(request, state, schedule_offset)))
            return None
        try:
            return make(
                self._skeletons, request, described, state, self, schedule_offset=schedule_offset
            )
        except WriteError:
            made = self._skeletons.find(request, state, schedule_offset)
            if made is None:
                raise
            return made  # another process was faster

    def _built(self) -> Architecture:
        """Let the other host build the architecture, unless it has."""
        if self._request is None:
            message = "the host was asked before an architecture was described"
            raise UsageError(message)
        if not self._is_built or self._described is None:
            described = super().describe(self._request)
            self._is_built, self._is_used = True, False
            return described
        return self._described

    def _restart(self) -> None:
        """Begin in a new process: names in a graph depend on what was traced before."""
        self.close()
        self._is_built = False
        self._built()

    @override
    def export(self, request: ExportRequest) -> Receipt:
        """Fill the architecture that was described last, and export it, in a process of its own."""
        self._built()
        if self._is_used:
            self._restart()
        self._is_used = True
        return super().export(request)

    @override
    def save_keras(self, request: SaveRequest) -> Receipt:
        """Fill the Keras model that was described last, and save it as Keras does."""
        self._built()
        return super().save_keras(request)

    @override
    def calibrate(self, request: CalibrateRequest) -> Calibrated:
        """Estimate slots of the optimizer that was described last."""
        self._built()
        self._is_used = True
        return super().calibrate(request)


def with_skeletons(chosen: Chosen, options: Options, skeletons: Skeletons | None) -> Chosen:
    """Let a conversion use a folder of skeletons: the one given, or that of its options, if any.

    Raises
    ------
    UsageError
        If the folder is none, or the output or the architecture has no use for it.
    """
    if skeletons is None and options.skeleton is not None:
        skeletons = Skeletons(Path(options.skeleton))
    if skeletons is None:
        return chosen
    if options.to != SAVED_MODEL or not isinstance(chosen.host, ChildHost):
        what = "a live model" if options.to == SAVED_MODEL else f"--to {options.to}"
        message = f"--skeleton {skeletons.folder}: {what} has no use for it"
        raise UsageError(message, remedy="leave it out")
    return replace(chosen, host=SkeletonHost(chosen.request.keras, skeletons))
