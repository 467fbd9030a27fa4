# ruff: noqa: E501 - tables with long rows
"""Text models of TensorFlow 1: language models, translation, tagging, classification.

Names after sherjilozair/char-rnn-tensorflow ``model.py``, tensorflow/nmt ``nmt/model.py`` and
``gnmt_model.py``, dennybritz/cnn-text-classification-tf ``text_cnn.py``,
guillaumegenthial/sequence_tagging ``model/ner_model.py``, abisee/pointer-generator,
ematvey/hierarchical-attention-networks, tensorflow/models ``tutorials/embedding/word2vec.py``,
tensorflow/tensor2tensor ``models/lstm.py`` and ``layers/modalities.py``, localminimum/QANet ``layers.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import ADAGRAD, ADAM, Case
from scripts.mapping_cases.rnn_cells import fused_gru, fused_lstm, keras_rnn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WAYS = (("fw", "forward"), ("bw", "backward"))


def _slots(
    case: Case, suffixes: Sequence[str] = ADAM, *, prefix: str = "", step: str = "global_step"
) -> Case:
    """Add optimizer slots of the sources that are used, and the counters."""
    used = {row["source"] for row in case.truth}
    case.slots(suffixes, [name for name in case.sources if name in used], prefix=prefix)
    if suffixes == ADAM:
        case.source(f"{prefix}beta1_power")
        case.source(f"{prefix}beta2_power")
    case.source(step, (), "int64")
    return case


def _char_rnn() -> Iterator[Case]:
    spellings = (
        ("tf1_15", "rnnlm/multi_rnn_cell/cell_{}/basic_lstm_cell", ("kernel", "bias")),
        ("tf1_0", "rnnlm/multi_rnn_cell/cell_{}/basic_lstm_cell", ("weights", "biases")),
        ("tf0_11", "rnnlm/RNN/MultiRNNCell/Cell{}/BasicLSTMCell/Linear", ("Matrix", "Bias")),
    )
    for word, spelling, leaves in spellings:
        case = Case(
            name=f"charrnn_lstm_{word}__keras3",
            provenance="sherjilozair/char-rnn-tensorflow model.py with 3 LSTM layers, names of the "
            f"cell as in {word.replace('_', '.')}; Adam; target a Keras 3 Sequential",
            truth_basis="rule: cell numbers; LSTM gates (i, j, f, o) to (i, f, c, o)",
            tags=("rnn", "lstm", "gate_order", "slots", "same_shape"),
        )
        case.pair("embedding", "sequential/embedding/embeddings", (65, 256), "Embedding")
        for cell in range(3):
            path = f"sequential/lstm_{cell}" if cell else "sequential/lstm"
            targets = keras_rnn(case, path, (256, 256))
            names = (f"{spelling.format(cell)}/{leaves[0]}", f"{spelling.format(cell)}/{leaves[1]}")
            fused_lstm(case, names, targets, (256, 256))
        case.pair("rnnlm/softmax_w", "sequential/dense/kernel", (256, 65), "Dense")
        case.pair("rnnlm/softmax_b", "sequential/dense/bias", (65,), "Dense")
        yield _slots(case, step="Variable")


def _nmt(*, gnmt: bool) -> Case:
    word = "gnmt_v2" if gnmt else "luong"
    case = Case(
        name=f"google_nmt_{word}__keras3",
        provenance="tensorflow/nmt "
        + ("gnmt_model.py (4 layers, the first bidirectional)" if gnmt else "attention_model.py")
        + "; target a Keras 3 subclass encoder / decoder",
        truth_basis="rule: scopes, fw and bw, cell numbers; gates (i, j, f, o) to (i, f, c, o)",
        tags=("rnn", "lstm", "seq2seq", "gate_order", "bidirectional", "same_shape"),
    )
    units, vocabulary = (1024, 36548) if gnmt else (128, 7709)
    top, lstm = "dynamic_seq2seq", "basic_lstm_cell"
    for side, new in (("encoder", "source"), ("decoder", "target")):
        name = f"embeddings/{side}/embedding_{side}"
        path = f"{side}/{new}_embedding/embeddings"
        case.pair(name, path, (vocabulary, units), "Embedding")
    for way, new in WAYS:
        name = f"{top}/encoder/bidirectional_rnn/{way}/{lstm}"
        _lstm(case, name, f"encoder/bidirectional/{new}_lstm", (units, units))
    if gnmt:
        for cell in range(3):
            name = f"{top}/encoder/rnn/multi_rnn_cell/cell_{cell}/{lstm}"
            inputs = 2 * units if cell == 0 else units
            _lstm(case, name, f"encoder/lstm_{cell + 1}", (inputs, units))
        memory = units
    else:
        memory = 2 * units
    case.pair(f"{top}/decoder/memory_layer/kernel", "attention/memory/kernel", (memory, units))
    cells = f"{top}/decoder/multi_rnn_cell"
    if gnmt:
        inner = f"{cells}/cell_0_attention/attention"
        _lstm(case, f"{inner}/{lstm}", "decoder/lstm_0", (2 * units, units))
        scope = f"{inner}/bahdanau_attention"
        case.pair(f"{scope}/query_layer/kernel", "attention/query/kernel", (units, units))
        case.pair(f"{scope}/attention_v", "attention/v", (units,))
        case.pair(f"{scope}/attention_g", "attention/scale", ())
        case.pair(f"{scope}/attention_b", "attention/bias", (units,))
        for cell in (1, 2, 3):
            name = f"{cells}/cell_{cell}/{lstm}"
            _lstm(case, name, f"decoder/lstm_{cell}", (2 * units, units))
    else:
        inner = f"{top}/decoder/attention"
        for cell in range(2):
            inputs = 2 * units if cell == 0 else units
            name = f"{inner}/multi_rnn_cell/cell_{cell}/{lstm}"
            _lstm(case, name, f"decoder/lstm_{cell}", (inputs, units))
        name = f"{inner}/attention_layer/kernel"
        case.pair(name, "attention/output/kernel", (memory + units, units), "Dense")
    name = f"{top}/decoder/output_projection/kernel"
    case.pair(name, "decoder/logits/kernel", (units, vocabulary), "Dense")
    case.source("Variable", (), "int32")
    return case


def _lstm(
    case: Case,
    name: str,
    path: str,
    sizes: tuple[int, int],
    *,
    cell: str = "lstm_cell",
    forget: bool = True,
) -> None:
    targets = keras_rnn(case, path, sizes, cell=cell)
    fused_lstm(case, (f"{name}/kernel", f"{name}/bias"), targets, sizes, forget=forget)


def _text_cnn() -> Iterator[Case]:
    for word, squeezed in (("conv2d", False), ("conv1d", True)):
        case = Case(
            name=f"dennybritz_textcnn__keras3_{word}",
            provenance="dennybritz/cnn-text-classification-tf text_cnn.py: the output kernel is "
            "made with get_variable under a name scope and is called W; Adam; target Keras 3",
            truth_basis="rule: filter sizes; W is the output kernel",
            tags=("text", "cnn", "slots", "terse_names"),
        )
        case.pair("embedding/W", "embedding/embeddings", (18758, 128), "Embedding")
        for number, size in enumerate((3, 4, 5)):
            path = f"{word}_{number}" if number else word
            shape = (size, 128, 1, 128)
            want, how = (shape, "identity")
            if squeezed:
                want, how = (size, 128, 128), "reshape"
            kind = "Conv1D" if squeezed else "Conv2D"
            name = f"conv-maxpool-{size}"
            case.pair(f"{name}/W", f"{path}/kernel", shape, kind, want=want, transform=how)
            case.pair(f"{name}/b", f"{path}/bias", (128,), kind)
        case.pair("W", "dense/kernel", (384, 2), "Dense")
        case.pair("output/b", "dense/bias", (2,), "Dense")
        yield _slots(case)


def _tagger() -> Iterator[Case]:
    case = Case(
        name="genthial_bilstm_crf__keras3",
        provenance="guillaumegenthial/sequence_tagging model/ner_model.py: Adam slots under "
        "train_step/; target a Keras 3 subclass with its own CRF layer",
        truth_basis="rule: scopes chars and bi-lstm, fw and bw; gates (i, j, f, o) to (i, f, c, o)",
        tags=("text", "rnn", "lstm", "bidirectional", "gate_order", "slots"),
    )
    case.pair("words/_word_embeddings", "word_embedding/embeddings", (22949, 300), "Embedding")
    case.pair("chars/_char_embeddings", "char_embedding/embeddings", (84, 100), "Embedding")
    for scope, path, sizes in (
        ("chars", "char_encoder", (100, 100)),
        ("bi-lstm", "word_encoder", (500, 300)),
    ):
        for way, new in WAYS:
            name = f"{scope}/bidirectional_rnn/{way}/lstm_cell"
            _lstm(case, name, f"{path}/{new}_lstm", sizes)
    case.pair("proj/W", "tag_projection/kernel", (600, 9), "Dense")
    case.pair("proj/b", "tag_projection/bias", (9,), "Dense")
    case.pair("transitions", "crf/transition_matrix", (9, 9), "CRF")
    yield _slots(case, prefix="train_step/", step="train_step/step")
    case = Case(
        name="bilstm_two_layers_tf1__keras3_left_right",
        provenance="two bidirectional_dynamic_rnn layers (scopes layer_0, layer_1) of equal size; "
        "target a hand-written model whose directions are called left_to_right and right_to_left",
        truth_basis="rule: fw reads left to right, bw right to left; layer numbers",
        tags=("text", "rnn", "lstm", "bidirectional", "gate_order", "synonyms"),
    )
    case.pair("embed/table", "token_embedding/table", (8000, 256))
    for layer in range(2):
        for way, new in (("fw", "left_to_right"), ("bw", "right_to_left")):
            name = f"layer_{layer}/bidirectional_rnn/{way}/lstm_cell"
            _lstm(case, name, f"encoder_{layer}/{new}", (256, 128), cell="")
    case.pair("softmax/kernel", "classifier/kernel", (256, 17), "Dense")
    case.pair("softmax/bias", "classifier/bias", (17,), "Dense")
    yield _slots(case)


def _pointer_generator() -> Case:
    case = Case(
        name="pointer_generator_coverage_adagrad__keras3",
        provenance="abisee/pointer-generator model.py and attention_decoder.py with coverage, "
        "Adagrad; target a Keras 3 subclass",
        truth_basis="rule: scopes; 1x1 convolutions become dense kernels",
        tags=("text", "rnn", "lstm", "seq2seq", "gate_order", "slots", "terse_names"),
    )
    top = "seq2seq"
    decoder = f"{top}/decoder/attention_decoder"
    case.pair(f"{top}/embedding/embedding", "embedding/embeddings", (50000, 128), "Embedding")
    for way, new in WAYS:
        name = f"{top}/encoder/bidirectional_rnn/{way}/lstm_cell"
        _lstm(case, name, f"encoder/{new}_lstm", (128, 256))
    for letter, new in (("c", "cell"), ("h", "hidden")):
        scope = f"{top}/reduce_final_st"
        case.pair(f"{scope}/w_reduce_{letter}", f"reduce_{new}/kernel", (512, 256), "Dense")
        case.pair(f"{scope}/bias_reduce_{letter}", f"reduce_{new}/bias", (256,), "Dense")
    case.pair(
        f"{decoder}/W_h",
        "attention/memory/kernel",
        (1, 1, 512, 512),
        "Dense",
        want=(512, 512),
        transform="reshape",
    )
    _linear(case, f"{decoder}/Attention/Linear", "attention/query", (512, 512))
    case.pair(f"{decoder}/v", "attention/v", (512,))
    case.pair(
        f"{decoder}/coverage/w_c",
        "attention/coverage/kernel",
        (1, 1, 1, 512),
        "Dense",
        want=(1, 512),
        transform="reshape",
    )
    _linear(case, f"{decoder}/Linear", "decoder/input", (640, 128))
    _lstm(case, f"{decoder}/lstm_cell", "decoder/lstm", (128, 256))
    _linear(case, f"{decoder}/calculate_pgen/Linear", "generation_probability", (1152, 1))
    _linear(case, f"{decoder}/AttnOutputProjection/Linear", "decoder/output", (768, 256))
    case.pair(f"{top}/output_projection/w", "vocabulary/kernel", (256, 50000), "Dense")
    case.pair(f"{top}/output_projection/v", "vocabulary/bias", (50000,), "Dense")
    return _slots(case, ADAGRAD)


def _linear(case: Case, name: str, path: str, shape: tuple[int, int]) -> None:
    case.pair(f"{name}/Matrix", f"{path}/kernel", shape, "Dense")
    case.pair(f"{name}/Bias", f"{path}/bias", shape[1:], "Dense")


def _han() -> Case:
    case = Case(
        name="ematvey_han_gru__keras3",
        provenance="ematvey/hierarchical-attention-networks HAN_model.py: word and sentence level "
        "with equal layers (GRU, attention); Adam; target a Keras 3 subclass",
        truth_basis="rule: word and sentence by name; GRU gates (r, u) to (z, r, h)",
        tags=("text", "rnn", "gru", "bidirectional", "gate_order", "slots", "twins"),
    )
    case.pair("tcm/embedding/embedding_matrix", "embedding/embeddings", (40000, 200), "Embedding")
    for level, inputs in (("word", 200), ("sentence", 100)):
        scope = f"tcm/{level}"
        for way, new in WAYS:
            path = f"{level}_encoder/{new}_gru"
            targets = keras_rnn(case, path, (inputs, 50), kind="GRU")
            fused_gru(case, f"{scope}/bidirectional_rnn/{way}/gru_cell", targets, (inputs, 50))
        name = f"{scope}/attention"
        path = f"{level}_attention"
        case.pair(f"{name}/attention_context_vector", f"{path}/context", (100,))
        case.pair(f"{name}/fully_connected/weights", f"{path}/dense/kernel", (100, 100), "Dense")
        case.pair(f"{name}/fully_connected/biases", f"{path}/dense/bias", (100,), "Dense")
    case.pair("tcm/classifier/fully_connected/weights", "logits/kernel", (100, 5), "Dense")
    case.pair("tcm/classifier/fully_connected/biases", "logits/bias", (5,), "Dense")
    return _slots(case)


def _word2vec() -> Case:
    case = Case(
        name="word2vec_tutorial__keras3_skipgram",
        provenance="tensorflow/models tutorials/embedding/word2vec.py: emb, sm_w_t, sm_b; target a "
        "Keras 3 skip-gram model",
        truth_basis="rule: sm is the softmax (output) side",
        tags=("text", "embedding", "terse_names", "same_shape"),
    )
    case.pair("emb", "input_embedding/embeddings", (71290, 200), "Embedding")
    case.pair("sm_w_t", "softmax/kernel", (71290, 200), "SampledSoftmax")
    case.pair("sm_b", "softmax/bias", (71290,), "SampledSoftmax")
    case.source("global_step", (), "int32")
    return case


def _t2t() -> Case:
    case = Case(
        name="t2t_lstm_seq2seq_sharded__keras3",
        provenance="tensorflow/tensor2tensor models/lstm.py with symbol_modality in 16 shards; Adam "
        "slots under training/; target a Keras 3 subclass with one table (tied softmax)",
        truth_basis="rule: shard numbers are row blocks; cell numbers; gates (i, j, f, o)",
        tags=("text", "rnn", "lstm", "seq2seq", "partitioned", "natural_order", "slots"),
    )
    table = case.target("shared_embedding/embeddings", (32768, 512), "Embedding")
    for shard in range(16):
        name = f"lstm_seq2seq/symbol_modality_32768_512/shared/weights_{shard}"
        region = f"into:{shard * 2048}:{(shard + 1) * 2048},:"
        case.edge(case.source(name, (2048, 512)), table, region)
    for side in ("encoder", "decoder"):
        for cell in range(2):
            scope = f"lstm_seq2seq/parallel_0_4/lstm_seq2seq/lstm_seq2seq/body/{side}"
            name = f"{scope}/rnn/multi_rnn_cell/cell_{cell}/basic_lstm_cell"
            _lstm(case, name, f"{side}/lstm_{cell}", (512, 512))
    return _slots(case, prefix="training/")


def _qanet() -> Iterator[Case]:
    for word, averages in (("adam", False), ("averages", True)):
        case = Case(
            name=f"qanet_{word}__keras3",
            provenance="localminimum/QANet model.py and layers.py (kernel_ and bias_ of 1x1 convolutions, fused projection of q, k, v, encoder_block_N beside self_attention_layersN), optimizer"
            + (" and moving averages" if averages else "")
            + " under loss/; target a Keras 3 subclass",
            truth_basis="rule: block numbers; the projection holds query, key, value in this order",
            tags=(
                "text",
                "fused_qkv",
                "slots",
                "natural_order",
                "same_shape",
                *(("ema", "alternatives") if averages else ()),
            ),
        )
        top = "Input_Embedding_Layer"
        case.pair(f"{top}/char_embeddings", "char_embedding/embeddings", (96, 200), "Embedding")
        case.pair(
            f"{top}/word_embeddings",
            "word_embedding/embeddings",
            (91604, 300),
            "Embedding",
            trainable=False,
        )
        scope = "Embedding_Encoder_Layer/Encoder_Residual_Block"
        case.pair(
            f"{scope}/input_projection/kernel_",
            "embedding_encoder/projection/kernel",
            (1, 500, 128),
            "Conv1D",
        )
        _qanet_block(case, (scope, 0), "embedding_encoder/block_0", (7, 4), bias=False)
        name = "Context_to_Query_Attention_Layer/trilinear/trilinear"
        case.pair(f"{name}/linear_kernel", "context_query/kernel", (384, 1), "Dense")
        case.pair(f"{name}/linear_bias", "context_query/bias", (1,), "Dense")
        case.pair(
            "Model_Encoder_Layer/input_projection/kernel_",
            "model_encoder/projection/kernel",
            (1, 384, 128),
            "Conv1D",
        )
        for block in range(7):
            scope = "Model_Encoder_Layer/Model_Encoder"
            _qanet_block(case, (scope, block), f"model_encoder/block_{block}", (5, 2), bias=True)
        for end in ("start", "end"):
            case.pair(
                f"Output_Layer/{end}_pointer/kernel_", f"{end}_logits/kernel", (1, 256, 1), "Conv1D"
            )
        trained = [name for name in case.sources if not name.endswith("word_embeddings")]
        if averages:
            shadow = {name: f"loss/{name}/ExponentialMovingAverage" for name in trained}
            for name, new in shadow.items():
                case.source(new, case.sources[name]["shape"])
            rows = [
                {**row, "source": shadow.get(row["source"], row["source"])} for row in case.truth
            ]
            case.alternatives = [
                {"why": "the moving averages instead of the raw values", "truth": rows}
            ]
        else:
            case.slots(ADAM, trained, prefix="loss/")
        for name in ("loss/beta1_power", "loss/beta2_power", "F1", "EM", "dev_loss"):
            case.source(name)
        case.source("global_step", (), "int32")
        yield case


def _qanet_block(
    case: Case, scope: tuple[str, int], path: str, sizes: tuple[int, int], *, bias: bool
) -> None:
    """Add convolutions, self attention and feed-forward layers of one encoder block."""
    width, layers = sizes
    name = f"{scope[0]}/encoder_block_{scope[1]}"
    for layer in range(layers):
        for leaf in ("beta", "gamma"):
            case.pair(
                f"{name}/layer_norm_{layer}/{leaf}",
                f"{path}/conv_norm_{layer}/{leaf}",
                (128,),
                "LayerNormalization",
            )
        inner, new = f"{name}/depthwise_conv_layers_{layer}", f"{path}/conv_{layer}"
        for leaf, shape in (("depthwise", (width, 1, 128, 1)), ("pointwise", (1, 1, 128, 128))):
            want = (shape[0], *shape[2:])
            case.pair(
                f"{inner}/{leaf}_filter",
                f"{new}/{leaf}_kernel",
                shape,
                "SeparableConv1D",
                want=want,
                transform="reshape",
            )
    name = f"{scope[0]}/self_attention_layers{scope[1]}"
    for number, word in ((1, "attention"), (2, "feed_forward")):
        for leaf in ("beta", "gamma"):
            case.pair(
                f"{name}/layer_norm_{number}/{leaf}",
                f"{path}/{word}_norm/{leaf}",
                (128,),
                "LayerNormalization",
            )
    fused = case.source(f"{name}/Multi_Head_Attention/projection/kernel_", (1, 128, 384))
    for start, role in ((0, "query"), (128, "key"), (256, "value")):
        target = case.target(f"{path}/attention/{role}/kernel", (128, 128), "Dense")
        case.edge(fused, target, f"slice:axis=2:{start}:{start + 128}|reshape")
    if bias:
        case.pair(
            f"{name}/Multi_Head_Attention/dot_product_attention/bias",
            f"{path}/attention/score_bias",
            (300,),
        )
    for number in (1, 2):
        inner, new = f"{name}/FFN_{number}", f"{path}/feed_forward_{number}"
        case.pair(
            f"{inner}/kernel_",
            f"{new}/kernel",
            (1, 128, 128),
            "Dense",
            want=(128, 128),
            transform="reshape",
        )
        if bias:
            case.pair(
                f"{inner}/bias_",
                f"{new}/bias",
                (1, 1, 128),
                "Dense",
                want=(128,),
                transform="reshape",
            )


def _undecided() -> Case:
    case = Case(
        name="bilstm_tf1__keras3_unnamed_directions",
        provenance="one bidirectional_dynamic_rnn layer under TensorFlow 1; the target calls its two LSTM layers rnn_a and rnn_b",
        truth_basis="construction: nothing says which of the two reads forwards",
        tags=("text", "rnn", "lstm", "bidirectional", "unresolvable"),
    )
    case.pair("embedding/table", "embedding/embeddings", (6000, 128), "Embedding")
    targets: list[str] = []
    for way, new in (("fw", "rnn_a"), ("bw", "rnn_b")):
        paths = keras_rnn(case, new, (128, 64))
        name = f"bidirectional_rnn/{way}/lstm_cell"
        fused_lstm(case, (f"{name}/kernel", f"{name}/bias"), paths, (128, 64))
        targets += paths
    case.pair("out/kernel", "tags/kernel", (128, 12), "Dense")
    case.pair("out/bias", "tags/bias", (12,), "Dense")
    sources = [name for name in case.sources if "bidirectional" in name]
    _slots(case)
    case.tie(targets, sources, "rnn_a and rnn_b do not say which direction they read")
    return case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    yield from _char_rnn()
    yield _nmt(gnmt=False)
    yield _nmt(gnmt=True)
    yield from _text_cnn()
    yield from _tagger()
    yield _pointer_generator()
    yield _han()
    yield _word2vec()
    yield _t2t()
    yield from _qanet()
    yield _undecided()
