"""What each request of the protocol calls, and errors as data."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfrepair.core.errors import ArchitectureError, TfrepairError
from tfrepair.tfhost.protocol import (
    ArchRequest,
    CalibrateRequest,
    ExportRequest,
    ForwardRequest,
    SaveRequest,
)
from tfrepair.tfhost.training_requests import TrainRequest

if TYPE_CHECKING:
    from tfrepair.core.receipt import Receipt
    from tfrepair.tfhost.worker.built import Built
    from tfrepair.tfhost.worker.metagraph import BuiltGraph

_Step = Callable[[], None]

_META = "meta"


class Dispatcher:
    """Holds the model that was described last.

    Parameters
    ----------
    show, hold
        Called when what is printed from now on is the user's business, or not.
    """

    def __init__(self, *, show: _Step, hold: _Step) -> None:
        self._show = show
        self._hold = hold
        self._built: Built | None = None
        self._graph: BuiltGraph | None = None
        self._known: frozenset[str] = frozenset()

    def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return the reply to one request; an error is a reply too."""
        try:
            return {"ok": True, "result": self._do(message)}
        except ArchitectureError as error:
            return _failure("ArchitectureError", error.message, error.remedy, error.user_traceback)
        except TfrepairError as error:
            return _failure("HostError", error.message, error.remedy)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            last = frames[-1] if frames else None
            place = f" ({Path(last.filename).name}:{last.lineno})" if last else ""
            text = f"{message['do']} failed: {type(error).__name__}: {_short(error)}{place}"
            return _failure("HostError", text)
        finally:
            self._hold()

    def _do(self, message: Mapping[str, Any]) -> Any:
        do, request = message["do"], message["request"]
        prepare_tensorflow(message["keras"])
        if do == "describe":
            return self._describe(ArchRequest.from_json(request))
        if do == "audit":
            from tfrepair.tfhost.worker.audit import audit

            self._show()
            return audit(ArchRequest.from_json(request)).to_json()
        if do == "export":
            return self._export(ExportRequest.from_json(request))
        if do == "save_keras":
            return self._save(SaveRequest.from_json(request))
        if do == "forward":
            from tfrepair.tfhost.worker.forward import forward

            forward(ForwardRequest.from_json(request))
            return None
        if do == "calibrate":
            return self._calibrate(CalibrateRequest.from_json(request))
        if do == "train":
            from tfrepair.tfhost.worker.train import train

            return train(TrainRequest.from_json(request)).to_json()
        text = f"unknown request {do!r}"
        raise TfrepairError(text)

    def _describe(self, asked: ArchRequest) -> Any:
        from tfrepair.tfhost.worker.imports import known_packages

        self._built = self._graph = None
        self._known = self._known or known_packages()
        if asked.kind == _META:
            from tfrepair.tfhost.worker.metagraph import build_graph

            self._graph, described = build_graph(asked)
            return described.to_json()
        from tfrepair.tfhost.worker.build import build
        from tfrepair.tfhost.worker.describe import describe

        self._show()
        self._built = build(asked)
        self._hold()
        return describe(self._built, asked).to_json()

    def _export(self, asked: ExportRequest) -> Any:
        from tfrepair.tfhost.worker.imports import sources_since, versions_since

        receipt = self._exported(asked)
        sources, packages = sources_since(self._known), versions_since(self._known)
        return replace(receipt, sources=sources, packages=packages).to_json()

    def _exported(self, asked: ExportRequest) -> "Receipt":
        if self._graph is not None:
            from tfrepair.tfhost.worker.graph_export import export_graph

            return export_graph(self._graph, asked)
        if self._built is None:
            text = "export was asked for before describe"
            raise TfrepairError(text)
        from tfrepair.tfhost.worker.export import export

        return export(self._built, asked)

    def _save(self, asked: SaveRequest) -> Any:
        if self._built is None:
            text = "a Keras file was asked for before a Keras model was described"
            raise TfrepairError(text)
        from tfrepair.tfhost.worker.keras_save import save_file

        return save_file(self._built, asked).to_json()

    def _calibrate(self, asked: CalibrateRequest) -> Any:
        if self._built is None:
            text = "a calibration was asked for before a Keras model was described"
            raise TfrepairError(text)
        from tfrepair.tfhost.worker.calibrate import calibrate

        self._show()
        return calibrate(self._built, asked).to_json()


def prepare_tensorflow(keras: int) -> None:
    """Import TensorFlow, with its log quiet, and the Keras that was asked for."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    if keras != 2:
        return
    try:
        import tf_keras as _  # noqa: F401 - only whether it is there
    except ImportError as error:
        text = "--keras 2 needs tf_keras, which is not installed"
        raise ArchitectureError(text, remedy="pip install tfrepair[legacy]") from error
    from tfrepair.tfhost.worker.aliases import alias_keras

    alias_keras()


def _short(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:6])[:800]


def _failure(kind: str, message: str, remedy: str = "", user_traceback: str = "") -> dict[str, Any]:
    return {
        "ok": False,
        "kind": kind,
        "message": message,
        "remedy": remedy,
        "user_traceback": user_traceback,
    }
