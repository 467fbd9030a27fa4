"""What a model is called with: structures of ``tf.TensorSpec``, flat names, and example arrays.

A structure is what the model's own code sees (one tensor, a list, a dict); signatures need it
flat and named. Knows how each framework remembers its inputs, not what a model computes.
"""

import inspect
import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tfrepair.core.architecture import TensorSpec
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.tensor import Array
from tfrepair.tfhost.worker.built import KERAS_3, MODULE

Shapes = Sequence[tuple[str, tuple[int, ...]]]


def declared_args(model: Any, framework: str) -> tuple[Any, ...] | None:
    """Return the argument structures that a model knows by itself, or ``None``.

    A batch axis keeps the size that the model declares.
    """
    if framework == MODULE:
        # The function object is asked, not whether there is one.
        call = getattr(type(model), "__call__", None)  # noqa: B004
        signature = getattr(call, "input_signature", None)
        return None if signature is None else tuple(signature)
    symbolic = symbolic_inputs(model)
    if symbolic is not None:
        return (_map(_spec_of, symbolic),)
    return _recorded(model, framework)


def symbolic_inputs(model: Any) -> Any:
    """Return the structure of symbolic inputs of a functional or built Sequential model."""
    for owner in (model, getattr(model, "_functional", None)):
        for name in ("_inputs_struct", "_nested_inputs"):
            structure = getattr(owner, name, None)
            if structure is not None:
                return structure
    return None


def _spec_of(tensor: Any) -> Any:
    import tensorflow as tf

    dtype = tensor.dtype if isinstance(tensor.dtype, tf.DType) else tf.as_dtype(str(tensor.dtype))
    return tf.TensorSpec(tensor.shape, dtype)


def _recorded(model: Any, framework: str) -> tuple[Any, ...] | None:
    """Return what a subclassed model was built or called with."""
    import tensorflow as tf

    if framework != KERAS_3:
        recorded = model.save_spec() if getattr(model, "built", False) else None
        return None if recorded is None else tuple(_map(_spec_of, arg) for arg in recorded[0])
    shapes = getattr(model, "_build_shapes_dict", None)
    if not shapes:
        return None
    dtype = tf.as_dtype(model.input_dtype)
    return tuple(_from_shape(shape, dtype) for shape in shapes.values())


def _from_shape(shape: Any, dtype: Any) -> Any:
    import tensorflow as tf

    if isinstance(shape, Mapping):
        return {key: _from_shape(value, dtype) for key, value in shape.items()}
    if all(size is None or isinstance(size, int) for size in shape):
        return tf.TensorSpec(tuple(shape), dtype)
    return [_from_shape(value, dtype) for value in shape]


def args_of_sample(sample: Any, framework: str) -> tuple[Any, ...]:
    """Return a sample input as positional arguments of arrays.

    A tuple is several arguments for a ``tf.Module`` and one structured argument for Keras.
    Floating-point samples get Keras' own floating-point type, as Keras itself would cast them.
    """
    if framework == MODULE:
        parts = sample if isinstance(sample, tuple) else (sample,)
        return tuple(_arrays(part, keep_dtype=True) for part in parts)
    return (_arrays(sample, keep_dtype=False),)


def _arrays(value: Any, *, keep_dtype: bool) -> Any:
    if isinstance(value, Mapping):
        return {key: _arrays(part, keep_dtype=keep_dtype) for key, part in value.items()}
    if isinstance(value, list | tuple) and any(hasattr(part, "shape") for part in value):
        return [_arrays(part, keep_dtype=keep_dtype) for part in value]
    if isinstance(value, list | tuple) and any(isinstance(part, Mapping) for part in value):
        return [_arrays(part, keep_dtype=keep_dtype) for part in value]
    array = np.asarray(value)
    if array.dtype == np.float64 and not keep_dtype:
        array = array.astype(np.float32)
    return array.astype(object) if array.dtype.kind in "US" else array


