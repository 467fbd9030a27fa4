"""Runs the user's code and finds the model in it.

The only place where foreign code is run, because the user pointed at it. What it raises becomes
an :class:`~tfrepair.core.errors.ArchitectureError` with the lines of the user's own files.
"""

import difflib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding
from tfrepair.tfhost.protocol import CONFIG, ArchRequest

FACTORIES = ("build_model", "build", "create_model", "get_model", "make_model")
"""Function names that are looked for when none is given."""

VARIABLE = "model"

_NO_MODEL = "name it: --arch model.py:factory, where factory is a function or a variable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the user's code gave: a model, perhaps a sample input, and the source's text."""

    model: Any
    sample: Any = None
    text: str = ""
    findings: tuple[Finding, ...] = ()


def load(request: ArchRequest) -> Loaded:
    """Run the user's code, or deserialize a config.

    Raises
    ------
    ArchitectureError
        If the code fails, or holds no model that can be chosen without guessing.
    """
    if request.kind == CONFIG:
        return _from_config(request)
    if request.kind == "file":
        path = Path(request.location)
        with user_code(path.parent, f"{path.name} could not be run"):
            module = run_file(path)
        label = path.name
    else:
        sys.path.insert(0, str(Path.cwd()))
        with user_code(Path.cwd(), f"{request.location} could not be imported"):
            module = importlib.import_module(request.location)
        label = request.location
    source = Path(module.__file__) if module.__file__ else None
    text = source.read_text(encoding="utf-8", errors="replace") if source else ""
    found = _choose(module, request.factory, label)
    if _is_factory(found):
        found = _call(found, label, source.parent if source else Path.cwd())
    model, sample = _split(found)
    return Loaded(model=model, sample=sample, text=text)


def _from_config(request: ArchRequest) -> Loaded:
    """Deserialize a configuration, after the module of custom objects that the user gave."""
    # Here and not above: the two modules need each other.
    from tfrepair.tfhost.worker.from_config import load_config

    module = None
    if request.custom_objects:
        path = Path(request.custom_objects)
        with user_code(path.parent, f"{path.name} could not be run"):
            module = run_file(path)
    return load_config(request, module)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text that says something."""
    return next((line for line in str(error).splitlines() if line.strip()), "")


@contextmanager
def user_code(folder: Path, what: str) -> Iterator[None]:
    """Turn whatever the user's code raises into an error with the user's own lines."""
    try:
        yield
    except ArchitectureError:
        raise
    except SystemExit as error:
        message = f"{what}: it called sys.exit({error.code!r})"
        raise ArchitectureError(
            message,
            remedy="put what only a script should do under `if __name__ == '__main__':`",
            user_traceback=user_lines(error, folder),
        ) from error
    except Exception as error:
        first = first_line(error)
        message = f"{what}: {type(error).__name__}: {first[:300]}"
        raise ArchitectureError(
            message, user_traceback=user_lines(error, folder), remedy=_remedy(error)
        ) from error


def _remedy(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"install {error.name} into the environment of tfrepair, or remove the import"
    return ""


def user_lines(error: BaseException, folder: Path) -> str:
    """Return the traceback reduced to frames of files in the user's folder."""
    root = folder.resolve()
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if _is_below(frame.filename, root)
    ]
    last = traceback.format_exception_only(type(error), error)
    if isinstance(error, SyntaxError):
        return "".join(last)
    if not frames:
        return ""
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames)]
    return "".join([*lines, *last])


def _is_below(filename: str, root: Path) -> bool:
    path = Path(filename)
    if not path.is_absolute() or "site-packages" in path.parts or "tfhost" in path.parts:
        return False
    return root in path.parents


def run_file(path: Path) -> ModuleType:
    """Run a Python file as a module of its own."""
    name = path.stem if path.stem.isidentifier() else "tfrepair_architecture"
    if name in sys.modules or name in sys.stdlib_module_names:
        name = f"_{name}_architecture"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        message = f"{path}: not a Python file"
        raise ArchitectureError(message)
    sys.path.insert(0, str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _choose(module: ModuleType, factory: str, label: str) -> Any:
    if factory:
        if hasattr(module, factory):
            return getattr(module, factory)
        there = [name for name in vars(module) if not name.startswith("_")]
        near = difflib.get_close_matches(factory, there, n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        message = f"{label} has no {factory!r}{hint}"
        raise ArchitectureError(message, remedy=f"there are: {', '.join(there) or 'no names'}")
    functions = [name for name in FACTORIES if _is_factory(getattr(module, name, None))]
    model = getattr(module, VARIABLE, None)
    if model is not None and not isinstance(model, ModuleType) and not functions:
        return model
    if len(functions) == 1:
        return getattr(module, functions[0])
    if functions:
        message = f"{label} has several factories: {', '.join(functions)}"
        raise ArchitectureError(message, remedy=f"name one: --arch {label}:{functions[0]}")
    return _only_model(module, label)


def _only_model(module: ModuleType, label: str) -> Any:
    """Take the one model among the variables, or say what is there."""
    models = [name for name, value in vars(module).items() if is_model(value)]
    if len(models) == 1:
        return getattr(module, models[0])
    if models:
        message = f"{label} has several models: {', '.join(models)}"
        raise ArchitectureError(message, remedy=f"name one: --arch {label}:{models[0]}")
    own = [
        name
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__
    ]
    message = (
        f"{label} has neither a function {', '.join(FACTORIES)} nor a variable {VARIABLE!r}"
        f" (found: {', '.join(own) or 'nothing callable'})"
    )
    raise ArchitectureError(message, remedy=_NO_MODEL)


def is_model(value: Any) -> bool:
    """Tell whether a value is a Keras model or a ``tf.Module``."""
    import tensorflow as tf

    return isinstance(value, tf.Module) or any(
        base.__name__ == "Model" and base.__module__.startswith(("keras.", "tf_keras."))
        for base in type(value).__mro__
    )


def _is_factory(value: Any) -> bool:
    return callable(value) and not is_model(value)


def _call(factory: Callable[[], Any], label: str, folder: Path) -> Any:
    name = getattr(factory, "__name__", "factory")
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if needed:
        message = f"{label}: {name}() needs arguments: {', '.join(needed)}"
        raise ArchitectureError(
            message, remedy="write a function without required arguments that calls it"
        )
    with user_code(folder, f"{name}() in {label} failed"):
        return factory()


def _split(found: Any) -> tuple[Any, Any]:
    pair = isinstance(found, tuple) and len(found) == 2
    model, sample = found if pair else (found, None)
    if not is_model(model):
        message = f"expected a Keras model or a tf.Module, got {type(model).__name__}"
        raise ArchitectureError(message, remedy="return the model, or (model, sample_input)")
    return model, sample
