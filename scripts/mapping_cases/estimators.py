# ruff: noqa: C901, E501 - tables with long rows, several in one function
"""Canned estimators, ranking and click models: feature names, slots, partitions.

Names after tensorflow/estimator ``canned/dnn.py``, ``linear.py``, ``dnn_linear_combined.py``,
``boosted_trees.py``, tensorflow/ranking, tensorflow/models ``official/recommendation``,
hexiangnan/neural_collaborative_filtering ``NeuMF.py``, facebookresearch/dlrm ``dlrm_s_pytorch.py``,
ChenglongChen/tensorflow-DeepFM ``DeepFM.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import ADAGRAD, ADAM, FTRL, Case

if TYPE_CHECKING:
    from collections.abc import Iterator


def _dense(case: Case, name: str, path: str, shape: tuple[int, int]) -> list[str]:
    case.pair(f"{name}/kernel", f"{path}/kernel", shape, "Dense")
    case.pair(f"{name}/bias", f"{path}/bias", shape[1:], "Dense")
    return [f"{name}/kernel", f"{name}/bias"]


def _parts(
    case: Case, name: str, path: str, shape: tuple[int, int], parts: int, kind: str
) -> list[str]:
    """Add row partitions ``part_0`` ... of one table; return the sources."""
    target = case.target(path, shape, kind)
    names, start = [], 0
    for part in range(parts):
        rows = shape[0] // parts + (part < shape[0] % parts)
        names.append(case.source(f"{name}/part_{part}", (rows, shape[1])))
        case.edge(names[-1], target, f"into:{start}:{start + rows},:")
        start += rows
    return names


def _dnn() -> Iterator[Case]:
    case = Case(
        name="estimator_dnn_classifier_adagrad__keras3",
        provenance="tf.estimator.DNNClassifier (tensorflow/estimator canned/dnn.py), 3 embedding columns, Adagrad with t_0 prefix scopes; target Keras 3 functional",
        truth_basis="rule: feature names and layer numbers",
        tags=("tabular", "slots"),
    )
    names, width = [], 6
    for feature, rows, size in (("country", 200, 8), ("device", 50, 4), ("browser", 50, 4)):
        name = f"dnn/input_from_feature_columns/input_layer/{feature}_embedding/embedding_weights"
        case.pair(name, f"embed_{feature}/embeddings", (rows, size), "Embedding")
        names.append(name)
        width += size
    for number, units in enumerate((64, 64, 64)):
        names += _dense(case, f"dnn/hiddenlayer_{number}", f"hidden_{number + 1}", (width, units))
        width = units
    names += _dense(case, "dnn/logits", "scores", (64, 3))
    case.slots([f"t_0/{slot}" for slot in ADAGRAD], names)
    case.source("global_step", (), "int64")
    yield case
    case = Case(
        name="estimator_wide_deep_partitioned__keras3",
        provenance="tf.estimator.DNNLinearCombinedRegressor under parameter servers: tables in part_0 ... part_2; Adagrad and Ftrl slots; target Keras 3",
        truth_basis="rule: feature names, layer numbers; parts are row blocks in the order of their numbers",
        tags=("tabular", "slots", "partitioned", "twins"),
    )
    deep: list[str] = []
    wide: list[str] = []
    for feature, rows in (("city", 1000), ("category", 500)):
        name = f"dnn/input_from_feature_columns/input_layer/{feature}_embedding/embedding_weights"
        deep += _parts(case, name, f"deep_{feature}/embeddings", (rows, 16), 3, "Embedding")
    width = 34
    for number, units in enumerate((100, 50)):
        name, path = f"dnn/hiddenlayer_{number}", f"deep_{number}"
        kernel = _parts(case, f"{name}/kernel", f"{path}/kernel", (width, units), 1, "Dense")
        bias = case.source(f"{name}/bias/part_0", (units,))
        case.edge(bias, case.target(f"{path}/bias", (units,), "Dense"))
        deep += [*kernel, bias]
        width = units
    for name, path, shape in (("kernel", "kernel", (50, 1)), ("bias", "bias", (1,))):
        source = case.source(f"dnn/logits/{name}/part_0", shape)
        case.edge(source, case.target(f"deep_output/{path}", shape, "Dense"))
        deep.append(source)
    for feature, rows in (("city", 1000), ("category", 500)):
        name = f"linear/linear_model/{feature}/weights"
        wide += _parts(case, name, f"wide_{feature}/embeddings", (rows, 1), 3, "Embedding")
    source = case.source("linear/linear_model/bias_weights/part_0", (1,))
    case.edge(source, case.target("wide_bias/bias", (1,), "Bias"))
    case.slots(ADAGRAD, deep)
    case.slots(FTRL, [*wide, source])
    case.source("global_step", (), "int64")
    yield case
    case = Case(
        name="estimator_linear_classifier_ftrl__keras3",
        provenance="tf.estimator.LinearClassifier with bucketized, crossed and hashed columns (canned/linear.py); Ftrl; target a Keras 3 model with one embedding for each feature",
        truth_basis="rule: feature names",
        tags=("tabular", "slots", "same_shape"),
    )
    names = []
    columns = (
        ("age_bucketized", 10),
        ("education", 1000),
        ("occupation", 1000),
        ("relationship", 1000),
        ("workclass", 1000),
    )
    columns += (("education_X_occupation", 1000), ("age_bucketized_X_education_X_occupation", 1000))
    for column, rows in columns:
        name = f"linear/linear_model/{column}/weights"
        path = "weight_" + column.replace("_X_", "_by_").replace("_bucketized", "")
        case.pair(name, f"{path}/embeddings", (rows, 1), "Embedding")
        names.append(name)
    case.pair("linear/linear_model/bias_weights", "intercept/bias", (1,), "Bias")
    case.slots(FTRL, [*names, "linear/linear_model/bias_weights"])
    case.source("global_step", (), "int64")
    yield case
    case = Case(
        name="tf_ranking_groupwise__keras3",
        provenance="tensorflow/ranking examples (groupwise DNN scorer: tf.layers dense, batch normalization), Adagrad under optimize; target a Keras 3 scorer",
        truth_basis="rule: layer numbers",
        tags=("tabular", "ranking", "auto_numbered", "slots"),
    )
    names, width = [], 136
    for number, units in enumerate((256, 128, 64)):
        last = f"_{number}" if number else ""
        scope = "groupwise_dnn_v2/group_score"
        for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
            trained = not leaf.startswith("moving")
            name = f"{scope}/batch_normalization{last}/{leaf}"
            case.pair(
                name,
                f"scorer/norm_{number}/{leaf}",
                (width,),
                "BatchNormalization",
                trainable=trained,
            )
            names += [name] if trained else []
        names += _dense(case, f"{scope}/dense{last}", f"scorer/fc_{number}", (width, units))
        width = units
    names += _dense(case, "groupwise_dnn_v2/group_score/dense_3", "scorer/score", (64, 1))
    case.slots(ADAGRAD, names)
    case.source("global_step", (), "int64")
    yield case
    case = Case(
        name="estimator_boosted_trees_beside_dnn__keras3",
        provenance="DNNBoostedTreesCombinedClassifier: the serialized trees and their quantile streams have no variable; target the deep part in Keras 3",
        truth_basis="rule: layer numbers; the tree ensemble is left over",
        tags=("tabular", "slots", "leftovers"),
    )
    names = []
    for number, shape in enumerate(((28, 32), (32, 16))):
        names += _dense(case, f"dnn/hiddenlayer_{number}", f"mlp/dense{'_1' * number}", shape)
    names += _dense(case, "dnn/logits", "mlp/dense_2", (16, 1))
    case.slots(ADAGRAD, names)
    case.source("boosted_trees:0_stamp", (), "int64")
    case.source("boosted_trees:0_serialized", (), "string")
    for feature in range(4):
        case.source(f"boosted_trees/QuantileAccumulator/feature_{feature}/stamp", (), "int64")
    case.source("boosted_trees/center_bias", (), "bool")
    case.source("global_step", (), "int64")
    yield case


def _recommenders() -> Iterator[Case]:
    case = Case(
        name="neumf_keras1_h5__keras3",
        provenance="hexiangnan/neural_collaborative_filtering NeuMF.py (Keras 1, Theano names without :0: mf_embedding_user, mlp_embedding_item, layer1, prediction); target Keras 3 with gmf_ and mlp_ towers",
        truth_basis="rule: mf is the generalized matrix factorization; user and item by name; layer numbers",
        source_format="keras_h5",
        order="file",
        tags=("recommender", "same_shape", "synonyms"),
    )
    for tower, new, width in (("mlp", "mlp", 32), ("mf", "gmf", 8)):
        for side, word, rows in (("user", "user", 6040), ("item", "movie", 3706)):
            name = f"{tower}_embedding_{side}"
            case.pair(f"{name}/{name}_W", f"{new}_{word}/embeddings", (rows, width), "Embedding")
    for number, shape in enumerate(((64, 32), (32, 16), (16, 8)), 1):
        case.pair(
            f"layer{number}/layer{number}_W", f"mlp_dense_{number - 1}/kernel", shape, "Dense"
        )
        case.pair(
            f"layer{number}/layer{number}_b", f"mlp_dense_{number - 1}/bias", shape[1:], "Dense"
        )
    case.pair("prediction/prediction_W", "rating/kernel", (16, 1), "Dense")
    case.pair("prediction/prediction_b", "rating/bias", (1,), "Dense")
    yield case
    case = Case(
        name="two_tower_object_graph__keras3",
        provenance="tensorflow/recommenders retrieval tutorial: user_model and item_model of one shape (object-based checkpoint, Adagrad accumulators); target Keras 3 query_tower and candidate_tower",
        truth_basis="rule: query is the user side, candidate the item side; layer_with_weights numbers",
        source_format="tf2_ckpt",
        tags=("recommender", "object_graph", "twins", "synonyms", "slots"),
    )
    end = "/.ATTRIBUTES/VARIABLE_VALUE"
    for side, tower, rows in (
        ("user_model", "query_tower", 944),
        ("item_model", "candidate_tower", 1683),
    ):
        plan = [
            ("layer_with_weights-0/embeddings", "embedding/embeddings", (rows, 32), "Embedding")
        ]
        for number, shape in enumerate(((32, 64), (64, 32)), 1):
            last = f"_{number - 1}" if number > 1 else ""
            plan.append(
                (f"layer_with_weights-{number}/kernel", f"dense{last}/kernel", shape, "Dense")
            )
            plan.append(
                (f"layer_with_weights-{number}/bias", f"dense{last}/bias", shape[1:], "Dense")
            )
        for name, path, shape, kind in plan:
            case.pair(f"model/{side}/{name}{end}", f"{tower}/{path}", shape, kind)
            case.source(f"model/{side}/{name}/.OPTIMIZER_SLOT/optimizer/accumulator{end}", shape)
    for name, dtype in (
        ("optimizer/iter", "int64"),
        ("optimizer/learning_rate", "float32"),
        ("save_counter", "int64"),
    ):
        case.source(f"{name}{end}", (), dtype)
    case.source("_CHECKPOINTABLE_OBJECT_GRAPH", (), "string")
    yield case
    case = Case(
        name="dlrm_torch_state_npz__keras3",
        provenance="facebookresearch/dlrm dlrm_s_pytorch.py state dict (emb_l.N.weight, bot_l.N, top_l.N: every second module has weights) as npz; target Keras 3",
        truth_basis="rule: table and layer numbers; dense kernels are (out, in)",
        source_format="npz",
        order="file",
        tags=("recommender", "transposed", "natural_order", "same_shape"),
    )
    for table in range(26):
        case.pair(
            f"emb_l.{table}.weight",
            f"table_{table}/embeddings",
            ((10000, 5000)[table % 2], 16),
            "Embedding",
        )
    for word, tower, sizes in (
        ("bot_l", "bottom", (13, 512, 256, 64, 16)),
        ("top_l", "top", (367, 512, 256, 1)),
    ):
        for number in range(len(sizes) - 1):
            inputs, out = sizes[number], sizes[number + 1]
            path = f"{tower}_dense_{number}"
            case.pair(
                f"{word}.{2 * number}.weight",
                f"{path}/kernel",
                (out, inputs),
                "Dense",
                want=(inputs, out),
                transform="transpose:1,0",
            )
            case.pair(f"{word}.{2 * number}.bias", f"{path}/bias", (out,), "Dense")
    yield case
    case = Case(
        name="deepfm_tf1_adam__keras3",
        provenance="ChenglongChen/tensorflow-DeepFM DeepFM.py (feature_embeddings, feature_bias, layer_0, bias_0, bn_0, concat_projection), Adam; target Keras 3",
        truth_basis="rule: layer numbers",
        tags=("recommender", "slots"),
    )
    names = ["feature_embeddings", "feature_bias"]
    case.pair(names[0], "fm/factors/embeddings", (259, 8), "Embedding")
    case.pair(names[1], "fm/linear/embeddings", (259, 1), "Embedding")
    for number, inputs in enumerate((312, 32)):
        case.pair(f"layer_{number}", f"deep/dense_{number}/kernel", (inputs, 32), "Dense")
        case.pair(
            f"bias_{number}",
            f"deep/dense_{number}/bias",
            (1, 32),
            "Dense",
            want=(32,),
            transform="reshape",
        )
        names += [f"layer_{number}", f"bias_{number}"]
        for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
            trained = not leaf.startswith("moving")
            case.pair(
                f"bn_{number}/{leaf}",
                f"deep/norm_{number}/{leaf}",
                (32,),
                "BatchNormalization",
                trainable=trained,
            )
            names += [f"bn_{number}/{leaf}"] if trained else []
    case.pair("concat_projection", "output/kernel", (79, 1), "Dense")
    case.pair("concat_bias", "output/bias", (), "Dense", want=(1,), transform="reshape")
    case.slots(ADAM, [*names, "concat_projection", "concat_bias"])
    case.source("beta1_power")
    case.source("beta2_power")
    yield case


def _tied() -> Iterator[Case]:
    case = Case(
        name="tied_autoencoder_tf1__keras3_untied",
        provenance="denoising autoencoder with tied weights written for TensorFlow 1 (W1, b1, b1_prime ...); target Keras 3 with a decoder of its own kernels",
        truth_basis="construction: the decoder kernel is the transposed encoder kernel of the same level",
        tags=("autoencoder", "tied", "transposed", "slots"),
    )
    sizes = (784, 256, 64)
    for level in (1, 2):
        shape = (sizes[level - 1], sizes[level])
        case.pair(f"autoencoder/W{level}", f"encoder_{level}/kernel", shape, "Dense")
        case.pair(f"autoencoder/b{level}", f"encoder_{level}/bias", shape[1:], "Dense")
    for level in (2, 1):
        shape = (sizes[level], sizes[level - 1])
        target = case.target(f"decoder_{level}/kernel", shape, "Dense")
        case.edge(f"autoencoder/W{level}", target, "transpose:1,0")
        case.pair(f"autoencoder/b{level}_prime", f"decoder_{level}/bias", shape[1:], "Dense")
    case.slots(ADAM, list(case.sources))
    case.source("beta1_power")
    case.source("beta2_power")
    yield case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    for family in (_dnn, _recommenders, _tied):
        yield from family()
