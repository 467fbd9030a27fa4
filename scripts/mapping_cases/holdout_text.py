# ruff: noqa: E501 - tables with long rows
"""Text, recommendation, graph and speech networks of further systems.

Naming after huggingface/transformers ``modeling_tf_distilbert.py``, kang205/SASRec ``modules.py``,
zhougr1993/DeepInterestNetwork, DeepGraphLearning/RecommenderSystems AutoInt, williamleif/GraphSAGE,
domluna/memn2n, syang1993/gst-tacotron, TensorSpeech/TensorFlowTTS FastSpeech and Chainer 5 ``links``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.draft import Draft, together
from scripts.mapping_cases.rnn_cells import fused_gru, keras_rnn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case


def _distilled() -> Iterator[Draft]:
    """Yield a student of BERT whose heads the target keeps apart."""
    draft = Draft(
        name="distilbert_h5__keras_hub_distilbert_backbone",
        provenance="huggingface/transformers TFDistilBertForSequenceClassification tf_model.h5; target keras-hub DistilBertBackbone, a layer less",
        truth_basis="rule: layer numbers, q/k/v/out_lin, lin1/lin2; the last layer and the classifier are left over",
        source_format="keras_h5",
        order="file",
        tags=("text", "split_heads", "same_shape", "removed"),
    )
    size, heads, wide = 96, 6, 384
    base = "tf_distil_bert_for_sequence_classification/distilbert"
    for name, path, rows in (
        ("word_embeddings/weight", "token_embedding/embeddings", 1200),
        ("position_embeddings/embeddings", "position_embedding/embeddings", 96),
    ):
        draft.fill(
            f"{base}/embeddings/{name}:0",
            f"token_and_position_embedding/{path}",
            (rows, size),
            "Embedding",
        )

    def norm(name: str, path: str) -> None:
        for leaf in ("gamma", "beta"):
            draft.fill(f"{name}/{leaf}:0", f"{path}/{leaf}", (size,), "LayerNormalization")

    norm(f"{base}/embeddings/LayerNorm", "embeddings_layer_norm")
    for layer in range(6):
        name, path = f"{base}/transformer/layer_._{layer}", f"transformer_layer_{layer}"
        for leaf, want in (("q_lin", "query"), ("k_lin", "key"), ("v_lin", "value")):
            spot = f"{path}/self_attention_layer/{want}"
            draft.fill(
                f"{name}/attention/{leaf}/kernel:0",
                f"{spot}/kernel",
                (size, size),
                "EinsumDense",
                want=(size, heads, size // heads),
            )
            draft.fill(
                f"{name}/attention/{leaf}/bias:0",
                f"{spot}/bias",
                (size,),
                "EinsumDense",
                want=(heads, size // heads),
            )
        spot = f"{path}/self_attention_layer/attention_output"
        draft.fill(
            f"{name}/attention/out_lin/kernel:0",
            f"{spot}/kernel",
            (size, size),
            "EinsumDense",
            want=(heads, size // heads, size),
        )
        draft.fill(f"{name}/attention/out_lin/bias:0", f"{spot}/bias", (size,), "EinsumDense")
        norm(f"{name}/sa_layer_norm", f"{path}/self_attention_layer_norm")
        for leaf, want, shape in (
            ("lin1", "intermediate", (size, wide)),
            ("lin2", "output", (wide, size)),
        ):
            draft.fill(
                f"{name}/ffn/{leaf}/kernel:0",
                f"{path}/feedforward_{want}_dense/kernel",
                shape,
                "Dense",
            )
            draft.fill(
                f"{name}/ffn/{leaf}/bias:0",
                f"{path}/feedforward_{want}_dense/bias",
                shape[1:],
                "Dense",
            )
        norm(f"{name}/output_layer_norm", f"{path}/feedforward_layer_norm")
    root = base.rpartition("/")[0]
    for head, out in (("pre_classifier", size), ("classifier", 2)):
        draft.source(f"{root}/{head}/kernel:0", (size, out))
        draft.source(f"{root}/{head}/bias:0", (out,))
    draft.drop_targets("transformer_layer_5/")
    yield draft


def _sequential() -> Iterator[Draft]:
    """Yield SASRec, whose normalizations are unnamed variables."""
    draft = Draft(
        name="sasrec_unnamed_norms__keras3_blocks",
        provenance="kang205/SASRec modules.py (dense/dense_1/dense_2 are query, key, value; ln/Variable, ln/Variable_1); target Keras 3",
        truth_basis="rule: block numbers, build order query/key/value of one attention; nothing in the file tells beta from gamma",
        tags=("recommendation", "unresolvable", "same_shape", "slots"),
    )
    size = 50
    draft.fill(
        "SASRec/input_embeddings/lookup_table",
        "item_embedding/embeddings",
        (801, size),
        "Embedding",
    )
    draft.fill(
        "SASRec/dec_pos/lookup_table", "position_embedding/embeddings", (200, size), "Embedding"
    )

    def norm(name: str, path: str) -> None:
        sources = [draft.source(f"{name}/{leaf}", (size,)) for leaf in ("Variable", "Variable_1")]
        targets = [
            draft.target(f"{path}/{leaf}", (size,), "LayerNormalization")
            for leaf in ("gamma", "beta")
        ]
        draft.tie(targets, sources, "beta and gamma have one shape and no name")

    for block in range(2):
        name, path = f"SASRec/num_blocks_{block}", f"block_{block}"
        norm(f"{name}/ln", f"{path}/attention_norm")
        for index, want in enumerate(("query", "key", "value")):
            word = f"_{index}" if index else ""
            draft.dense(
                f"{name}/self_attention/dense{word}", f"{path}/attention/{want}", (size, size)
            )
        norm(f"{name}/self_attention/ln", f"{path}/forward_norm")
        for index, want in enumerate(("inner", "outer")):
            word = f"_{index}" if index else ""
            draft.dense(
                f"{name}/multihead_attention/conv1d{word}",
                f"{path}/forward_{want}",
                (1, size, size),
                want=(size, size),
            )
    norm("SASRec/ln", "final_norm")
    draft.adam_of_all()
    yield draft


def _interest() -> Iterator[Draft]:
    """Yield the deep interest network: an attention of three layers beside a head of three."""
    draft = Draft(
        name="deep_interest_network_adagrad__keras3_renamed",
        provenance="zhougr1993/DeepInterestNetwork din/model.py (item_emb_w, item_b, f1_att, f1, b1); target Keras 3, words written out",
        truth_basis="rule: *_att is the attention; numbers; shapes",
        tags=("recommendation", "renamed", "slots"),
    )
    for name, path, shape in (
        ("user_emb_w", "user_embedding/embeddings", (900, 128)),
        ("item_emb_w", "item_embedding/embeddings", (700, 64)),
        ("cate_emb_w", "category_embedding/embeddings", (80, 64)),
        ("item_b", "item_bias/embeddings", (700,)),
    ):
        draft.fill(name, path, shape, "Embedding", want=(700, 1) if name == "item_b" else None)
    for number, (inputs, out) in enumerate(((512, 80), (80, 40), (40, 1)), 1):
        draft.dense(f"f{number}_att", f"attention_mlp/layer_{number}", (inputs, out))
    draft.norm("b1", "head_norm", 384)
    for number, (inputs, out) in enumerate(((384, 80), (80, 40), (40, 1)), 1):
        draft.dense(f"f{number}", f"head_mlp/layer_{number}", (inputs, out))
    draft.slots_of_all(("/Adagrad",))
    draft.source("global_step", (), "int64")
    draft.source("Variable", (), "int32")
    yield draft


def _interacting() -> Iterator[Draft]:
    """Yield AutoInt: four dense layers a block, numbered through the graph."""
    draft = Draft(
        name="autoint_auto_numbered_dense__keras3_attention_blocks",
        provenance="shichence/AutoInt model.py (Q, K, V and the residual are tf.layers.dense: dense ... dense_11); target Keras 3",
        truth_basis="construction: build order query, key, value, residual in each block; a fourth block of the target has no source",
        tags=("recommendation", "auto_numbered", "same_shape", "inserted"),
    )
    draft.fill("feature_embeddings", "field_embedding/embeddings", (2000, 16), "Embedding")
    for block in range(4):
        inputs = 16 if block == 0 else 64
        for index, want in enumerate(("query", "key", "value", "residual")):
            number = 4 * block + index
            draft.dense(
                f"dense{f'_{number}' if number else ''}",
                f"interacting_{block}/{want}",
                (inputs, 64),
            )
    draft.fill("prediction", "logit/kernel", (832, 1), "Dense")
    draft.fill("prediction_bias", "logit/bias", (), "Dense", want=(1,))
    draft.adam_of_all()
    draft.drop_sources(r"^dense_1[2-5]/")
    yield draft


def _graph() -> Iterator[Draft]:
    """Yield GraphSAGE: own and neighbor weights of one shape in each layer."""
    draft = Draft(
        name="graphsage_self_neighbor_adam__keras3",
        provenance="williamleif/GraphSAGE meanaggregator_1_vars/neigh_weights, self_weights, dense_1_vars; target Keras 3",
        truth_basis="rule: neigh/self are told by name; aggregator numbers",
        tags=("graph", "same_shape", "slots", "off_by_one"),
    )
    for number, inputs in ((1, 64), (2, 256), (3, 256)):
        for leaf, want in (("neigh_weights", "neighbour"), ("self_weights", "own")):
            draft.fill(
                f"meanaggregator_{number}_vars/{leaf}",
                f"sage_conv_{number - 1}/{want}/kernel",
                (inputs, 128),
                "Dense",
            )
    draft.dense("dense_1_vars", "node_head", (256, 41), "weights bias")
    draft.rename_sources(lambda name: f"supervisedgraphsage/{name}")
    draft.adam_of_all()
    yield draft


def _memory() -> Iterator[Draft]:
    """Yield a memory network with one-letter names."""
    draft = Draft(
        name="memn2n_letters_adjacent__keras3_hops",
        provenance="domluna/memn2n (MemN2N/A_1, C_1..C_3, H); target Keras 3, embedding_a, embedding_c, hop_transform",
        truth_basis="rule: letters and hop numbers",
        tags=("text", "same_shape", "letters"),
    )
    draft.fill("MemN2N/A_1", "memory/embedding_a/embeddings", (177, 40), "Embedding")
    for hop in range(1, 4):
        draft.fill(
            f"MemN2N_hop_{hop - 1}/C_{hop}",
            f"memory/hop_{hop}/embedding_c/embeddings",
            (177, 40),
            "Embedding",
        )
    draft.fill("MemN2N/H", "memory/hop_transform/kernel", (40, 40), "Dense")
    draft.source("MemN2N/TA", (50, 40))
    draft.rename_sources(lambda name: f"m0/{name}")
    yield draft


def _style_tokens() -> Iterator[Draft]:
    """Yield the reference encoder and the token attention of a speech network."""
    draft = Draft(
        name="gst_tacotron_reference_encoder__keras3",
        provenance="syang1993/gst-tacotron (model/inference/reference_encoder/conv2d_0, Multihead-attention, style_tokens); target Keras 3",
        truth_basis="rule: conv numbers; query/key/value by name; the GRU gates r, u become z, r",
        tags=("audio", "fused_gru", "natural_order", "slots"),
    )
    base = "model/inference"
    sizes = (1, 32, 32, 64, 64, 128, 128)
    for number in range(6):
        name, path = f"{base}/reference_encoder/conv2d_{number}", f"gst/ref_conv_{number + 1}"
        draft.dense(
            f"{name}/conv2d", path, (3, 3, sizes[number], sizes[number + 1]), layer="Conv2D"
        )
        draft.norm(f"{name}/batch_normalization", f"gst/ref_norm_{number + 1}", sizes[number + 1])
    inputs, units = 256, 128
    fused_gru(
        draft,
        f"{base}/reference_encoder/rnn/gru_cell",
        keras_rnn(draft, "gst/ref_gru", (inputs, units), kind="GRU"),
        (inputs, units),
    )
    draft.dense(f"{base}/reference_encoder/dense", "gst/ref_embedding", (128, 128))
    draft.fill(f"{base}/style_tokens", "gst/tokens", (10, 64), "StyleTokens")
    for leaf, rows in (("Q", 128), ("K", 64), ("V", 64)):
        want = {"Q": "query", "K": "key", "V": "value"}[leaf]
        draft.dense(
            f"{base}/style_tokens_layer/attention/attention_{leaf}/conv1d",
            f"gst/attention/{want}",
            (1, rows, 256),
            want=(rows, 256),
        )
    draft.adam_of_all()
    yield draft


def _parallel_speech() -> Iterator[Draft]:
    """Yield FastSpeech: encoder and decoder of one kind, two predictors."""
    draft = Draft(
        name="fastspeech_h5__keras3_encoder_decoder_4_heads",
        provenance="TensorSpeech/TensorFlowTTS fastspeech (encoder/layer_._0/attention/self/query, duration_predictor); target Keras 3 with attention per head",
        truth_basis="rule: encoder/decoder and layer numbers; intermediate conv1_1/conv1_2; the pitch predictor is new",
        source_format="keras_h5",
        order="file",
        tags=("audio", "split_heads", "same_shape", "trap_head"),
    )
    size, heads = 96, 4
    draft.fill(
        "embeddings/charactor_embeddings/weight:0",
        "phoneme_embedding/embeddings",
        (149, size),
        "Embedding",
    )
    for side in ("encoder", "decoder"):
        for layer in range(4):
            name, path = f"{side}/layer_._{layer}", f"{side}_{layer}"
            for leaf in ("query", "key", "value"):
                draft.fill(
                    f"{name}/attention/self/{leaf}/kernel:0",
                    f"{path}/mha/{leaf}/kernel",
                    (size, size),
                    "EinsumDense",
                    want=(size, heads, size // heads),
                )
                draft.fill(
                    f"{name}/attention/self/{leaf}/bias:0",
                    f"{path}/mha/{leaf}/bias",
                    (size,),
                    "EinsumDense",
                    want=(heads, size // heads),
                )
            draft.fill(
                f"{name}/attention/output/dense/kernel:0",
                f"{path}/mha/attention_output/kernel",
                (size, size),
                "EinsumDense",
                want=(heads, size // heads, size),
            )
            draft.fill(
                f"{name}/attention/output/dense/bias:0",
                f"{path}/mha/attention_output/bias",
                (size,),
                "EinsumDense",
            )
            for scope, want in (("attention/output", "norm_1"), ("output", "norm_2")):
                for leaf in ("gamma", "beta"):
                    draft.fill(
                        f"{name}/{scope}/LayerNorm/{leaf}:0",
                        f"{path}/{want}/{leaf}",
                        (size,),
                        "LayerNormalization",
                    )
            for leaf, want, shape in (
                ("conv1d_1", "ffn_in", (3, size, 192)),
                ("conv1d_2", "ffn_out", (3, 192, size)),
            ):
                draft.fill(
                    f"{name}/intermediate/{leaf}/kernel:0", f"{path}/{want}/kernel", shape, "Conv1D"
                )
                draft.fill(
                    f"{name}/intermediate/{leaf}/bias:0",
                    f"{path}/{want}/bias",
                    shape[-1:],
                    "Conv1D",
                )
    for number in range(2):
        for leaf, shape in (("kernel", (3, size, size)), ("bias", (size,))):
            draft.fill(
                f"duration_predictor/conv_._{number}/{leaf}:0",
                f"duration/conv_{number}/{leaf}",
                shape,
                "Conv1D",
            )
            draft.target(f"pitch/conv_{number}/{leaf}", shape, "Conv1D")
    draft.fill("duration_predictor/dense/kernel:0", "duration/out/kernel", (size, 1), "Dense")
    draft.fill("duration_predictor/dense/bias:0", "duration/out/bias", (1,), "Dense")
    draft.target("pitch/out/kernel", (size, 1), "Dense")
    draft.target("pitch/out/bias", (1,), "Dense")
    draft.fill("mel_before/kernel:0", "mel_projection/kernel", (size, 80), "Dense")
    draft.fill("mel_before/bias:0", "mel_projection/bias", (80,), "Dense")
    yield draft


def _chainer() -> Iterator[Draft]:
    """Yield a Chainer file: squares among transposed kernels."""
    draft = Draft(
        name="chainer_npz_square_linear__keras3",
        provenance="chainer 5 serializers.save_npz (links/connection/linear.py W of (out, in), convolution_2d.py W of (out, in, h, w), batch_normalization avg_mean, avg_var, N)",
        truth_basis="rule: every W of a Linear is transposed, squares as well: the other kernels of the file are",
        source_format="npz",
        order="file",
        tags=("transposed", "square", "trap_square"),
    )
    width = 3
    for number, out in enumerate((32, 32, 32)):
        draft.fill(
            f"conv{number}/W",
            f"conv_{number}/kernel",
            (out, width, 3, 3),
            "Conv2D",
            want=(3, 3, width, out),
            transform="transpose:2,3,1,0",
        )
        for leaf, want in (
            ("gamma", "gamma"),
            ("beta", "beta"),
            ("avg_mean", "moving_mean"),
            ("avg_var", "moving_variance"),
        ):
            draft.fill(f"bn{number}/{leaf}", f"bn_{number}/{want}", (out,), "BatchNormalization")
        draft.source(f"bn{number}/N", (), "int64")
        width = out
    draft.fill("embed/W", "word_embedding/embeddings", (64, 64), "Embedding")
    for number, (inputs, out) in enumerate(((96, 64), (64, 64), (64, 64), (64, 10))):
        draft.fill(
            f"fc{number}/W",
            f"fc_{number}/kernel",
            (out, inputs),
            "Dense",
            want=(inputs, out),
            transform="transpose:1,0",
        )
        draft.fill(f"fc{number}/b", f"fc_{number}/bias", (out,), "Dense")
    yield draft


def cases() -> tuple[Case, ...]:
    """Return the cases of this family."""
    return together(
        _distilled(),
        _sequential(),
        _interest(),
        _interacting(),
        _graph(),
        _memory(),
        _style_tokens(),
        _parallel_speech(),
        _chainer(),
    )
