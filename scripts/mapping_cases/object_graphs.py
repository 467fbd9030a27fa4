# ruff: noqa: C901, E501 - tables with long rows, several in one function
"""TensorFlow 2 object-based checkpoints, Sonnet modules and hub modules.

Keys after the tutorials of tensorflow/docs (``nmt_with_attention``, ``transformer``, ``pix2pix``,
``cvae``), deepmind/sonnet v1 ``nets/`` and v2 ``src/``, deepmind/graph_nets ``modules.py``,
tensorflow/hub.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import ADAM, Case
from scripts.mapping_cases.rnn_cells import fused_lstm, keras_rnn

if TYPE_CHECKING:
    from collections.abc import Iterator

END = "/.ATTRIBUTES/VARIABLE_VALUE"
Rows = list[tuple[str, str, tuple[int, ...], str]]
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def _layer(name: str, path: str, shape: tuple[int, ...], kind: str, *, bias: bool = True) -> Rows:
    rows = [(f"{name}/kernel", f"{path}/kernel", shape, kind)]
    out = shape[-2] if kind == "Conv2DTranspose" else shape[-1]
    return rows + ([(f"{name}/bias", f"{path}/bias", (out,), kind)] if bias else [])


def _norm(name: str, path: str, width: int) -> Rows:
    return [(f"{name}/{leaf}", f"{path}/{leaf}", (width,), "BatchNormalization") for leaf in NORM]


def _fixed(leaf: str) -> bool:
    return leaf.rsplit("/", maxsplit=1)[-1].startswith("moving")


def _fill(case: Case, rows: Rows, *, optimizer: str = "", wanted: str = "") -> None:
    """Add variables, slots and counters; with ``wanted`` the optimizer of the target as well."""
    for name, path, shape, kind in rows:
        case.pair(f"{name}{END}", path, shape, kind, trainable=not _fixed(name))
    if wanted:
        case.edge(
            case.source(f"{optimizer}/iter{END}", (), "int64"),
            case.target(f"{wanted}/iteration", (), "Optimizer", trainable=False, dtype="int64"),
        )
        case.edge(
            case.source(f"{optimizer}/learning_rate{END}"),
            case.target(f"{wanted}/learning_rate", (), "Optimizer", trainable=False),
        )
    for name, path, shape, _ in rows:
        if not optimizer or _fixed(name):
            continue
        for slot, word in (("m", "momentum"), ("v", "velocity")):
            source = case.source(f"{name}/.OPTIMIZER_SLOT/{optimizer}/{slot}{END}", shape)
            if wanted:
                new = f"{wanted}/{path.replace('/', '_')}_{word}"
                case.edge(source, case.target(new, shape, "Optimizer", trainable=False))
    if optimizer:
        for leaf in ("beta_1", "beta_2", "decay"):
            case.source(f"{optimizer}/{leaf}{END}")
        if not wanted:
            case.source(f"{optimizer}/iter{END}", (), "int64")
            case.source(f"{optimizer}/learning_rate{END}")


def _case(name: str, provenance: str, basis: str, *tags: str) -> Case:
    case = Case(
        name=name,
        provenance=provenance,
        truth_basis=basis,
        source_format="tf2_ckpt",
        tags=("object_graph", *tags),
    )
    case.source("_CHECKPOINTABLE_OBJECT_GRAPH", (), "string")
    case.source(f"save_counter{END}", (), "int64")
    return case


def _attention_rows() -> Rows:
    rows = [
        (
            "encoder/embedding/embeddings",
            "encoder/source_embedding/embeddings",
            (9415, 256),
            "Embedding",
        )
    ]
    for leaf, shape in (
        ("kernel", (256, 3072)),
        ("recurrent_kernel", (1024, 3072)),
        ("bias", (2, 3072)),
    ):
        rows.append((f"encoder/gru/cell/{leaf}", f"encoder/gru/gru_cell/{leaf}", shape, "GRUCell"))
    rows.append(
        (
            "decoder/embedding/embeddings",
            "decoder/target_embedding/embeddings",
            (4936, 256),
            "Embedding",
        )
    )
    for leaf, shape in (
        ("kernel", (1280, 3072)),
        ("recurrent_kernel", (1024, 3072)),
        ("bias", (2, 3072)),
    ):
        rows.append((f"decoder/gru/cell/{leaf}", f"decoder/gru/gru_cell/{leaf}", shape, "GRUCell"))
    rows += _layer("decoder/fc", "decoder/vocabulary", (1024, 4936), "Dense")
    rows += _layer("decoder/attention/W1", "decoder/attention/query", (1024, 1024), "Dense")
    rows += _layer("decoder/attention/W2", "decoder/attention/memory", (1024, 1024), "Dense")
    return rows + _layer("decoder/attention/V", "decoder/attention/score", (1024, 1), "Dense")


def _attention() -> Iterator[Case]:
    for wanted in ("", "adam"):
        rows = _attention_rows()
        if wanted:
            names = {"query": "W1", "memory": "W2", "score": "V", "vocabulary": "fc"}
            for old, new in names.items():
                rows = [(a, b.replace(f"/{old}/", f"/{new}/"), s, k) for a, b, s, k in rows]
        case = _case(
            "tf2_nmt_attention_ckpt__keras3" + ("_with_adam" if wanted else "_renamed"),
            "checkpoint of the tutorial nmt_with_attention (encoder, decoder, BahdanauAttention W1, W2, V; Adam); target Keras 3 "
            + (
                "with the same attributes and Adam"
                if wanted
                else "with query, memory and score instead of W1, W2 and V"
            ),
            "rule: attribute names"
            + ("" if wanted else "; which of W1 and W2 is the query is not in the file"),
            "text",
            "seq2seq",
            *(("optimizer",) if wanted else ("unresolvable",)),
        )
        _fill(case, rows, optimizer="optimizer", wanted=wanted)
        if not wanted:
            sources = [
                f"decoder/attention/{w}/{leaf}{END}"
                for w in ("W1", "W2")
                for leaf in ("kernel", "bias")
            ]
            targets = [
                f"decoder/attention/{w}/{leaf}"
                for w in ("query", "memory")
                for leaf in ("kernel", "bias")
            ]
            case.tie(targets, sources, "W1 and W2 have one shape; their use is in the code alone")
        yield case


def _transformer_rows() -> Rows:
    rows = [
        (
            "transformer/encoder/embedding/embeddings",
            "encoder/embedding/embeddings",
            (8216, 128),
            "Embedding",
        )
    ]
    rows.append(
        (
            "transformer/decoder/embedding/embeddings",
            "decoder/embedding/embeddings",
            (8089, 128),
            "Embedding",
        )
    )
    for side, word, norms in (("encoder", "enc_layers", 2), ("decoder", "dec_layers", 3)):
        for block in range(4):
            name, path = f"transformer/{side}/{word}/{block}", f"{side}/block_{block}"
            units = (
                (("mha", "self_attention"),)
                if side == "encoder"
                else (("mha1", "self_attention"), ("mha2", "cross_attention"))
            )
            for unit, new in units:
                for leaf, role in (
                    ("wq", "query"),
                    ("wk", "key"),
                    ("wv", "value"),
                    ("dense", "output"),
                ):
                    rows += _layer(
                        f"{name}/{unit}/{leaf}", f"{path}/{new}/{role}", (128, 128), "Dense"
                    )
            rows += _layer(
                f"{name}/ffn/layer_with_weights-0", f"{path}/mlp/dense", (128, 512), "Dense"
            )
            rows += _layer(
                f"{name}/ffn/layer_with_weights-1", f"{path}/mlp/dense_1", (512, 128), "Dense"
            )
            for number in range(1, norms + 1):
                for leaf in ("gamma", "beta"):
                    rows.append(
                        (
                            f"{name}/layernorm{number}/{leaf}",
                            f"{path}/norm_{number - 1}/{leaf}",
                            (128,),
                            "LayerNormalization",
                        )
                    )
    return rows + _layer("transformer/final_layer", "logits", (128, 8089), "Dense")


def _transformer() -> Iterator[Case]:
    for wanted in ("", "adam"):
        case = _case(
            "tf2_transformer_tutorial_ckpt__keras3" + ("_with_adam" if wanted else ""),
            "checkpoint of the tutorial transformer (enc_layers, dec_layers, mha wq wk wv dense, ffn, layernormN; Adam); target Keras 3"
            + (" with Adam variables" if wanted else " without an optimizer"),
            "rule: attribute names, list numbers, mha1 is the self attention of the decoder",
            "text",
            "same_shape",
            *(("optimizer",) if wanted else ("slots",)),
        )
        _fill(case, _transformer_rows(), optimizer="optimizer", wanted=wanted)
        yield case


def _pix2pix() -> Iterator[Case]:
    case = _case(
        "tf2_pix2pix_tutorial_ckpt__keras3",
        "checkpoint of the tutorial pix2pix (generator: nested Sequential down and up blocks, discriminator; two Adam optimizers); target Keras 3, blocks named by size",
        "rule: layer_with_weights numbers in depth-first order of the model",
        "generative",
        "natural_order",
        "slots",
        "same_shape",
    )
    _fill(case, _pix2pix_generator(), optimizer="generator_optimizer")
    rows: Rows = []
    widths, channels = (64, 128, 256), 6
    for number, width in enumerate(widths):
        name, path = f"discriminator/layer_with_weights-{number}", f"discriminator/down_{number}"
        rows += _layer(
            f"{name}/layer_with_weights-0",
            f"{path}/conv",
            (4, 4, channels, width),
            "Conv2D",
            bias=False,
        )
        if number:
            rows += _norm(f"{name}/layer_with_weights-1", f"{path}/norm", width)
        channels = width
    rows += _layer(
        "discriminator/layer_with_weights-3",
        "discriminator/conv",
        (4, 4, 256, 512),
        "Conv2D",
        bias=False,
    )
    rows += _norm("discriminator/layer_with_weights-4", "discriminator/norm", 512)
    rows += _layer(
        "discriminator/layer_with_weights-5", "discriminator/patch", (4, 4, 512, 1), "Conv2D"
    )
    _fill(case, rows, optimizer="discriminator_optimizer")
    yield case


def _pix2pix_generator() -> Rows:
    rows: Rows = []
    channels, outs = 3, []
    for number, width in enumerate((64, 128, 256, 512, 512, 512, 512, 512)):
        name, path = f"generator/layer_with_weights-{number}", f"generator/down_{number}"
        rows += _layer(
            f"{name}/layer_with_weights-0",
            f"{path}/conv",
            (4, 4, channels, width),
            "Conv2D",
            bias=False,
        )
        if number:
            rows += _norm(f"{name}/layer_with_weights-1", f"{path}/norm", width)
        channels = width
        outs.append(width)
    for number, width in enumerate((512, 512, 512, 512, 256, 128, 64)):
        name, path = f"generator/layer_with_weights-{number + 8}", f"generator/up_{number}"
        rows += _layer(
            f"{name}/layer_with_weights-0",
            f"{path}/deconv",
            (4, 4, width, channels),
            "Conv2DTranspose",
            bias=False,
        )
        rows += _norm(f"{name}/layer_with_weights-1", f"{path}/norm", width)
        channels = width + outs[6 - number]
    return rows + _layer(
        "generator/layer_with_weights-15",
        "generator/output",
        (4, 4, 3, channels),
        "Conv2DTranspose",
    )


def _cvae() -> Iterator[Case]:
    for wanted in ("", "optimizer"):
        case = _case(
            "tf2_cvae_tutorial_ckpt__keras3"
            + ("_with_optimizer" if wanted else "_inference_generative"),
            "checkpoint of the tutorial cvae (encoder and decoder Sequential) with Adam; target Keras 3 "
            + (
                "with the optimizer"
                if wanted
                else "whose halves are called inference_net and generative_net"
            ),
            "rule: layer_with_weights numbers; the encoder is the inference net",
            "generative",
            *(("optimizer",) if wanted else ("synonyms", "slots")),
        )
        first, second = ("encoder", "decoder") if wanted else ("inference_net", "generative_net")
        rows = _layer(
            "model/encoder/layer_with_weights-0", f"{first}/conv2d", (3, 3, 1, 32), "Conv2D"
        )
        rows += _layer(
            "model/encoder/layer_with_weights-1", f"{first}/conv2d_1", (3, 3, 32, 64), "Conv2D"
        )
        rows += _layer("model/encoder/layer_with_weights-2", f"{first}/dense", (2304, 4), "Dense")
        rows += _layer(
            "model/decoder/layer_with_weights-0", f"{second}/dense_1", (2, 1568), "Dense"
        )
        for number, shape in enumerate(((3, 3, 64, 32), (3, 3, 32, 64), (3, 3, 1, 32))):
            last = f"_{number}" if number else ""
            rows += _layer(
                f"model/decoder/layer_with_weights-{number + 1}",
                f"{second}/conv2d_transpose{last}",
                shape,
                "Conv2DTranspose",
            )
        _fill(case, rows, optimizer="optimizer", wanted=wanted)
        yield case


def _save_weights() -> Iterator[Case]:
    case = _case(
        "tfkeras_save_weights_ckpt_numbers__keras3",
        "tf.keras 2.x model.save_weights(prefix): a Sequential of 14 layers (layer_with_weights-0 ... -13, optimizer); target the Keras 3 Sequential",
        "rule: layer_with_weights numbers in natural order are the layers of the model",
        "cnn",
        "natural_order",
        "same_shape",
        "slots",
    )
    rows: Rows = []
    for number in range(6):
        last = f"_{number}" if number else ""
        shape = (3, 3, 32 if number else 3, 32)
        rows += _layer(
            f"layer_with_weights-{2 * number}", f"sequential/conv2d{last}", shape, "Conv2D"
        )
        rows += _norm(
            f"layer_with_weights-{2 * number + 1}", f"sequential/batch_normalization{last}", 32
        )
    rows += _layer("layer_with_weights-12", "sequential/dense", (512, 64), "Dense")
    rows += _layer("layer_with_weights-13", "sequential/dense_1", (64, 10), "Dense")
    _fill(case, rows, optimizer="optimizer")
    yield case


def _sonnet() -> Iterator[Case]:
    case = Case(
        name="sonnet1_lstm_mlp_tf1__keras3",
        provenance="deepmind/sonnet v1: lstm/w_gates, lstm/b_gates, mlp/linear_N/w, batch_norm with moving_mean (1, n); Adam; target Keras 3",
        truth_basis="rule: layer numbers; LSTM gates (i, j, f, o); statistics lose their leading axis",
        tags=("sonnet", "rnn", "lstm", "gate_order", "slots", "squeeze"),
    )
    trained = []
    for number, shape in enumerate(((3, 3, 3, 16), (3, 3, 16, 32))):
        case.pair(f"conv_net/conv_2d_{number}/w", f"conv_{number}/kernel", shape, "Conv2D")
        case.pair(f"conv_net/conv_2d_{number}/b", f"conv_{number}/bias", shape[-1:], "Conv2D")
        trained += [f"conv_net/conv_2d_{number}/{leaf}" for leaf in ("w", "b")]
        for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
            name = f"conv_net/batch_norm_{number}/{leaf}"
            case.pair(
                name,
                f"bn_{number}/{leaf}",
                (1, 1, 1, shape[-1]),
                "BatchNormalization",
                want=shape[-1:],
                transform="reshape",
                trainable=not _fixed(leaf),
            )
            trained += [] if _fixed(leaf) else [name]
    targets = keras_rnn(case, "core", (128, 64))
    fused_lstm(case, ("lstm/w_gates", "lstm/b_gates"), targets, (128, 64))
    for number, shape in enumerate(((64, 64), (64, 64), (64, 18))):
        case.pair(f"mlp/linear_{number}/w", f"head_{number}/kernel", shape, "Dense")
        case.pair(f"mlp/linear_{number}/b", f"head_{number}/bias", shape[1:], "Dense")
        trained += [f"mlp/linear_{number}/{leaf}" for leaf in ("w", "b")]
    case.slots(ADAM, [*trained, "lstm/w_gates", "lstm/b_gates"])
    case.source("beta1_power")
    case.source("beta2_power")
    case.source("global_step", (), "int64")
    yield case
    case = Case(
        name="sonnet2_resnet_ckpt__keras3",
        provenance="deepmind/sonnet v2 ResNet and BatchNorm (ExponentialMovingAverage: average, _hidden, _counter) in an object-based checkpoint; target Keras 3",
        truth_basis="rule: list numbers; average is the statistic, _hidden its biased shadow",
        source_format="tf2_ckpt",
        tags=("sonnet", "object_graph", "shadow", "same_shape", "squeeze"),
    )
    case.source("_CHECKPOINTABLE_OBJECT_GRAPH", (), "string")
    case.source(f"save_counter{END}", (), "int64")
    _sonnet_conv(case, "model/_initial_conv", "model/_initial_batchnorm", "stem", (7, 7, 3, 64))
    channels = 64
    for group, width in enumerate((64, 128)):
        for block in range(2):
            name, path = (
                f"model/_block_groups/{group}/_blocks/{block}",
                f"group{group}_block{block}",
            )
            for number in range(2):
                inputs = width if number else channels
                _sonnet_conv(
                    case,
                    f"{name}/_layers/{number}/0",
                    f"{name}/_layers/{number}/1",
                    f"{path}_{number}",
                    (3, 3, inputs, width),
                )
            if channels != width:
                _sonnet_conv(
                    case,
                    f"{name}/_proj_conv",
                    f"{name}/_proj_batchnorm",
                    f"{path}_projection",
                    (1, 1, channels, width),
                )
            channels = width
    case.pair(f"model/_logits/w{END}", "logits/kernel", (128, 10), "Dense")
    case.pair(f"model/_logits/b{END}", "logits/bias", (10,), "Dense")
    yield case
    case = Case(
        name="graph_nets_encode_process_decode_tf1__keras3",
        provenance="deepmind/graph_nets demos models.py (MLPGraphIndependent and MLPGraphNetwork with edge, node and global blocks of equal MLPs and layer norms); Adam; target Keras 3",
        truth_basis="rule: encoder, core, decoder; edge, node, global; layer numbers",
        tags=("sonnet", "graph", "same_shape", "twins", "slots"),
    )
    names = []
    for part, block in (
        ("MLPGraphIndependent", "graph_independent"),
        ("MLPGraphNetwork", "graph_network"),
        ("MLPGraphIndependent_1", "graph_independent"),
    ):
        new = {"MLPGraphIndependent": "encoder", "MLPGraphNetwork": "core"}.get(part, "decoder")
        for kind, inputs, raw in (("edge", 64, 1), ("node", 48, 5), ("global", 48, 2)):
            scope = f"EncodeProcessDecode/{part}/{block}/{kind}_{'model' if block.endswith('t') else 'block'}"
            for number in range(2):
                first = {"encoder": raw, "core": inputs}.get(new, 16)
                shape = (16 if number else first, 16)
                names += [f"{scope}/mlp/linear_{number}/w", f"{scope}/mlp/linear_{number}/b"]
                case.pair(names[-2], f"{new}/{kind}/dense_{number}/kernel", shape, "Dense")
                case.pair(names[-1], f"{new}/{kind}/dense_{number}/bias", (16,), "Dense")
            for leaf in ("gamma", "beta"):
                names.append(f"{scope}/layer_norm/{leaf}")
                case.pair(names[-1], f"{new}/{kind}/norm/{leaf}", (16,), "LayerNormalization")
    case.slots(ADAM, names)
    case.source("beta1_power")
    case.source("beta2_power")
    yield case


def _sonnet_conv(case: Case, conv: str, norm: str, path: str, shape: tuple[int, ...]) -> None:
    """Add a convolution without bias and a batch normalization with its two moving averages."""
    case.pair(f"{conv}/w{END}", f"{path}_conv/kernel", shape, "Conv2D")
    wide, width = (1, 1, 1, shape[-1]), shape[-1:]
    for name, leaf in (
        ("scale", "gamma"),
        ("offset", "beta"),
        ("moving_mean/average", "moving_mean"),
        ("moving_variance/average", "moving_variance"),
    ):
        case.pair(
            f"{norm}/{name}{END}",
            f"{path}_bn/{leaf}",
            wide,
            "BatchNormalization",
            want=width,
            transform="reshape",
            trainable=not _fixed(leaf),
        )
    for name in ("moving_mean", "moving_variance"):
        case.source(f"{norm}/{name}/_hidden{END}", wide)
        case.source(f"{norm}/{name}/_counter{END}", (), "int64")


def _hub() -> Iterator[Case]:
    case = Case(
        name="tfhub_nnlm_module__keras3",
        provenance="TF1 hub module nnlm-en-dim128 retrained with a head (module/embeddings/part_N, head dense), Adam; target a Keras 3 text classifier",
        truth_basis="rule: part numbers are row blocks; dense numbers",
        tags=("hub", "partitioned", "slots", "natural_order"),
    )
    table = case.target("classifier/token_embedding/embeddings", (973771, 128), "Embedding")
    start, names = 0, []
    for part in range(11):
        rows = 88525 if part < 10 else 973771 - 88525 * 10
        names.append(case.source(f"module/embeddings/part_{part}", (rows, 128)))
        case.edge(names[-1], table, f"into:{start}:{start + rows},:")
        start += rows
    for number, shape in enumerate(((128, 64), (64, 2))):
        last = "_1" * number
        for leaf, dims in (("kernel", shape), ("bias", shape[1:])):
            names.append(f"dense{last}/{leaf}")
            case.pair(names[-1], f"classifier/{('hidden', 'logits')[number]}/{leaf}", dims, "Dense")
    case.slots(ADAM, names)
    case.source("beta1_power")
    case.source("beta2_power")
    case.source("global_step", (), "int64")
    yield case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    for family in (_attention, _transformer, _pix2pix, _cvae, _save_weights, _sonnet, _hub):
        yield from family()
