# ruff: noqa: E501 - tables with long rows
"""Speech and audio: WaveNet, Tacotron 1 and 2, DeepSpeech, Wave-U-Net, Kapre.

Names after ibab/tensorflow-wavenet ``wavenet/model.py``, basveeling/wavenet ``wavenet.py``,
keithito/tacotron ``models/``, Rayhane-mamah/Tacotron-2 ``tacotron/models/modules.py``,
mozilla/DeepSpeech ``DeepSpeech.py``, f90/Wave-U-Net ``Models/UnetAudioSeparator.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import ADAM, Case
from scripts.mapping_cases.rnn_cells import fused_gru, fused_lstm, keras_rnn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NORM = ("gamma", "beta", "moving_mean", "moving_variance")
WAVENET = (("filter", 0), ("gate", 1), ("dense", 2), ("skip", 3))


def _layer(case: Case, name: str, path: str, shape: Sequence[int], kind: str = "Dense") -> None:
    """Pair kernel and bias of a layer with equal leaves."""
    case.pair(f"{name}/kernel", f"{path}/kernel", shape, kind)
    case.pair(f"{name}/bias", f"{path}/bias", shape[-1:], kind)


def _norm(case: Case, name: str, path: str, width: int) -> None:
    for leaf in NORM:
        trained = not leaf.startswith("moving")
        case.pair(
            f"{name}/{leaf}", f"{path}/{leaf}", (width,), "BatchNormalization", trainable=trained
        )


def _finish(case: Case, *, prefix: str = "") -> Case:
    """Add the Adam slots of all trained sources and the counters."""
    used = {row["source"] for row in case.truth}
    used |= {name for row in case.unresolvable for name in row["sources"]}
    kept = [name for name in case.sources if name in used and "moving_" not in name]
    case.slots(ADAM, kept, prefix=prefix)
    for name in ("beta1_power", "beta2_power"):
        case.source(prefix + name)
    case.source("global_step", (), "int32")
    return case


def _wavenet(word: str, path_of: Callable[[int, str], str], layers: int, basis: str) -> Case:
    case = Case(
        name=f"ibab_wavenet_biases__{word}",
        provenance="ibab/tensorflow-wavenet wavenet/model.py with use_biases (the name goes to the "
        f"argument trainable: biases are called Variable), {layers} layers, Adam; target Keras 3",
        truth_basis=basis,
        tags=("audio", "same_shape", "unnamed_biases", "slots"),
    )
    residual, dilated, skip, quantized = 32, 32, 512, 256
    case.pair("wavenet/causal_layer/filter", "causal/kernel", (2, quantized, residual), "Conv1D")
    shapes = {"filter": (2, residual, dilated), "gate": (2, residual, dilated)}
    shapes |= {"dense": (1, dilated, residual), "skip": (1, dilated, skip)}
    for layer in range(layers):
        scope = f"wavenet/dilated_stack/layer{layer}"
        for kind, number in WAVENET:
            path = path_of(layer, kind)
            case.pair(f"{scope}/{kind}", f"{path}/kernel", shapes[kind], "Conv1D")
            bias = f"Variable_{number}" if number else "Variable"
            case.pair(f"{scope}/{bias}", f"{path}/bias", shapes[kind][-1:], "Conv1D")
    for number, width in ((1, skip), (2, quantized)):
        path = f"post_{number}"
        scope = "wavenet/postprocessing"
        bias = "Variable_1" if number == 2 else "Variable"
        case.pair(f"{scope}/postprocess{number}", f"{path}/kernel", (1, skip, width), "Conv1D")
        case.pair(f"{scope}/{bias}", f"{path}/bias", (width,), "Conv1D")
    return _finish(case)


def _wavenets() -> Iterator[Case]:
    basis = "rule: layer numbers; the biases were made in the order filter, gate, dense, skip"
    yield _wavenet("keras3_numbered", lambda n, kind: f"block_{n}/{kind}_conv", 20, basis)

    def by_dilation(layer: int, kind: str) -> str:
        word = {"filter": "tanh", "gate": "sigm"}.get(kind)
        dilation, stack = 2 ** (layer % 10), layer // 10
        if word:
            return f"dilated_conv_{dilation}_{word}_s{stack}"
        return f"{'res' if kind == 'dense' else 'skip'}_{dilation}_s{stack}"

    basis = (
        "rule: layer n has dilation 2 ** (n % 10) in stack n // 10; filter is tanh, gate sigmoid"
    )
    yield _wavenet("keras_by_dilation", by_dilation, 20, basis)


def _bank(case: Case, scope: str, path: str, sizes: tuple[int, int, tuple[int, int]]) -> None:
    """Add a CBHG: ``(bank, inputs, projections)``."""
    bank, inputs, projections = sizes
    rows = [
        (f"conv_bank/conv1d_{k}", f"bank_{k - 1}", (k, inputs, 128)) for k in range(1, bank + 1)
    ]
    rows.append(("proj_1", "projection_0", (3, 128 * bank, projections[0])))
    rows.append(("proj_2", "projection_1", (3, projections[0], projections[1])))
    for name, new, shape in rows:
        _layer(case, f"{scope}/{name}/conv1d", f"{path}/{new}/conv", shape, "Conv1D")
        _norm(case, f"{scope}/{name}/batch_normalization", f"{path}/{new}/bn", shape[-1])
    if projections[1] != 128:
        _layer(case, f"{scope}/dense", f"{path}/resize", (projections[1], 128))
    for number in range(1, 5):
        for gate, new in (("H", "transform"), ("T", "gate")):
            name = f"{scope}/highway_{number}/{gate}"
            _layer(case, name, f"{path}/highway_{number - 1}/{new}", (128, 128))
    for way, new in (("fw", "forward_gru"), ("bw", "backward_gru")):
        targets = keras_rnn(case, f"{path}/birnn/{new}", (128, 128), kind="GRU")
        fused_gru(case, f"{scope}/bidirectional_rnn/{way}/gru_cell", targets, (128, 128))


def _tacotron1() -> Case:
    case = Case(
        name="keithito_tacotron_adam__keras3",
        provenance="names listed from keithito/tacotron models/tacotron.py and modules.py (nested "
        "attention and projection wrappers, Adam under optimizer/); target a Keras 3 subclass",
        truth_basis="rule: scopes and numbers; TF1 GRU gates (r, u) to (z, r, h)",
        tags=("audio", "rnn", "gru", "gate_order", "slots", "natural_order"),
    )
    top = "model/inference"
    case.pair(f"{top}/embedding", "char_embedding/embeddings", (149, 256), "Embedding")
    _layer(case, f"{top}/prenet/dense_1", "encoder_prenet/fc_0", (256, 256))
    _layer(case, f"{top}/prenet/dense_2", "encoder_prenet/fc_1", (256, 128))
    _bank(case, f"{top}/encoder_cbhg", "encoder_cbhg", (16, 128, (128, 128)))
    case.pair(f"{top}/memory_layer/kernel", "attention/memory/kernel", (256, 256), "Dense")
    wrapper = f"{top}/decoder/output_projection_wrapper"
    cells = f"{wrapper}/multi_rnn_cell"
    first = f"{cells}/cell_0/output_projection_wrapper"
    inner = f"{first}/concat_output_and_attention_wrapper/attention_wrapper"
    prenet = f"{inner}/decoder_prenet_wrapper"
    case.pair(
        f"{inner}/bahdanau_attention/query_layer/kernel",
        "attention/query/kernel",
        (256, 256),
        "Dense",
    )
    case.pair(f"{inner}/bahdanau_attention/attention_v", "attention/v", (256,))
    _layer(case, f"{prenet}/prenet/dense_1", "decoder_prenet/fc_0", (336, 256))
    _layer(case, f"{prenet}/prenet/dense_2", "decoder_prenet/fc_1", (256, 128))
    targets = keras_rnn(case, "attention_rnn", (128, 256), kind="GRU", cell="")
    fused_gru(case, f"{prenet}/gru_cell", targets, (128, 256))
    _layer(case, first, "decoder_input", (512, 256))
    for number in (1, 2):
        targets = keras_rnn(case, f"decoder_rnn_{number - 1}", (256, 256), kind="GRU", cell="")
        fused_gru(case, f"{cells}/cell_{number}/gru_cell", targets, (256, 256))
    _layer(case, wrapper, "mel_projection", (256, 400))
    _bank(case, f"{top}/post_cbhg", "post_cbhg", (8, 80, (256, 80)))
    _layer(case, f"{top}/dense", "linear_projection", (256, 1025))
    return _finish(case, prefix="optimizer/")


def _tacotron2() -> Case:
    case = Case(
        name="rayhane_tacotron2__keras3",
        provenance="names listed from Rayhane-mamah/Tacotron-2 tacotron/models (modules.py, "
        "attention.py); target a Keras 3 subclass written for this case",
        truth_basis="rule: scopes and numbers; LSTM gates (i, j, f, o) to (i, f, c, o)",
        tags=("audio", "rnn", "lstm", "gate_order", "slots"),
    )
    top = "Tacotron_model/inference"
    case.pair(f"{top}/inputs_embedding", "embedding/embeddings", (66, 512), "Embedding")
    widths = ((512, 512), (512, 512), (512, 512))
    _stack(case, f"{top}/encoder_convolutions", "encoder_convolutions", "encoder_conv", widths)
    for way, new in (("fw", "forward"), ("bw", "backward")):
        targets = keras_rnn(case, f"encoder_rnn/{new}_lstm", (512, 256))
        name = f"{top}/encoder_LSTM/bidirectional_rnn/{way}/encoder_{way}_LSTM"
        fused_lstm(case, (f"{name}/kernel", f"{name}/bias"), targets, (512, 256))
    case.pair(f"{top}/memory_layer/kernel", "attention/memory/kernel", (512, 128), "Dense")
    decoder = f"{top}/decoder"
    attention = f"{decoder}/Location_Sensitive_Attention"
    case.pair(f"{attention}/query_layer/kernel", "attention/query/kernel", (1024, 128), "Dense")
    _layer(
        case,
        f"{attention}/location_features_convolution",
        "attention/location_conv",
        (31, 1, 32),
        "Conv1D",
    )
    name = f"{attention}/location_features_layer/kernel"
    case.pair(name, "attention/location_dense/kernel", (32, 128), "Dense")
    case.pair(f"{attention}/attention_variable_projection", "attention/v", (128,))
    case.pair(f"{attention}/attention_bias", "attention/bias", (128,))
    _layer(case, f"{decoder}/decoder_prenet/dense_1", "prenet/dense", (80, 256))
    _layer(case, f"{decoder}/decoder_prenet/dense_2", "prenet/dense_1", (256, 256))
    for number, inputs in ((1, 768), (2, 1024)):
        new = f"decoder_lstm_{number - 1}"
        targets = keras_rnn(case, new, (inputs, 1024), cell="")
        name = f"{decoder}/decoder_LSTM/multi_rnn_cell/cell_{number - 1}/decoder_LSTM_{number}"
        fused_lstm(case, (f"{name}/kernel", f"{name}/bias"), targets, (inputs, 1024))
    for name, new, width in (("linear_transform", "frame", 80), ("stop_token", "stop", 1)):
        scope = f"{decoder}/{name}_projection/projection_{name}_projection"
        _layer(case, scope, f"{new}_projection", (1536, width))
    widths = ((80, 512), *(((512, 512),) * 4))
    _stack(case, f"{top}/postnet_convolutions", "postnet_convolutions", "postnet_conv", widths)
    _layer(
        case, f"{top}/postnet_projection/projection_postnet_projection", "mel_residual", (512, 80)
    )
    return _finish(case, prefix="Tacotron_model/optimizer/")


def _stack(case: Case, scope: str, word: str, path: str, widths: Sequence[tuple[int, int]]) -> None:
    for number, (inputs, out) in enumerate(widths, 1):
        name = f"{scope}/conv_layer_{number}_{word}"
        _layer(case, f"{name}/conv1d", f"{path}_{number}", (5, inputs, out), "Conv1D")
        _norm(case, f"{name}/batch_normalization", f"{path}_{number}_bn", out)


def _deepspeech() -> Iterator[Case]:
    case = Case(
        name="deepspeech_h1_b1_birnn__keras3",
        provenance="mozilla/DeepSpeech DeepSpeech.py of 2017: h1, b1 ..., bidirectional BasicLSTM; "
        "target a Keras 3 functional model",
        truth_basis="rule: layer numbers; layer 4 is the recurrent one",
        tags=("audio", "rnn", "lstm", "gate_order", "slots", "terse_names"),
    )
    shapes = {1: (494, 512), 2: (512, 512), 3: (512, 1024), 5: (1024, 512), 6: (512, 29)}
    for number in (1, 2, 3):
        case.pair(f"h{number}", f"dense_{number}/kernel", shapes[number], "Dense")
        case.pair(f"b{number}", f"dense_{number}/bias", shapes[number][-1:], "Dense")
    for way, new in (("fw", "forward"), ("bw", "backward")):
        targets = keras_rnn(case, f"bidirectional/{new}_lstm", (1024, 512))
        name = f"bidirectional_rnn/{way}/basic_lstm_cell"
        fused_lstm(case, (f"{name}/weights", f"{name}/biases"), targets, (1024, 512))
    for number in (5, 6):
        case.pair(f"h{number}", f"dense_{number}/kernel", shapes[number], "Dense")
        case.pair(f"b{number}", f"dense_{number}/bias", shapes[number][-1:], "Dense")
    yield _finish(case)
    case = Case(
        name="deepspeech_07_cudnn_compatible__keras3",
        provenance="mozilla/DeepSpeech 0.7: layer_N/weights and bias, CuDNN-compatible LSTM cell "
        "(forget bias is in the file); Adam; target a Keras 3 Sequential, other alphabet size",
        truth_basis="rule: layer numbers; the last layer has 29 outputs there and 33 here",
        tags=("audio", "rnn", "lstm", "gate_order", "slots", "other_head", "same_shape"),
    )
    for number, inputs in ((1, 494), (2, 2048), (3, 2048)):
        _weights(case, f"layer_{number}", f"speech/dense{f'_{number - 1}' * (number > 1)}", inputs)
    targets = keras_rnn(case, "speech/lstm", (2048, 2048))
    name = "cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell"
    sizes = (2048, 2048)
    fused_lstm(case, (f"{name}/kernel", f"{name}/bias"), targets, sizes, forget=False)
    _weights(case, "layer_5", "speech/dense_3", 2048)
    case.target("speech/dense_4/kernel", (2048, 33), "Dense")
    case.target("speech/dense_4/bias", (33,), "Dense")
    head = [case.source("layer_6/weights", (2048, 29)), case.source("layer_6/bias", (29,))]
    case.slots(ADAM, head)
    case.source("learning_rate")
    yield _finish(case)


def _weights(case: Case, name: str, path: str, inputs: int) -> None:
    case.pair(f"{name}/weights", f"{path}/kernel", (inputs, 2048), "Dense")
    case.pair(f"{name}/bias", f"{path}/bias", (2048,), "Dense")


def _opaque() -> Case:
    case = Case(
        name="deepspeech_06_cudnn_opaque__keras3",
        provenance="a CudnnLSTM saved as one opaque parameter block (cudnn_lstm/opaque_kernel) beside named dense layers as in mozilla/DeepSpeech; target Keras 3",
        truth_basis="rule: layer numbers; the opaque block is not judged",
        tags=("audio", "rnn", "opaque", "slots"),
    )
    shapes = {1: (494, 512), 2: (512, 512), 3: (512, 512), 5: (512, 512), 6: (512, 29)}
    for number, shape in shapes.items():
        case.pair(f"layer_{number}/weights", f"dense_{number}/kernel", shape, "Dense")
        case.pair(f"layer_{number}/bias", f"dense_{number}/bias", shape[1:], "Dense")
        if number == 3:
            targets = keras_rnn(case, "lstm_4", (512, 512))
    block = case.source("cudnn_lstm/opaque_kernel", (8 * 512 * 512 + 8 * 512,))
    case.dont_care = {"targets": [*targets], "sources": [block]}
    case.slots(ADAM, [block])
    return _finish(case)


def _waveunet() -> Case:
    case = Case(
        name="f90_waveunet__keras3",
        provenance="f90/Wave-U-Net Models/UnetAudioSeparator.py (tf.layers numbers 25 convolutions "
        "in one scope, difference output), two Adam solvers; target Keras 3 down_, up_",
        truth_basis="rule: creation numbers: 12 down, 1 middle, 12 up, 1 output",
        tags=("audio", "auto_numbered", "natural_order", "slots"),
    )
    depth, base, names = 12, 24, []
    widths = [1, *(base * n for n in range(1, depth + 2))]
    for number in range(depth + 1):
        path = f"down_{number}" if number < depth else "middle"
        names.append((path, (15, widths[number], widths[number + 1])))
    for step in range(depth):
        level = depth - step
        names.append((f"up_{step}", (5, widths[level + 1] + widths[level], widths[level])))
    names.append(("output_vocals", (1, base + 1, 1)))
    for number, (path, shape) in enumerate(names):
        name = f"separator/conv1d_{number}" if number else "separator/conv1d"
        _layer(case, name, f"{path}/conv", shape, "Conv1D")
    return _finish(case, prefix="separator_solver/")


def _kapre() -> Case:
    case = Case(
        name="kapre_music_tagger_h5__keras3",
        provenance="Keras 2 file of a CNN over keunwoochoi/kapre Melspectrogram (time_frequency.py: "
        "real and imaginary DFT kernels, freq2mel); target a Keras 3 front end of its own",
        truth_basis="rule: real and imaginary by name, the layers by order and number",
        source_format="keras_h5",
        order="file",
        tags=("audio", "auto_numbered", "same_shape"),
    )
    for leaf, path in (("real_kernels", "dft_real"), ("imag_kernels", "dft_imag")):
        case.pair(
            f"melspectrogram_1/{leaf}", f"mel_frontend/{path}", (512, 1, 1, 257), "MelFrontend"
        )
    case.pair("melspectrogram_1/Variable", "mel_frontend/mel_filters", (257, 96), "MelFrontend")
    channels = 1
    for number, width in enumerate((32, 128, 128, 192, 256), 1):
        last = f"_{number - 1}" if number > 1 else ""
        _layer(case, f"conv2d_{number}", f"conv2d{last}", (3, 3, channels, width), "Conv2D")
        _norm(case, f"batch_normalization_{number}", f"batch_normalization{last}", width)
        channels = width
    _layer(case, "dense_1", "dense", (256, 50))
    return case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    yield from _wavenets()
    yield _tacotron1()
    yield _tacotron2()
    yield from _deepspeech()
    yield _opaque()
    yield _waveunet()
    yield _kapre()