def specs_of_arrays(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the specs of arrays, batch axis as it is."""
    import tensorflow as tf

    def spec(array: Array) -> Any:
        dtype = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
        return tf.TensorSpec(array.shape, dtype)

    return tuple(_map(spec, arg) for arg in args)


def args_of_shapes(shapes: Shapes, dtype: str) -> tuple[Any, ...] | None:
    """Return the argument that ``--input-shape`` describes: one tensor, or a dict of them."""
    import tensorflow as tf

    if not shapes:
        return None
    specs = {
        name: tf.TensorSpec([None if size < 0 else size for size in shape], dtype)
        for name, shape in shapes
    }
    return (specs[""],) if set(specs) == {""} else (specs,)


def with_free_batch(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the same specs with any size allowed on the first axis."""
    import tensorflow as tf

    def free(spec: Any) -> Any:
        if spec.shape.rank in (None, 0):
            return spec
        return tf.TensorSpec([None, *spec.shape[1:]], spec.dtype)

    return tuple(_map(free, arg) for arg in args)


def flat_names(model: Any, args: tuple[Any, ...], call: Any) -> tuple[str, ...]:
    """Name the flattened arguments: dict keys, names of input layers, or the parameters' names.

    Returns
    -------
    Unique Python identifiers in the order of ``tf.nest.flatten(args)``: a signature takes its
    inputs as keywords.
    """
    symbolic = symbolic_inputs(model)
    names: list[str] = []
    for parameter, arg in zip(_parameters(call, len(args)), args, strict=True):
        names += [_joined(parameter, path) for path in _paths(arg)]
    if symbolic is not None and not isinstance(symbolic, Mapping):
        # Input layers have names of their own, which say more than a position does.
        leaves = _leaves(symbolic)
        if len(leaves) == len(names):
            names = [_layer_name(leaf) for leaf in leaves]
    return _unique(_identifier(name) for name in names)


def _layer_name(tensor: Any) -> str:
    """Return the name of the input layer: its tensor may only have a generic one."""
    history = getattr(tensor, "_keras_history", None)
    operation = getattr(history, "operation", None) or getattr(history, "layer", None)
    return str(getattr(operation, "name", "") or tensor.name.partition(":")[0])


def _parameters(call: Any, count: int) -> list[str]:
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    positional = [
        p.name
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name != "self"
    ]
    if len(positional) >= count:
        return positional[:count]
    return ["inputs"] if count == 1 else [f"inputs_{place}" for place in range(count)]


def _joined(parameter: str, path: tuple[str, ...]) -> str:
    """Put the parameter's name before a position; a dict key speaks for itself."""
    if not path:
        return parameter
    text = "_".join(path)
    return f"{parameter}_{text}" if path[0].isdigit() else text


def _paths(structure: Any) -> list[tuple[str, ...]]:
    """Return the path of every leaf, in the order of ``tf.nest.flatten``."""
    if isinstance(structure, Mapping):
        return [(str(key), *path) for key in sorted(structure) for path in _paths(structure[key])]
    if isinstance(structure, list | tuple):
        return [(str(k), *path) for k, part in enumerate(structure) for path in _paths(part)]
    return [()]


def output_names(outputs: Any) -> tuple[str, ...]:
    """Name the flattened outputs: dict keys, or ``output_0``, ``output_1``, ... as Keras does."""
    names = []
    for place, path in enumerate(_paths(outputs)):
        named = path and not path[0].isdigit()
        names.append("_".join(path) if named else f"output_{place}")
    return _unique(names)


def named_outputs(outputs: Any) -> tuple[list[str], list[Any]]:
    """Return the names and the flat outputs of a model; what is ``None`` is no output."""
    pairs = zip(output_names(outputs), _leaves(outputs), strict=True)
    kept = [(name, value) for name, value in pairs if value is not None]
    return [name for name, _ in kept], [value for _, value in kept]


def _leaves(structure: Any) -> list[Any]:
    import tensorflow as tf

    return list(tf.nest.flatten(structure))


def _map(function: Any, structure: Any) -> Any:
    import tensorflow as tf

    return tf.nest.map_structure(function, structure)


def _identifier(name: str) -> str:
    text = re.sub(r"\W", "_", name) or "x"
    return f"x_{text}" if text[0].isdigit() or keyword.iskeyword(text) else text


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for name in names:
        free, number = name, 1
        while free in seen:
            free, number = f"{name}_{number}", number + 1
        seen[free] = None
    return tuple(seen)


def described(names: Iterable[str], specs: Iterable[Any]) -> tuple[TensorSpec, ...]:
    """Return named specs as data."""
    return tuple(
        TensorSpec(
            name=name,
            shape=None if spec.shape.rank is None else tuple(spec.shape.as_list()),
            dtype=spec.dtype.name,
        )
        for name, spec in zip(names, specs, strict=True)
    )


def example(spec: Any, *, batch: int, size: int, rng: np.random.Generator) -> Array:
    """Return an array that fits a spec: free axes get ``size``, the first axis ``batch``.

    Integers are 0 and 1, which every vocabulary has; floating-point numbers are normal.
    """
    shape = [size if axis is None else axis for axis in spec.shape.as_list()]
    if shape and spec.shape[0] is None:
        shape[0] = batch
    if spec.dtype.name == "string":
        return rng.choice(np.array(["a", "b c"], dtype=object), size=shape)
    dtype = numpy_dtype(spec.dtype.name)
    if dtype.kind in "iub":
        return rng.integers(0, 2, shape).astype(dtype)
    return np.asarray(rng.standard_normal(shape)).astype(dtype)
