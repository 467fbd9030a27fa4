"""Bare lists of Keras ``get_weights()``: the order is all that they say.

Source of the orders: ``keras/engine/topology.py`` of Keras 1.2.2 and 2.2.4 (keras-team/keras).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import Case
from scripts.mapping_cases.keras_layers import (
    Layer,
    add_list,
    add_targets,
    bidirectional,
    conv,
    dense,
    embedding,
    norm,
    numbered,
    recurrent,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Rows = list[tuple[str, tuple[int, ...]]]


def _case(name: str, provenance: str, basis: str, *tags: str) -> Case:
    return Case(
        name=name,
        provenance=provenance,
        truth_basis=basis,
        source_format="npy_list",
        order="file",
        tags=("nameless", "get_weights_order", *tags),
    )


def _rows(case: Case, layers: Sequence[Layer]) -> list[Rows]:
    """Add the targets; return the rows of each layer."""
    paths = add_targets(case, layers)
    return [rows_of(p, layer) for p, layer in zip(paths, layers, strict=True)]


def _flat(rows: Sequence[Rows]) -> Rows:
    return [row for group in rows for row in group]


def _split(case: Case, rows: Rows) -> tuple[Rows, Rows]:
    """Return trained rows and the others."""
    trained = [row for row in rows if case.targets[row[0]]["trainable"]]
    return trained, [row for row in rows if row not in trained]


def _vgg(widths: Sequence[int], *, classes: int = 10) -> list[Layer]:
    """Return a VGG with batch normalization, two convolutions for each width."""
    layers, channels = [], 3
    for width in widths:
        for _ in range(2):
            layers += [conv(3, 3, channels, width), norm(width)]
            channels = width
    return [*layers, dense(channels, 512), norm(512), dense(512, classes)]


def _bottleneck(filters: int, channels: int, *, first: bool) -> list[Layer]:
    """Return the layers of one residual block in the order in which they are made."""
    wide = 4 * filters
    layers = [conv(1, 1, channels, filters), norm(filters)]
    layers += [conv(3, 3, filters, filters), norm(filters), conv(1, 1, filters, wide), norm(wide)]
    return layers + ([conv(1, 1, channels, wide), norm(wide)] if first else [])


def _resnet(blocks: Sequence[int], width: int = 16) -> list[Layer]:
    layers, channels = [conv(7, 7, 3, width, bias=False), norm(width)], width
    for stage, count in enumerate(blocks):
        for block in range(count):
            layers += _bottleneck(width << stage, channels, first=block == 0)
            channels = 4 * (width << stage)
    return layers


def _plain() -> Iterator[Case]:
    case = _case(
        "keras2_list_vgg_bn__keras3",
        "np.save(model.get_weights()) of a VGG with batch normalization for CIFAR-10 under Keras "
        "2.2.4 (keras-team/keras, engine/network.py: layer by layer); target Keras 3 Sequential",
        "construction: layer by layer",
        "cnn",
        "same_shape",
    )
    add_list(case, _flat(_rows(case, numbered(_vgg((64, 128, 256)), prefix="sequential/"))))
    yield case
    case = _case(
        "keras2_list_vgg_bn_trainable_only__keras3",
        "list of the values of model.trainable_weights (no moving statistics); the same VGG",
        "construction: the trained variables in layer order; the statistics are not in the file",
        "cnn",
        "trainable_only",
    )
    rows = _flat(_rows(case, numbered(_vgg((32, 64, 64)), prefix="vgg/")))
    add_list(case, _split(case, rows)[0])
    yield case
    case = _case(
        "keras2_list_trainable_first__keras3",
        "list of model.trainable_weights + model.non_trainable_weights, the order of "
        "Container.weights (keras-team/keras 2.0, engine/topology.py); target Keras 3 functional",
        "construction: all trained variables in layer order, then all statistics",
        "cnn",
        "trainable_first",
    )
    trained, others = _split(case, _flat(_rows(case, numbered(_vgg((48, 48))))))
    add_list(case, trained + others)
    yield case


def _nested() -> Iterator[Case]:
    for frozen in (False, True):
        word = "frozen" if frozen else "unfrozen"
        case = _case(
            f"keras224_list_nested_{word}__keras3",
            "get_weights() of Sequential([residual network, Dense, Dense]) under Keras 2.2.4; the "
            f"layers of the inner model are {word} (keras-team/keras, engine/network.py: a nested "
            "model lists its trained variables first); target Keras 3, the same nesting",
            "construction: inner model "
            + ("layer by layer" if frozen else "trained first, statistics after it")
            + ", then the head",
            "cnn",
            "nested",
            "same_shape",
        )
        base, head = _resnet((2, 2)), [dense(128, 64), dense(64, 5)]
        names = numbered([*base, *head])
        rows = _rows(case, names)
        inner, outer = _flat(rows[: len(base)]), _flat(rows[len(base) :])
        if frozen:
            for path, _ in inner:
                case.targets[path]["trainable"] = False
            add_list(case, inner + outer)
        else:
            trained, others = _split(case, inner)
            add_list(case, trained + others + outer)
        yield case


def _recurrent() -> Iterator[Case]:
    case = _case(
        "keras2_list_bilstm__keras3",
        "get_weights() of the imdb_bidirectional_lstm example of keras-team/keras 2.2.4 with two "
        "recurrent layers; target Keras 3 Sequential",
        "construction: forward before backward, kernel, recurrent kernel, bias",
        "rnn",
        "bidirectional",
    )
    layers = [embedding(20000, 128), bidirectional("LSTM", 128, 64), bidirectional("LSTM", 128, 64)]
    named = numbered([*layers, dense(128, 1)], prefix="sequential/")
    add_list(case, _flat(_rows(case, named)))
    yield case
    case = _case(
        "keras1_list_lstm_gru__keras3",
        "get_weights() of Embedding, LSTM, GRU, Dense under Keras 1.2.2 (12 arrays for an LSTM: "
        "W, U, b of i, c, f, o; 9 for a GRU: z, r, h); keras-team/keras 1.2.2 layers/recurrent.py",
        "rule: gate by gate into the fused kernels of Keras 3: i, f, c, o and z, r, h",
        "rnn",
        "gate_order",
        "split_gates",
    )
    named = numbered(
        [embedding(5000, 64), recurrent("LSTM", 64, 96), recurrent("GRU", 96, 48), dense(48, 4)],
        prefix="sequential/",
    )
    paths = add_targets(case, named)
    case.edge(case.source("arr_0", (5000, 64)), paths[0][0])
    _keras1_gates(case, paths[1], (64, 96), (0, 2, 1, 3))
    _keras1_gates(case, paths[2], (96, 48), (0, 1, 2))
    add_list_from(case, rows_of(paths[3], named[3]))
    yield case


def add_list_from(case: Case, rows: Rows) -> None:
    """Go on with a list that has been begun."""
    for path, shape in rows:
        case.edge(case.source(f"arr_{len(case.sources)}", shape), path)


def _keras1_gates(
    case: Case, paths: Sequence[str], sizes: tuple[int, int], places: Sequence[int]
) -> None:
    """Add W, U, b for each gate; ``places`` holds its position in the fused kernel."""
    inputs, units = sizes
    for place in places:
        span = f"{place * units}:{(place + 1) * units}"
        shapes = ((inputs, units), (units, units), (units,))
        for path, shape in zip(paths, shapes, strict=True):
            name = case.source(f"arr_{len(case.sources)}", shape)
            case.edge(name, path, f"into::,{span}" if len(shape) > 1 else f"into:{span}")


def _changed() -> Iterator[Case]:
    case = _case(
        "keras2_list_other_class_count__keras3",
        "get_weights() of a VGG for 10 classes; the target has 100 (transfer to CIFAR-100)",
        "construction: layer by layer; the last kernel and bias do not fit and stay out",
        "cnn",
        "other_head",
    )
    rows = _flat(_rows(case, numbered(_vgg((64, 96), classes=100))))
    add_list(case, [*rows[:-2], ("", (512, 10)), ("", (10,))])
    yield case
    case = _case(
        "keras2_list_truncated__keras3",
        "get_weights() list of a VGG of which the last third is lost (half-saved); target Keras 3",
        "construction: layer by layer from the start",
        "cnn",
        "truncated",
    )
    rows = _flat(_rows(case, numbered(_vgg((32, 64, 128)))))
    add_list(case, rows[:27])
    yield case
    case = _case(
        "keras2_list_names_out_of_order__keras3",
        "get_weights() list of a Keras 2 model; in the Keras 3 target the layers were created in "
        "another order than they are called: the numbers of the names do not follow the list",
        "construction: the order of model.layers, whatever the names",
        "cnn",
        "lookalike",
    )
    names = ("conv2d_3", "conv2d", "conv2d_2", "conv2d_1", "dense_1", "dense")
    layers = [conv(3, 3, 3, 32), conv(3, 3, 32, 32), conv(3, 3, 32, 32), conv(3, 3, 32, 32)]
    layers += [dense(2048, 128), dense(128, 10)]
    named = [
        Layer(kind=layer.kind, variables=layer.variables, name=name)
        for layer, name in zip(layers, names, strict=True)
    ]
    add_list(case, _flat(_rows(case, named)))
    yield case


def _npz() -> Iterator[Case]:
    for spelling, order in (("arr_{}", "sorted"), ("layer{}", "none"), ("param_{:03d}", "file")):
        tag = spelling.split("{")[0].strip("_")
        case = _case(
            f"npz_enumerated_{tag}__keras3",
            f"np.savez of an enumerated get_weights() list, keys {spelling!r}, read in the order "
            "of the keys as strings; target Keras 3 Sequential",
            "rule: the number in the name is the position in the list",
            "natural_order",
        )
        case.source_format, case.order = "npz", order
        rows = _flat(_rows(case, numbered(_vgg((32, 32)), prefix="sequential/")))
        add_list(case, rows, names=spelling)
        case.sources = dict(sorted(case.sources.items()))
        yield case
    case = _case(
        "numpy_mlp_dict__keras3",
        "np.savez(W1=, b1=, W2=, ...) of a hand-written MLP with equal hidden sizes, 11 layers",
        "rule: the number in the name",
        "natural_order",
        "same_shape",
    )
    case.source_format, case.order = "npz", "sorted"
    sizes = [784, *[256] * 10, 10]
    for number in range(11):
        shape = (sizes[number], sizes[number + 1])
        path = f"mlp/dense_{number}" if number else "mlp/dense"
        case.pair(f"W{number + 1}", f"{path}/kernel", shape, "Dense")
        case.pair(f"b{number + 1}", f"{path}/bias", shape[1:], "Dense")
    yield case


def _conventions() -> Iterator[Case]:
    case = _case(
        "keras2_list_mobilenet_like__keras3",
        "get_weights() of a small MobileNet under Keras 2.2.4 (depthwise kernels, no scale in the "
        "normalization after them); target Keras 3, depthwise kernels called kernel",
        "construction: layer by layer",
        "cnn",
        "depthwise",
        "same_shape",
    )
    layers, channels = [conv(3, 3, 3, 32, bias=False), norm(32)], 32
    for width in (64, 64, 128, 128, 128):
        depthwise = conv(3, 3, channels, 1, bias=False, kind="DepthwiseConv2D")
        layers += [depthwise, norm(channels, scale=False)]
        layers += [conv(1, 1, channels, width, bias=False), norm(width)]
        channels = width
    add_list(case, _flat(_rows(case, numbered([*layers, dense(128, 6)]))))
    yield case
    case = _case(
        "keras2_list_with_optimizer__keras3",
        "get_weights() followed by optimizer.get_weights() in one list (iterations, all first and "
        "all second moments of Adam); target the Keras 3 model alone",
        "construction: layer by layer; what comes after the model is the optimizer",
        "cnn",
        "slots",
    )
    rows = _flat(_rows(case, numbered(_vgg((32, 48)), prefix="sequential/")))
    trained = _split(case, rows)[0]
    moments = [("", shape) for _ in range(2) for _, shape in trained]
    add_list(case, [*rows, ("", ()), *moments])
    yield case
    case = _case(
        "torch_list_conv_bn_oihw__keras3",
        "values of a PyTorch state dict as a list (convolution (out, in, h, w), gamma, beta, mean, "
        "variance, counter; dense (out, in)); target Keras 3",
        "construction: layer by layer; kernels transposed",
        "cnn",
        "oihw",
        "transposed",
    )
    layers = numbered([*_plain_cnn((16, 32, 64, 64)), dense(64, 12)], prefix="net/")
    for layer, paths in zip(layers, add_targets(case, layers), strict=True):
        for variable, path in zip(layer.variables, paths, strict=True):
            axes = {4: (3, 2, 0, 1), 2: (1, 0)}.get(len(variable.shape), ())
            shape = tuple(variable.shape[axis] for axis in axes) or variable.shape
            how = {4: "transpose:2,3,1,0", 2: "transpose:1,0"}.get(len(axes), "identity")
            case.edge(case.source(f"arr_{len(case.sources)}", shape), path, how)
        if layer.kind == "BatchNormalization":
            case.source(f"arr_{len(case.sources)}", (), "int64")
    yield case
    case = _case(
        "keras1_list_bidirectional_lstm__keras3",
        "get_weights() of Embedding, Bidirectional(LSTM), Dense under Keras 1.2.2: 24 arrays, "
        "first the 12 of the forward layer (W, U, b of i, c, f, o), then 12 of the backward layer",
        "rule: gate by gate into the fused kernels of Keras 3: i, f, c, o",
        "rnn",
        "bidirectional",
        "gate_order",
        "split_gates",
    )
    layers = [embedding(4000, 80), bidirectional("LSTM", 80, 48), dense(96, 2)]
    paths = add_targets(case, numbered(layers, prefix="sequential/"))
    case.edge(case.source("arr_0", (4000, 80)), paths[0][0])
    for half in (paths[1][:3], paths[1][3:]):
        _keras1_gates(case, half, (80, 48), (0, 2, 1, 3))
    add_list_from(case, rows_of(paths[2], layers[2]))
    yield case
    case = _case(
        "npy_list_in_string_order__keras3",
        "get_weights() written to an enumerated archive, read back by sorted(keys) and saved again "
        "without names: 0, 1, 10, 11, ... 2, 20; target Keras 3 functional",
        "construction: the positions of the list are the numbers sorted as strings",
        "cnn",
        "natural_order",
        "string_order",
    )
    rows = _flat(_rows(case, numbered(_vgg((16, 24, 40), classes=9))))
    order = sorted(range(len(rows)), key=str)
    add_list(case, [rows[number] for number in order])
    yield case


def _plain_cnn(widths: Sequence[int]) -> list[Layer]:
    layers, channels = [], 3
    for width in widths:
        layers += [conv(3, 3, channels, width, bias=False), norm(width)]
        channels = width
    return layers


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    for family in (_plain, _nested, _recurrent, _changed, _npz, _conventions):
        yield from family()
