# ruff: noqa: E501 - tables with long rows
"""Agents, generators and small traps: copies of networks, shadows, other heads, off-by-one names.

Naming after awjuliani/DeepRL-Agents A3C, deepmind/scalable_agent ``experiment.py``,
pemami4911/deep-rl, hardmaru/WorldModelsExperiments, tfhub.dev BigGAN-deep, openai/glow ``model.py``,
ericjang/draw, tarvaija/mean-teacher, BVLC/caffe layers, tensorlayer 1.x ``layers`` and keras-team/keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.draft import Draft, third, together
from scripts.mapping_cases.rnn_cells import fused_lstm, keras_rnn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case

END = "/.ATTRIBUTES/VARIABLE_VALUE"


def _workers() -> Iterator[Draft]:
    """Yield the shared network of A3C beside four copies; the target is one worker by name."""
    for word, scope in (("global", "global_network"), ("worker_2", "worker2_network")):
        draft = Draft(
            name=f"a3c_global_and_workers__keras3_{word}",
            provenance=f"awjuliani/DeepRL-Agents A3C-Doom scopes (global, worker_0..3; Conv, Conv_1, fully_connected_1); target Keras 3 {scope}",
            truth_basis="rule: the scope says which copy; Conv numbers; the policy has four outputs, the value one",
            tags=("rl", "copies", "fused_lstm", "slots"),
        )
        for copy in ("global", "worker_0", "worker_1", "worker_2", "worker_3"):
            if copy == word:
                draft.dense(
                    f"{copy}/Conv",
                    f"{scope}/conv_a",
                    (8, 8, 1, 16),
                    "weights biases",
                    layer="Conv2D",
                )
                draft.dense(
                    f"{copy}/Conv_1",
                    f"{scope}/conv_b",
                    (4, 4, 16, 32),
                    "weights biases",
                    layer="Conv2D",
                )
                draft.dense(
                    f"{copy}/fully_connected", f"{scope}/hidden", (2592, 256), "weights biases"
                )
                cell = f"{copy}/rnn/basic_lstm_cell"
                fused_lstm(
                    draft,
                    (f"{cell}/kernel", f"{cell}/bias"),
                    keras_rnn(draft, f"{scope}/memory", (256, 256)),
                    (256, 256),
                )
                draft.dense(
                    f"{copy}/fully_connected_1", f"{scope}/policy", (256, 4), "weights", "kernel"
                )
                draft.dense(
                    f"{copy}/fully_connected_2", f"{scope}/value", (256, 1), "weights", "kernel"
                )
            else:
                for name, shape in (
                    ("Conv", (8, 8, 1, 16)),
                    ("Conv_1", (4, 4, 16, 32)),
                    ("fully_connected", (2592, 256)),
                ):
                    draft.source(f"{copy}/{name}/weights", shape)
                    draft.source(f"{copy}/{name}/biases", shape[-1:])
                draft.source(f"{copy}/rnn/basic_lstm_cell/kernel", (512, 1024))
                draft.source(f"{copy}/rnn/basic_lstm_cell/bias", (1024,))
                draft.source(f"{copy}/fully_connected_1/weights", (256, 4))
                draft.source(f"{copy}/fully_connected_2/weights", (256, 1))
        draft.slots_of_all(("/Adam", "/Adam_1"), keep=lambda name: name.startswith("global/"))
        draft.source("global_episodes", (), "int32")
        yield draft


def _impala() -> Iterator[Draft]:
    """Yield the deep network of IMPALA in Sonnet names."""
    draft = Draft(
        name="impala_sonnet_rmsprop__keras3_sections",
        provenance="deepmind/scalable_agent experiment.py (convnet/downscale_0/conv_2d, residual_0_1/conv_2d_1, lstm/w_gates, policy_logits, baseline); target Keras 3",
        truth_basis="rule: section, block and layer numbers; Sonnet gates i, j, f, o",
        tags=("rl", "sonnet", "fused_lstm", "same_shape", "slots"),
    )
    width = 3
    for section, out in enumerate((16, 32, 32)):
        base = "agent/batch_apply/convnet"
        draft.dense(
            f"{base}/downscale_{section}/conv_2d",
            f"torso/section{section + 1}/conv",
            (3, 3, width, out),
            "w b",
            layer="Conv2D",
        )
        for block in range(2):
            for layer, word in enumerate(("conv_2d", "conv_2d_1")):
                draft.dense(
                    f"{base}/residual_{section}_{block}/{word}",
                    f"torso/section{section + 1}/res{block + 1}/conv{layer + 1}",
                    (3, 3, out, out),
                    "w b",
                    layer="Conv2D",
                )
        width = out
    draft.dense("agent/batch_apply/convnet/linear", "torso/project", (3456, 256), "w b")
    fused_lstm(
        draft,
        ("agent/lstm/w_gates", "agent/lstm/b_gates"),
        keras_rnn(draft, "core", (266, 256)),
        (266, 256),
    )
    draft.dense("agent/batch_apply_1/policy_logits", "heads/policy", (256, 9), "w b")
    draft.dense("agent/batch_apply_1/baseline", "heads/value", (256, 1), "w b")
    draft.slots_of_all(("/RMSProp", "/RMSProp_1"))
    draft.source("num_environment_frames", (), "int64")
    yield draft


def _numbered_copies() -> Iterator[Draft]:
    """Yield an actor twice in automatic numbers: the file does not say which is the target network."""
    draft = Draft(
        name="ddpg_tflearn_numbered_copies__keras3_actor_unresolvable",
        provenance="pemami4911/deep-rl ddpg.py (tflearn FullyConnected ... FullyConnected_5 for the actor and its target network); target Keras 3 actor",
        truth_basis="construction: two copies of one shape; the names hold numbers only and the target one copy",
        tags=("rl", "copies", "unresolvable"),
    )
    for layer, (inputs, out) in enumerate(((3, 400), (400, 300), (300, 1))):
        for leaf, want, shape in (("W", "kernel", (inputs, out)), ("b", "bias", (out,))):
            target = draft.target(f"actor/dense_{layer}/{want}", shape, "Dense")
            names = [
                draft.source(f"FullyConnected{f'_{n}' if n else ''}/{leaf}", shape)
                for n in (layer, layer + 3)
            ]
            draft.tie([target], names, "online or target network")
        if layer < 2:
            for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
                target = draft.target(f"actor/norm_{layer}/{leaf}", (out,), "BatchNormalization")
                names = [
                    draft.source(f"BatchNormalization{f'_{n}' if n else ''}/{leaf}", (out,))
                    for n in (layer, layer + 2)
                ]
                draft.tie([target], names, "online or target network")
    yield draft


def _world() -> Iterator[Draft]:
    """Yield a world model: a VAE and a mixture density network in one file."""
    draft = Draft(
        name="world_models_vae_mdn_rnn__keras3",
        provenance="hardmaru/WorldModelsExperiments (conv_vae/enc_conv1, enc_fc_mu, dec_deconv1; mdn_rnn/RNN/output_w, rnn/lstm_cell); target Keras 3",
        truth_basis="rule: numbers and words of both parts; mu and log_var by name",
        tags=("rl", "vae", "fused_lstm", "twins"),
    )
    for number, (inputs, out) in enumerate(((3, 32), (32, 64), (64, 128), (128, 256)), 1):
        draft.dense(
            f"conv_vae/enc_conv{number}",
            f"vae/encoder/conv_{number - 1}",
            (4, 4, inputs, out),
            layer="Conv2D",
        )
    for name, path in (("enc_fc_mu", "z_mean"), ("enc_fc_log_var", "z_log_var")):
        draft.dense(f"conv_vae/{name}", f"vae/encoder/{path}", (1024, 32))
    draft.dense("conv_vae/dec_fc", "vae/decoder/project", (32, 1024))
    for number, (size, out, inputs) in enumerate(
        ((5, 128, 1024), (5, 64, 128), (6, 32, 64), (6, 3, 32)), 1
    ):
        draft.fill(
            f"conv_vae/dec_deconv{number}/kernel",
            f"vae/decoder/deconv_{number - 1}/kernel",
            (size, size, out, inputs),
            "Conv2DTranspose",
        )
        draft.fill(
            f"conv_vae/dec_deconv{number}/bias",
            f"vae/decoder/deconv_{number - 1}/bias",
            (out,),
            "Conv2DTranspose",
        )
    cell = "mdn_rnn/RNN/rnn/lstm_cell"
    fused_lstm(
        draft,
        (f"{cell}/kernel", f"{cell}/bias"),
        keras_rnn(draft, "dream/lstm", (35, 256)),
        (35, 256),
    )
    draft.fill("mdn_rnn/RNN/output_w", "dream/mixture/kernel", (256, 480), "Dense")
    draft.fill("mdn_rnn/RNN/output_b", "dream/mixture/bias", (480,), "Dense")
    draft.adam_of_all()
    yield draft


def _shadows() -> Iterator[Draft]:
    """Yield a generator with raw values and shadows of another spelling, spectral vectors beside."""
    draft = Draft(
        name="biggan_hub_ema_suffix__keras3_generator",
        provenance="tfhub.dev deepmind/biggan-deep (Generator/GBlock_2/conv1/w/ema_b999900, u0, HyperBN/gamma/w); target Keras 3 generator without spectral vectors",
        truth_basis="rule: block numbers; the shadow and the raw value both are complete answers",
        source_format="tf1_ckpt",
        tags=("gan", "ema", "alternatives", "same_shape"),
    )
    draft.fill("Generator/embedding/w", "generator/class_embedding/kernel", (1000, 128), "Dense")
    draft.fill("Generator/GenZ/G_linear/w", "generator/project/kernel", (148, 1536), "Dense")
    draft.fill("Generator/GenZ/G_linear/b", "generator/project/bias", (1536,), "Dense")
    for block in range(5):
        name, path = f"Generator/GBlock{f'_{block}' if block else ''}", f"generator/block{block}"
        for conv, shape in (
            ("conv0", (1, 1, 96, 24)),
            ("conv1", (3, 3, 24, 24)),
            ("conv2", (3, 3, 24, 24)),
            ("conv3", (1, 1, 24, 96)),
        ):
            number = conv[-1]
            bn = f"HyperBN{f'_{number}' if number != '0' else ''}"
            for leaf in ("gamma", "beta"):
                draft.fill(
                    f"{name}/{bn}/{leaf}/w",
                    f"{path}/cond_norm{number}/{leaf}_kernel",
                    (148, shape[2]),
                    "ConditionalNorm",
                )
            draft.fill(f"{name}/{conv}/w", f"{path}/{conv}/kernel", shape, "Conv2D")
            draft.fill(f"{name}/{conv}/b", f"{path}/{conv}/bias", shape[3:], "Conv2D")
    draft.fill("Generator/conv_2d/w", "generator/to_rgb/kernel", (3, 3, 96, 3), "Conv2D")
    draft.fill("Generator/conv_2d/b", "generator/to_rgb/bias", (3,), "Conv2D")
    raw = list(draft.sources)
    for name in raw:
        draft.source(f"{name}/ema_b999900", draft.sources[name]["shape"])
        if name.endswith("/w"):
            draft.source(f"{name[:-2]}/u0", (1, draft.sources[name]["shape"][-1]))
    draft.alternatives.append(
        {
            "why": "shadows instead of raw values",
            "truth": [{**e, "source": f"{e['source']}/ema_b999900"} for e in draft.truth],
        }
    )
    yield draft


def _flow() -> Iterator[Draft]:
    """Yield Glow: square 1x1 convolutions of which each level has many."""
    draft = Draft(
        name="glow_levels_steps__keras3_flow",
        provenance="openai/glow model.py (model/0/12/actnorm, invconv/W, f1/l_1); target Keras 3 flow_<level>/step_<n>",
        truth_basis="rule: level and step numbers in natural order",
        tags=("flow", "same_shape", "natural_order", "square", "slots"),
    )
    for level in range(2):
        channels = 12 << level
        for step in range(11):
            name, path = f"model/{level}/{step}", f"flow_{level}/step_{step}"
            for leaf, want in (("actnorm_center/b", "bias"), ("actnorm_scale/logs", "log_scale")):
                draft.fill(
                    f"{name}/{leaf}", f"{path}/act_norm/{want}", (1, 1, 1, channels), "ActNorm"
                )
            draft.fill(
                f"{name}/invconv/W",
                f"{path}/invertible_conv/kernel",
                (channels, channels),
                "InvConv",
                want=(1, 1, channels, channels),
            )
            for layer, want, shape in (
                ("l_1", "in", (3, 3, channels // 2, 32)),
                ("l_2", "mid", (1, 1, 32, 32)),
                ("l_last", "out", (3, 3, 32, channels)),
            ):
                draft.fill(
                    f"{name}/f1/{layer}/W", f"{path}/coupling/{want}/kernel", shape, "Conv2D"
                )
            draft.fill(f"{name}/f1/l_last/b", f"{path}/coupling/out/bias", (channels,), "Conv2D")
    draft.slots_of_all(("/Adamax", "/Adamax_1"))
    yield draft


def _attentive() -> Iterator[Draft]:
    """Yield DRAW: twin projections that words alone tell apart."""
    draft = Draft(
        name="draw_lstm_attention__keras3_renamed",
        provenance="ericjang/draw draw.py (encoder/lstm_cell, mu/w, sigma/w, read/w, writeW/w, write/w); target Keras 3",
        truth_basis="rule: encoder/decoder and the words; mu is the mean, sigma the log deviation",
        tags=("generative", "fused_lstm", "twins"),
    )
    for name, path, sizes in (
        ("encoder", "enc_rnn", (306, 256)),
        ("decoder", "dec_rnn", (10, 256)),
    ):
        fused_lstm(
            draft,
            (f"{name}/lstm_cell/kernel", f"{name}/lstm_cell/bias"),
            keras_rnn(draft, path, sizes),
            sizes,
        )
    for name, path, out in (
        ("mu", "z_mean", 10),
        ("sigma", "z_log_sigma", 10),
        ("read", "read_window", 5),
        ("write", "write_window", 5),
        ("writeW", "write_patch", 25),
    ):
        draft.dense(name, path, (256, out), "w b")
    draft.adam_of_all()
    yield draft


def _teachers() -> Iterator[Draft]:
    """Yield student and teacher of one shape: told by name, and not told."""
    for told in (True, False):
        mine, other = ("student", "teacher") if told else ("net_a", "net_b")
        path = "student_model" if told else "classifier"
        draft = Draft(
            name=f"mean_teacher__keras3_{'student' if told else 'one_of_two_unresolvable'}",
            provenance=f"tarvaija/mean-teacher style ({mine}/conv1a and {other}/conv1a); target Keras 3 {path}",
            truth_basis="rule: the scope names the copy"
            if told
            else "construction: nothing says which of two copies",
            tags=("copies", "twins", *(() if told else ("unresolvable",))),
        )
        width = 3
        for layer, out in (("1a", 96), ("1b", 96), ("1c", 96), ("2a", 192), ("2b", 192)):
            shape = (3, 3, width, out)
            for leaf, want, dims in (("W", "kernel", shape), ("b", "bias", (out,))):
                target = draft.target(f"{path}/conv_{layer}/{want}", dims, "Conv2D")
                names = [
                    draft.source(f"{scope}/conv{layer}/{leaf}", dims) for scope in (mine, other)
                ]
                if told:
                    draft.edge(names[0], target)
                else:
                    draft.tie([target], names, "one copy wanted, two in the file")
            width = out
        yield draft


def _shifted() -> Iterator[Draft]:
    """Yield equal names that are wrong: the file counts from zero, the target from one."""
    draft = Draft(
        name="equal_names_shifted_by_one__keras3",
        provenance="hand-written TensorFlow 1 scopes conv0..conv9, fc0..fc2; a Keras 3 port that counts from one",
        truth_basis="construction: the whole sequences have equal length and their ends fit only with a shift of one",
        tags=("off_by_one", "trap_equal_names", "same_shape"),
    )
    width = 3
    for number in range(10):
        out = 64 if number == 9 else 32
        draft.dense(
            f"net/conv{number}", f"net/conv{number + 1}", (3, 3, width, out), "w b", layer="Conv2D"
        )
        width = out
    for number, (inputs, out) in enumerate(((1024, 128), (128, 128), (128, 10))):
        draft.dense(f"net/fc{number}", f"net/fc{number + 1}", (inputs, out), "w b")
    draft.slots_of_all(("/Momentum",))
    yield draft


def _removed() -> Iterator[Draft]:
    """Yield a stack of equal layers of which the target lacks one without saying which."""
    draft = Draft(
        name="removed_layer_auto_numbered__equal_stack_unresolvable",
        provenance="tf.layers automatic numbers dense ... dense_7 under model_fn; a Keras 3 target with one hidden layer less",
        truth_basis="construction: the ends by shape; which of the six equal layers was removed is not said",
        tags=("removed", "auto_numbered", "unresolvable"),
    )
    draft.dense("dense", "dense", (20, 64))
    hidden = [
        (draft.source(f"dense_{n}/kernel", (64, 64)), draft.source(f"dense_{n}/bias", (64,)))
        for n in range(1, 7)
    ]
    wanted = [
        (
            draft.target(f"dense_{n}/kernel", (64, 64), "Dense"),
            draft.target(f"dense_{n}/bias", (64,), "Dense"),
        )
        for n in range(1, 6)
    ]
    draft.dense("dense_7", "dense_6", (64, 3))
    for index in range(2):
        draft.tie([w[index] for w in wanted], [h[index] for h in hidden], "six layers, five places")
    draft.adam_of_all()
    yield draft


def _tasks() -> Iterator[Draft]:
    """Yield heads in another order, one of another task of the same size."""
    draft = Draft(
        name="multi_task_heads_permuted__keras3_new_task",
        provenance="shared trunk with heads head_color, head_material, head_brand of 16 classes in a TensorFlow 1 file; target Keras 3 in another order, brand replaced by season",
        truth_basis="rule: words of the heads; season has no source, brand is left over",
        tags=("multitask", "permuted", "trap_head", "same_shape"),
    )
    for number, (inputs, out) in enumerate(((3, 32), (32, 64), (64, 64)), 1):
        draft.dense(
            f"trunk/conv{number}", f"trunk/conv2d_{number}", (3, 3, inputs, out), layer="Conv2D"
        )
    draft.dense("trunk/fc", "trunk/embedding", (1600, 256))
    draft.target("season_logits/kernel", (256, 16), "Dense")
    draft.target("season_logits/bias", (16,), "Dense")
    for word in ("material", "color"):
        draft.dense(f"head_{word}/fc", f"{word}_logits", (256, 16))
    draft.source("head_brand/fc/kernel", (256, 16))
    draft.source("head_brand/fc/bias", (16,))
    draft.adam_of_all()
    yield draft


def _caffe() -> Iterator[Draft]:
    """Yield Caffe blobs: squares among transposed inner products, scale and bn in two layers."""
    draft = Draft(
        name="caffe_blobs_npz_square_ip__keras3",
        provenance="BVLC/caffe blobs dumped as <layer>/0, <layer>/1 (Convolution OIHW, InnerProduct (out, in), Scale gamma and beta); target Keras 3",
        truth_basis="rule: every InnerProduct is (out, in), squares as well; the first reads 50 x 4 x 4 flattened channels first; Convolution is OIHW, squares as well",
        source_format="npz",
        order="none",
        tags=("transposed", "square", "trap_square"),
    )
    width = 1
    for number, out in enumerate((20, 50), 1):
        draft.fill(
            f"conv{number}/0",
            f"conv{number}/kernel",
            (out, width, 5, 5),
            "Conv2D",
            want=(5, 5, width, out),
            transform="transpose:2,3,1,0",
        )
        draft.fill(f"conv{number}/1", f"conv{number}/bias", (out,), "Conv2D")
        draft.fill(f"scale{number}/0", f"affine{number}/gamma", (out,), "Affine")
        draft.fill(f"scale{number}/1", f"affine{number}/beta", (out,), "Affine")
        width = out
    flattened = "reshape:500,50,4,4|transpose:2,3,1,0|reshape"
    for number, (inputs, out) in enumerate(((800, 500), (500, 500), (500, 500), (500, 10)), 1):
        draft.fill(
            f"ip{number}/0",
            f"ip{number}/kernel",
            (out, inputs),
            "Dense",
            want=(inputs, out),
            transform=flattened if number == 1 else "transpose:1,0",
        )
        draft.fill(f"ip{number}/1", f"ip{number}/bias", (out,), "Dense")
    yield draft


def _fused_squares() -> Iterator[Draft]:
    """Yield a transformer of another system whose fused projection is cut and turned."""
    draft = Draft(
        name="torch_encoder_in_proj_square_out__keras3_dense",
        provenance="torch.nn.TransformerEncoderLayer names (in_proj_weight, out_proj.weight, linear1.weight, norm1.weight); target Keras 3 with query/key/value Dense",
        truth_basis="rule: in_proj is query, key, value by rows; every Linear is (out, in), the square out_proj as well; an embedding is not turned",
        source_format="npz",
        order="file",
        tags=("transposed", "square", "fused_qkv", "trap_square"),
    )
    size = 64
    draft.fill("embed.weight", "token_embedding/embeddings", (64, size), "Embedding")
    for layer in range(3):
        name, path = f"encoder.layers.{layer}", f"encoder_{layer}"
        weight = draft.source(f"{name}.self_attn.in_proj_weight", (3 * size, size))
        bias = draft.source(f"{name}.self_attn.in_proj_bias", (3 * size,))
        for index, want in enumerate(("query", "key", "value")):
            spot = f"{path}/attention/{want}"
            draft.edge(
                weight,
                draft.target(f"{spot}/kernel", (size, size), "Dense"),
                third(index, size, 0, then="transpose:1,0"),
            )
            draft.edge(bias, draft.target(f"{spot}/bias", (size,), "Dense"), third(index, size, 0))
        for leaf, want, inputs, out in (
            ("self_attn.out_proj", "attention/output", size, size),
            ("linear1", "ffn/inner", size, 128),
            ("linear2", "ffn/outer", 128, size),
        ):
            draft.fill(
                f"{name}.{leaf}.weight",
                f"{path}/{want}/kernel",
                (out, inputs),
                "Dense",
                want=(inputs, out),
                transform="transpose:1,0",
            )
            draft.fill(f"{name}.{leaf}.bias", f"{path}/{want}/bias", (out,), "Dense")
        for number in (1, 2):
            draft.fill(
                f"{name}.norm{number}.weight",
                f"{path}/norm_{number}/gamma",
                (size,),
                "LayerNormalization",
            )
            draft.fill(
                f"{name}.norm{number}.bias",
                f"{path}/norm_{number}/beta",
                (size,),
                "LayerNormalization",
            )
    draft.fill(
        "classifier.weight",
        "classifier/kernel",
        (5, size),
        "Dense",
        want=(size, 5),
        transform="transpose:1,0",
    )
    draft.fill("classifier.bias", "classifier/bias", (5,), "Dense")
    yield draft


def _object_lists() -> Iterator[Draft]:
    """Yield list attributes of a subclassed model, twelve blocks."""
    draft = Draft(
        name="subclassed_list_attributes_ckpt__keras3_blocks",
        provenance="tf.train.Checkpoint(model=...) of a subclassed model with lists (model/blocks/10/convs/1/kernel); target Keras 3 functional, block_<n>/conv_<m>, twelve blocks",
        truth_basis="rule: list indices in natural order; the attribute names of the stem and the head",
        source_format="tf2_ckpt",
        tags=("object_graph", "natural_order", "same_shape", "lists"),
    )
    draft.source("_CHECKPOINTABLE_OBJECT_GRAPH", (), "string")
    draft.source(f"save_counter{END}", (), "int64")
    draft.fill(f"model/stem/kernel{END}", "stem/kernel", (7, 3, 48), "Conv1D")
    draft.fill(f"model/stem/bias{END}", "stem/bias", (48,), "Conv1D")
    for block in range(12):
        for conv in range(2):
            name, path = f"model/blocks/{block}", f"block_{block + 1}"
            draft.fill(
                f"{name}/convs/{conv}/kernel{END}",
                f"{path}/conv_{conv + 1}/kernel",
                (3, 48, 48),
                "Conv1D",
            )
            draft.fill(
                f"{name}/convs/{conv}/bias{END}", f"{path}/conv_{conv + 1}/bias", (48,), "Conv1D"
            )
            for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
                draft.fill(
                    f"{name}/norms/{conv}/{leaf}{END}",
                    f"{path}/norm_{conv + 1}/{leaf}",
                    (48,),
                    "BatchNormalization",
                    trainable=not leaf.startswith("moving"),
                )
    draft.fill(f"model/head/kernel{END}", "head/kernel", (48, 6), "Dense")
    draft.fill(f"model/head/bias{END}", "head/bias", (6,), "Dense")
    for name, row in list(draft.sources.items()):
        if name.startswith("model/") and "moving" not in name:
            for slot in ("m", "v"):
                draft.source(
                    f"{name.removesuffix(END)}/.OPTIMIZER_SLOT/optimizer/{slot}{END}", row["shape"]
                )
    draft.source(f"optimizer/iter{END}", (), "int64")
    yield draft


def cases() -> tuple[Case, ...]:
    """Return the cases of this family."""
    return together(
        _workers(),
        _impala(),
        _numbered_copies(),
        _world(),
        _shadows(),
        _flow(),
        _attentive(),
        _teachers(),
        _shifted(),
        _removed(),
        _tasks(),
        _caffe(),
        _fused_squares(),
        _object_lists(),
    )
