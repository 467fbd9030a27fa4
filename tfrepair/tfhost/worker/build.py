"""From the user's model to a built one: inputs known, variables there, optimizer and metrics too.

Runs the user's code through :mod:`tfrepair.tfhost.worker.loading`; whatever the model's own code
raises while it is built or traced is the user's to see. Comes before describe.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.protocol import ArchRequest
from tfrepair.tfhost.worker.built import KERAS_2, KERAS_3, MODULE, Built, Endpoint, Trace
from tfrepair.tfhost.worker.compiling import compiled
from tfrepair.tfhost.worker.inputs import (
    args_of_sample,
    args_of_shapes,
    declared_args,
    described,
    flat_names,
    named_outputs,
    specs_of_arrays,
    symbolic_inputs,
    with_free_batch,
)
from tfrepair.tfhost.worker.loading import Loaded, first_line, load, user_code
from tfrepair.tfhost.worker.probe import example_args
from tfrepair.tfhost.worker.training import prepare_training

_NO_SHAPE = (
    "return (model, sample_input) from the factory, or give --input-shape 224,224,3 (without the "
    "batch axis; name=... for each of several inputs)"
)
_NO_SAMPLE = (
    "call the model once, or give what it is called with: tfrepair.convert(..., sample_input=x)"
)


def build(request: ArchRequest, *, initial: int = 0) -> Built:
    """Run the user's code and complete what it gives.

    Parameters
    ----------
    request
        What to build.
    initial
        Seed of the initial values.

    Raises
    ------
    ArchitectureError
        With the user's own traceback lines where the user's code is at fault.
    """
    seed(initial)
    return _complete(load(request), request, _folder(request), is_live=False)


def _folder(request: ArchRequest) -> Path:
    return Path(request.location).parent if request.kind != "module" else Path.cwd()


def build_live(model: Any, sample: Any, request: ArchRequest) -> Built:
    """Complete a model that is in memory already; builds what is not built yet."""
    return _complete(Loaded(model=model, sample=sample), request, Path.cwd(), is_live=True)


def build_forward(request: ArchRequest, *, initial: int = 0) -> Built:
    """Run the user's code as :func:`build` does, and stop before anything is trained.

    The optimizer stays as the user's code left it.
    """
    seed(initial)
    return _forward(load(request), request, _folder(request), is_live=False)


def build_live_forward(model: Any, sample: Any, request: ArchRequest) -> Built:
    """Trace a model that is in memory; one that is built is not called."""
    return _forward(Loaded(model=model, sample=sample), request, Path.cwd(), is_live=True)


def _forward(loaded: Loaded, request: ArchRequest, folder: Path, *, is_live: bool) -> Built:
    built = _begun(loaded, folder, is_live=is_live)
    with user_code(folder, f"{type(built.model).__name__} could not be built"):
        is_done = is_live and bool(getattr(built.model, "built", True))
        built = _with_inputs(built, loaded.sample, request, call=not is_done)
        if built.serve is None or not is_done:
            return _traced(built)
        function = trace(built.serve)
        outputs = described(*named_outputs(function.structured_outputs))
        return replace(built, trace=Trace(function=function, outputs=outputs))


def seed(number: int) -> None:
    """Make initial values a function of the request: the same input gives the same bytes."""
    import random

    import tensorflow as tf

    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 - the generator that the user's code may draw from
    tf.random.set_seed(number)


def framework_of(model: Any) -> str:
    """Return which framework a model was made with."""
    for base in type(model).__mro__:
        if base.__name__ == "Model" and base.__module__.startswith("tf_keras."):
            return KERAS_2
        if base.__name__ == "Model" and base.__module__.startswith("keras."):
            return KERAS_3
    return MODULE


def _begun(loaded: Loaded, folder: Path, *, is_live: bool) -> Built:
    framework = framework_of(loaded.model)
    return Built(
        model=loaded.model,
        framework=framework,
        keras=_keras_of(framework),
        is_live=is_live,
        text=loaded.text,
        folder=folder,
        findings=loaded.findings,
    )


def _complete(loaded: Loaded, request: ArchRequest, folder: Path, *, is_live: bool) -> Built:
    built = _begun(loaded, folder, is_live=is_live)
    with user_code(folder, f"{type(built.model).__name__} could not be built"):
        built = _with_inputs(built, loaded.sample, request)
        if built.framework != MODULE:
            built = compiled(built, request)
        built = _traced(built)
        return built if built.framework == MODULE else prepare_training(built)


def _keras_of(framework: str) -> Any:
    if framework == KERAS_2:
        import tf_keras

        return tf_keras
    if framework == KERAS_3:
        import keras

        return keras
    return None


def _with_inputs(built: Built, sample: Any, request: ArchRequest, *, call: bool = True) -> Built:
    """Find out what the model is called with, and call it once so that every variable exists."""
    model, framework = built.model, built.framework
    endpoints = named_endpoints(model) if framework == MODULE else {}
    values = None
    if sample is not None:
        values = args_of_sample(sample, framework)
        args: tuple[Any, ...] | None = specs_of_arrays(values)
    else:
        dtype = built.keras.config.floatx() if framework == KERAS_3 else "float32"
        args = declared_args(model, framework) or args_of_shapes(request.input_shapes, dtype)
    if args is None:
        if not endpoints:
            remedy = _NO_SAMPLE if built.is_live else _NO_SHAPE
            raise ArchitectureError(_unknown_input(built), remedy=remedy)
        return _with_chosen_endpoint(built, endpoints)
    method = model.call if framework != MODULE else model.__call__
    endpoint = Endpoint(call=forward_call(built), args=args, names=flat_names(model, args, method))
    built = replace(built, serve=endpoint, sample=values, endpoints=endpoints)
    if call and framework != MODULE and symbolic_inputs(model) is None:
        _call_once(built)
    return built


def _unknown_input(built: Built) -> str:
    model = built.model
    kind = type(model).__name__
    if built.framework == MODULE:
        if not callable(model):
            return (
                f"{kind} is a tf.Module with neither __call__ nor a tf.function with an "
                "input_signature: nothing says what to serve"
            )
        return f"the input of {kind}.__call__ is unknown: it has no input_signature"
    return (
        f"{kind} {built.name!r} is not built: its variables do not exist yet, and nothing says "
        "which shape its input has"
    )


def named_endpoints(module: Any) -> dict[str, Endpoint]:
    """Return the ``tf.function`` attributes of a module that state their input signature."""
    found = {}
    for name in sorted(dir(type(module))) + sorted(vars(module)):
        if name.startswith("_"):
            continue
        function = getattr(module, name, None)
        signature = getattr(function, "input_signature", None)
        if signature is None or not callable(function):
            continue
        args = tuple(signature)
        names = flat_names(module, args, getattr(function, "python_function", function))
        found[name] = Endpoint(call=function, args=args, names=names)
    return found


_SERVING_NAMES = ("serving_default", "serve", "predict", "call")


def _with_chosen_endpoint(built: Built, endpoints: dict[str, Endpoint]) -> Built:
    """Let ``serving_default`` be the one endpoint, or the one whose name says so."""
    chosen = next((name for name in _SERVING_NAMES if name in endpoints), None)
    if chosen is None and len(endpoints) == 1:
        (chosen,) = endpoints
    if chosen is not None:
        return replace(built, serve=endpoints[chosen], endpoints=endpoints)
    finding = Finding(
        code="no-serving-default",
        severity=Severity.WARNING,
        where=type(built.model).__name__,
        message=f"no __call__ with known inputs, and {len(endpoints)} signatures "
        f"({', '.join(endpoints)}): none of them is served by default",
        remedy="give the module a __call__ with an input_signature",
    )
    return replace(built, endpoints=endpoints, findings=(*built.findings, finding))


def forward_call(built: Built) -> Any:
    """Return the function that runs the model without training it."""
    model = built.model
    takes_flag = built.framework != MODULE and getattr(model, "_call_has_training_arg", True)
    flags = {"training": False} if takes_flag else {}

    def call(*args: Any) -> Any:
        return model(*args, **flags)

    return call


def _call_once(built: Built) -> None:
    """Create the variables of a subclassed model; integers are tried where numbers fail."""
    if built.serve is None:
        return
    args = built.sample or example_args(built.serve.args, built.serve.call)
    built.serve.call(*args)


def _traced(built: Built) -> Built:
    """Trace the forward pass, with a free batch size wherever the model allows it."""
    if built.serve is None:
        return built
    endpoint, finding = _with_freest_batch(built)
    function = trace(endpoint)
    outputs = function.structured_outputs
    specs = described(*named_outputs(outputs))
    built = replace(built, serve=endpoint, trace=Trace(function=function, outputs=specs))
    return replace(built, findings=(*built.findings, *finding))


def trace(endpoint: Endpoint) -> Any:
    """Return the concrete function of an endpoint."""
    import tensorflow as tf

    return tf.function(endpoint.call).get_concrete_function(*endpoint.args)


def _with_freest_batch(built: Built) -> tuple[Endpoint, tuple[Finding, ...]]:
    endpoint = built.serve
    if endpoint is None or (built.framework == MODULE and built.sample is None):
        # A signature that a module states is meant as it is.
        return endpoint, ()  # type: ignore[return-value]
    free = replace(endpoint, args=with_free_batch(endpoint.args))
    if free.args == endpoint.args:
        return endpoint, ()
    problem = _refuses_batches(free)
    if not problem:
        return free, ()
    finding = Finding(
        code="fixed-batch",
        severity=Severity.WARNING,
        where=type(built.model).__name__,
        message=f"the model works for the batch size that it declares only ({problem})",
        remedy="declare the input without a batch size, if the model allows others",
    )
    return endpoint, (finding,)


def _refuses_batches(free: Endpoint) -> str:
    """Return why a model cannot take another batch size than it declares, or nothing."""
    try:
        trace(free)
        for batch in (1, 3):
            free.call(*example_args(free.args, free.call, batch=batch))
    except Exception as error:
        return f"{type(error).__name__}: {first_line(error)[:300]}"
    return ""
