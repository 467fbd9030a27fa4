"""A host for a model that lives in this process; the model is left as it was.

The worker's modules are imported when the first request comes, so that nothing here imports
TensorFlow before the user's own model has. Comes beside :mod:`tfrepair.tfhost.client`.
"""

import importlib
from types import TracebackType
from typing import Any, Self

from tfrepair.core.architecture import Architecture
from tfrepair.core.audit import Audit
from tfrepair.core.errors import HostError
from tfrepair.core.receipt import Receipt
from tfrepair.tfhost.protocol import (
    ArchRequest,
    Calibrated,
    CalibrateRequest,
    ExportRequest,
    ForwardRequest,
    SaveRequest,
)
from tfrepair.tfhost.training_requests import Losses, TrainRequest

_WORKER = "tfrepair.tfhost.worker"


class InProcessHost:
    """A host around a live model; a context manager.

    Parameters
    ----------
    model
        ``keras.Model``, ``tf_keras.Model`` or ``tf.Module``.
    sample_input
        What the model is called with, for a model that is not built.
    """

    def __init__(self, model: Any, sample_input: Any = None) -> None:  # noqa: ANN401 - of any framework
        self._model = model
        self._sample = sample_input
        self._built: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._built = None

    def describe(self, request: ArchRequest) -> Architecture:
        """Describe the model; builds it, its optimizer and its metrics if they are not built."""
        build = importlib.import_module(f"{_WORKER}.build")
        describe = importlib.import_module(f"{_WORKER}.describe")
        self._built = build.build_live(self._model, self._sample, request)
        described: Architecture = describe.describe(self._built, request)
        return described

    def audit(self, request: ArchRequest) -> Audit:
        """Audit the model; a model that is built is traced only, and its state stays as it is."""
        audit = importlib.import_module(f"{_WORKER}.audit")
        found: Audit = audit.audit_live(self._model, self._sample, request)
        return found

    def export(self, request: ExportRequest) -> Receipt:
        """Export a filled copy of the model's state; every value is put back afterwards."""
        if self._built is None:
            message = "nothing was described yet"
            raise HostError(message)
        export = importlib.import_module(f"{_WORKER}.export")
        assign = importlib.import_module(f"{_WORKER}.assign")
        with assign.untouched(self._built):
            receipt: Receipt = export.export(self._built, request)
        return receipt

    def save_keras(self, request: SaveRequest) -> Receipt:
        """Save a filled copy of the model's state; every value is put back afterwards."""
        if self._built is None:
            message = "nothing was described yet"
            raise HostError(message)
        save = importlib.import_module(f"{_WORKER}.keras_save")
        assign = importlib.import_module(f"{_WORKER}.assign")
        with assign.untouched(self._built):
            receipt: Receipt = save.save_file(self._built, request)
        return receipt

    def forward(self, request: ForwardRequest) -> None:
        """Refuse: a process that knows the model's code proves nothing."""
        message = f"{request.saved_model}: a forward check needs a process without the model's code"
        raise HostError(message)

    def calibrate(self, request: CalibrateRequest) -> Calibrated:
        """Estimate slots for a copy of the model's state; every value is put back afterwards."""
        if self._built is None:
            message = "nothing was described yet"
            raise HostError(message)
        calibrate = importlib.import_module(f"{_WORKER}.calibrate")
        assign = importlib.import_module(f"{_WORKER}.assign")
        with assign.untouched(self._built):
            found: Calibrated = calibrate.calibrate(self._built, request)
        return found

    def train(self, request: TrainRequest) -> Losses:
        """Refuse: a training of what was written needs a process without the model's code."""
        message = f"{request.saved_model}: training needs a process without the model's code"
        raise HostError(message)
