# ruff: noqa: E501 - one row of a table stays one line
"""Agents: target networks, twin critics, policies and values that look alike.

Names after openai/baselines ``baselines/deepq`` and ``baselines/common/models.py``,
hill-a/stable-baselines ``common/policies.py``, ``sac/policies.py``, ``td3/policies.py``,
google/dopamine ``agents/dqn/dqn_agent.py``, tensorflow/agents ``networks/q_network.py``,
suragnair/alpha-zero-general ``othello/tensorflow/OthelloNNet.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import ADAM, RMSPROP, Case
from scripts.mapping_cases.rnn_cells import keras_rnn, split_lstm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Rows = list[tuple[str, str, tuple[int, ...]]]
NATURE = (("Conv", (8, 8, 4, 32)), ("Conv_1", (4, 4, 32, 64)), ("Conv_2", (3, 3, 64, 64)))


def _add(case: Case, rows: Rows, *, leaves: Sequence[str] = ("weights", "biases")) -> list[str]:
    """Pair kernels and biases of ``(name, path, kernel shape)``; return the sources."""
    names = []
    for name, path, shape in rows:
        kind = "Conv2D" if len(shape) == 4 else "Dense"
        names += [f"{name}/{leaves[0]}", f"{name}/{leaves[1]}"]
        case.pair(names[-2], f"{path}/kernel", shape, kind)
        case.pair(names[-1], f"{path}/bias", shape[-1:], kind)
    return names


def _leave(case: Case, rows: Rows, *, leaves: Sequence[str] = ("weights", "biases")) -> None:
    """Add sources that no target takes."""
    for name, _, shape in rows:
        case.source(f"{name}/{leaves[0]}", shape)
        case.source(f"{name}/{leaves[1]}", shape[-1:])


def _powers(case: Case, prefix: str = "") -> None:
    for name in ("beta1_power", "beta2_power"):
        case.source(prefix + name)


def _deepq(scope: str, path: str) -> Rows:
    plan = [(f"convnet/{name}", f"conv{n}", shape) for n, (name, shape) in enumerate(NATURE, 1)]
    heads = (("action_value", "advantage", 6), ("state_value", "value", 1))
    for head, new, out in heads:
        plan.append((f"{head}/fully_connected", f"{new}_hidden", (3136, 256)))
        plan.append((f"{head}/fully_connected_1", f"{new}_output", (256, out)))
    return [(f"{scope}/{name}", f"{path}/{new}", shape) for name, new, shape in plan]


def _baselines() -> Iterator[Case]:
    for both in (True, False):
        case = Case(
            name=f"baselines_deepq_dueling__keras3_{'with_target' if both else 'online'}",
            provenance="openai/baselines deepq (q_func and target_q_func, dueling heads, Adam under "
            "deepq/); target Keras 3 networks"
            + (" online and target" if both else ": the online network alone"),
            truth_basis="rule: scopes; the target network is the shadow of the online one",
            tags=("rl", "twins", "slots", "same_shape"),
        )
        names = _add(case, _deepq("deepq/q_func", "online_network" if both else "dueling_dqn"))
        if both:
            _add(case, _deepq("deepq/target_q_func", "target_network"))
        else:
            _leave(case, _deepq("deepq/target_q_func", ""))
        case.slots(ADAM, names, prefix="deepq/")
        _powers(case, "deepq/")
        case.source("deepq/eps")
        yield case


def _dopamine() -> Iterator[Case]:
    case = Case(
        name="dopamine_dqn__keras3_unnamed_pair",
        provenance="google/dopamine dqn_agent.py: scopes Online and Target with equal networks, "
        "centered RMSProp slots of Online only; target two Keras 3 models, model and model_1",
        truth_basis="construction: nothing says which model is the online one",
        tags=("rl", "twins", "unresolvable", "slots"),
    )
    groups: dict[str, list[str]] = {}
    plan = [*NATURE, ("fully_connected", (7744, 512)), ("fully_connected_1", (512, 18))]
    counts = {4: "conv2d", 2: "dense"}
    for scope, model in (("Online", "model"), ("Target", "model_1")):
        for number, (name, shape) in enumerate(plan):
            index = number if len(shape) == 4 else number - 3
            word = counts[len(shape)] + (f"_{index}" if index else "")
            kind = "Conv2D" if len(shape) == 4 else "Dense"
            for leaf, new, dims in (("weights", "kernel", shape), ("biases", "bias", shape[-1:])):
                source = case.source(f"{scope}/{name}/{leaf}", dims)
                target = case.target(f"{model}/{word}/{new}", dims, kind)
                groups.setdefault("targets", []).append(target)
                groups.setdefault("sources", []).append(source)
    online = [name for name in case.sources if name.startswith("Online")]
    case.slots(RMSPROP, online)
    case.source("global_step", (), "int64")
    case.tie(groups["targets"], groups["sources"], "Online and Target against model and model_1")
    yield case
    case = Case(
        name="dopamine_rainbow_c51__keras3",
        provenance="google/dopamine rainbow_agent.py: Online and Target, Adam; target one Keras 3 "
        "network (the online one), 51 atoms, other action count in the last layer",
        truth_basis="rule: the online network is the one that is trained; the last layer differs",
        tags=("rl", "twins", "slots", "other_head"),
    )
    rows = [
        (f"Online/{name}", f"rainbow/conv_{n}", shape) for n, (name, shape) in enumerate(NATURE)
    ]
    rows.append(("Online/fully_connected", "rainbow/hidden", (7744, 512)))
    names = _add(case, rows)
    _leave(case, [(name.replace("Online", "Target"), path, shape) for name, path, shape in rows])
    for scope in ("Online", "Target"):
        _leave(case, [(f"{scope}/fully_connected_1", "", (512, 306))])
    last = ["Online/fully_connected_1/weights", "Online/fully_connected_1/biases"]
    case.target("rainbow/logits/kernel", (512, 918), "Dense")
    case.target("rainbow/logits/bias", (918,), "Dense")
    case.slots(ADAM, names + last)
    _powers(case)
    yield case


def _ppo2() -> Iterator[Case]:
    case = Case(
        name="stable_baselines_ppo2_cnn_list__keras3",
        provenance="hill-a/stable-baselines common/policies.py CnnPolicy (names of get_parameters, "
        "convolution biases of rank 4); model/q is not used by PPO2; target Keras 3",
        truth_basis="rule: layer names; pi is the policy, vf the value",
        source_format="npz",
        order="file",
        tags=("rl", "slots", "terse_names"),
    )
    for number, shape in enumerate(((8, 8, 4, 32), (4, 4, 32, 64), (3, 3, 64, 64)), 1):
        name, path = f"model/c{number}", f"cnn/conv{number}"
        case.pair(f"{name}/w:0", f"{path}/kernel", shape, "Conv2D")
        bias = (1, shape[-1], 1, 1)
        how = {"want": shape[-1:], "transform": "reshape"}
        case.pair(f"{name}/b:0", f"{path}/bias", bias, "Conv2D", **how)
    for name, path, shape in (
        ("fc1", "cnn/hidden", (3136, 512)),
        ("vf", "value", (512, 1)),
        ("pi", "policy", (512, 4)),
    ):
        case.pair(f"model/{name}/w:0", f"{path}/kernel", shape, "Dense")
        case.pair(f"model/{name}/b:0", f"{path}/bias", shape[-1:], "Dense")
    _leave(case, [("model/q", "", (512, 4))], leaves=("w:0", "b:0"))
    yield case
    case = Case(
        name="stable_baselines_a2c_mlp__keras3",
        provenance="hill-a/stable-baselines common/policies.py MlpPolicy: equal towers pi_fc and "
        "vf_fc, Gaussian log std (1, n); target a Keras 3 actor and critic",
        truth_basis="rule: pi is the actor, vf the critic; layer numbers",
        source_format="npz",
        order="file",
        tags=("rl", "twins", "terse_names"),
    )
    for number, inputs in enumerate((17, 64)):
        for word, tower in (("pi", "actor"), ("vf", "critic")):
            path = f"{tower}/dense_{number}" if number else f"{tower}/dense"
            rows = [(f"model/{word}_fc{number}", path, (inputs, 64))]
            _add(case, rows, leaves=("w", "b"))
    _add(case, [("model/vf", "critic/value", (64, 1))], leaves=("w", "b"))
    _add(case, [("model/pi", "actor/mean", (64, 6))], leaves=("w", "b"))
    case.pair("model/pi/logstd", "actor/log_std", (1, 6), want=(6,), transform="reshape")
    _leave(case, [("model/q", "", (64, 6))], leaves=("w", "b"))
    yield case
    case = Case(
        name="stable_baselines_ppo2_cnn_lstm__keras3",
        provenance="hill-a/stable-baselines CnnLstmPolicy: lstm1 wx, wh, b with gates i, f, o, u; "
        "Adam slots; target Keras 3 LSTM",
        truth_basis="rule: layer names; gates (i, f, o, u) to (i, f, c, o)",
        tags=("rl", "rnn", "lstm", "gate_order", "slots", "split_kernels"),
    )
    rows = [(f"model/c{n}", f"conv{n}", shape) for n, (_, shape) in enumerate(NATURE, 1)]
    names = _add(case, [*rows, ("model/fc1", "features", (3136, 512))], leaves=("w", "b"))
    targets = keras_rnn(case, "memory", (512, 256))
    gates = ("model/lstm1/wx", "model/lstm1/wh", "model/lstm1/b")
    split_lstm(case, gates, targets, (512, 256))
    heads = [("model/pi", "policy", (256, 9)), ("model/vf", "value", (256, 1))]
    names += _add(case, heads, leaves=("w", "b"))
    case.slots(ADAM, [*names, *gates])
    _powers(case)
    yield case


def _mlp(scope: str, path: str, sizes: Sequence[int], last: str) -> Rows:
    rows = []
    for number in range(len(sizes) - 1):
        end = number == len(sizes) - 2
        name = f"{scope}/{last}" if end else f"{scope}/fc{number}"
        new = f"{path}/output" if end else f"{path}/hidden_{number}"
        rows.append((name, new, (sizes[number], sizes[number + 1])))
    return rows


def _actor_critic() -> Iterator[Case]:
    leaves = ("kernel", "bias")
    case = Case(
        name="stable_baselines_sac__keras3_twin_critics",
        provenance="hill-a/stable-baselines sac/policies.py: qf1, qf2, vf, target vf; log_ent_coef; "
        "Adam; target Keras 3 models critic_1, critic_2, value, target_value, actor",
        truth_basis="rule: scopes and numbers of the critics",
        tags=("rl", "twins", "slots", "same_shape"),
    )
    rows = _mlp("model/pi", "actor", (24, 64, 64, 4), "dense")
    rows += [("model/pi/dense_1", "actor/log_std", (64, 4))]
    for number in (1, 2):
        rows += _mlp(f"model/values_fn/qf{number}", f"critic_{number}", (28, 64, 64, 1), "qf")
    rows += _mlp("model/values_fn/vf", "value", (24, 64, 64, 1), "vf")
    names = _add(case, rows, leaves=leaves)
    _add(case, _mlp("target/values_fn/vf", "target_value", (24, 64, 64, 1), "vf"), leaves=leaves)
    case.source("loss/log_ent_coef")
    case.slots(ADAM, names)
    _powers(case)
    yield case
    case = Case(
        name="stable_baselines_td3__keras3_q_a_q_b",
        provenance="hill-a/stable-baselines td3/policies.py: qf1 and qf2 with targets; target Keras "
        "3 models actor, q_a, q_b (no target networks)",
        truth_basis="construction: 1 and 2 against a and b is no more than an order; the two critics "
        "are exchangeable in TD3",
        tags=("rl", "twins", "unresolvable"),
    )
    actor = _mlp("model/pi", "actor", (24, 400, 300, 4), "dense")
    _add(case, actor, leaves=leaves)
    critics = _mlp("model/values_fn/qf1", "q_a", (28, 400, 300, 1), "qf1")
    critics += _mlp("model/values_fn/qf2", "q_b", (28, 400, 300, 1), "qf2")
    names = _add(case, critics, leaves=leaves)
    leftovers = [
        (name.replace("model/", "target/"), "", shape) for name, _, shape in actor + critics
    ]
    _leave(case, leftovers, leaves=leaves)
    targets = [path for path in case.targets if path.startswith("q_")]
    case.dont_care = {"targets": targets, "sources": names}
    yield case
    case = Case(
        name="baselines_ddpg__keras3",
        provenance="openai/baselines ddpg/models.py with layer normalization: actor, critic and "
        "their targets; observation statistics obs_rms; target Keras 3 actor and critic",
        truth_basis="rule: scopes; the trained networks, not their targets",
        tags=("rl", "twins", "layer_norm"),
    )
    for scope, inputs, out in (("actor", 11, 3), ("critic", 14, 1)):
        rows = [(f"{scope}/mlp_fc0", f"{scope}/fc1", (inputs, 64))]
        rows.append((f"{scope}/mlp_fc1", f"{scope}/fc2", (64, 64)))
        _add(case, rows, leaves=("w", "b"))
        _leave(case, [(f"target_{name}", "", shape) for name, _, shape in rows], leaves=("w", "b"))
        for number in (0, 1):
            norm = f"{scope}/LayerNorm{'_1' * number}"
            for leaf in ("gamma", "beta"):
                path = f"{scope}/norm{number + 1}/{leaf}"
                case.pair(f"{norm}/{leaf}", path, (64,), "LayerNormalization")
                case.source(f"target_{norm}/{leaf}", (64,))
        word = {"actor": "dense", "critic": "output"}[scope]
        last = [(f"{scope}/{word}", f"{scope}/output", (64, out))]
        _add(case, last, leaves=("kernel", "bias"))
        _leave(case, [(f"target_{scope}/{word}", "", (64, out))], leaves=("kernel", "bias"))
    for leaf, shape in (("count", ()), ("runningsum", (11,)), ("runningsumsq", (11,))):
        case.source(f"obs_rms/{leaf}", shape, "float64")
    yield case


def _tf_agents() -> Iterator[Case]:
    end = "/.ATTRIBUTES/VARIABLE_VALUE"
    case = Case(
        name="tf_agents_dqn_object_graph__keras3",
        provenance="tensorflow/agents dqn_agent.py and q_network.py: object-based checkpoint of the "
        "agent (_q_network, _target_q_network, Adam); target a Keras 3 Q network",
        truth_basis="rule: list indexes of the encoder; the trained network, not its target",
        source_format="tf2_ckpt",
        tags=("rl", "object_graph", "twins", "optimizer"),
    )
    plan: Rows = [("_encoder/_postprocessing_layers/0", "encoder/conv1", (8, 8, 4, 32))]
    plan.append(("_encoder/_postprocessing_layers/1", "encoder/conv2", (4, 4, 32, 64)))
    plan.append(("_encoder/_postprocessing_layers/2", "encoder/conv3", (3, 3, 64, 64)))
    plan.append(("_encoder/_postprocessing_layers/4", "encoder/dense", (3136, 512)))
    plan.append(("_q_value_layer", "q_values", (512, 6)))
    leaves = (f"kernel{end}", f"bias{end}")
    _add(case, [(f"agent/_q_network/{a}", b, shape) for a, b, shape in plan], leaves=leaves)
    _leave(case, [(f"agent/_target_q_network/{a}", b, s) for a, b, s in plan], leaves=leaves)
    for name, _, shape in plan:
        for leaf, dims in (("kernel", shape), ("bias", shape[-1:])):
            for slot in ("m", "v"):
                key = f"agent/_q_network/{name}/{leaf}/.OPTIMIZER_SLOT/agent/_optimizer/{slot}{end}"
                case.source(key, dims)
    for name in ("beta_1", "beta_2", "decay", "learning_rate"):
        case.source(f"agent/_optimizer/{name}{end}")
    case.source(f"agent/_optimizer/iter{end}", (), "int64")
    case.source(f"global_step{end}", (), "int64")
    case.source("_CHECKPOINTABLE_OBJECT_GRAPH", (), "string")
    yield case


def _alpha_zero() -> Case:
    case = Case(
        name="alphazero_othello_resnet_tf1__keras3",
        provenance="suragnair/alpha-zero-general othello/tensorflow/OthelloNNet.py (residual tower: "
        "tf.layers counts conv2d and batch_normalization); Adam; target a Keras 3 tower",
        truth_basis="rule: creation numbers: stem, two for each block, policy head, value head",
        tags=("rl", "cnn", "auto_numbered", "natural_order", "same_shape", "slots"),
    )
    names = [("stem", (3, 3, 1, 128))]
    for block in range(8):
        names += [(f"block_{block}_{part}", (3, 3, 128, 128)) for part in ("a", "b")]
    names += [("policy_conv", (1, 1, 128, 2)), ("value_conv", (1, 1, 128, 1))]
    trained = []
    for number, (path, shape) in enumerate(names):
        last = f"_{number}" if number else ""
        kernel = f"conv2d{last}/kernel"
        case.pair(kernel, f"{path}/conv/kernel", shape, "Conv2D")
        trained.append(kernel)
        for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
            fixed = leaf.startswith("moving")
            name = f"batch_normalization{last}/{leaf}"
            new = f"{path}/norm/{leaf}"
            case.pair(name, new, shape[-1:], "BatchNormalization", trainable=not fixed)
            trained += [] if fixed else [name]
    rows: Rows = [("dense", "policy_logits", (128, 65)), ("dense_1", "value_hidden", (64, 256))]
    rows.append(("dense_2", "value_output", (256, 1)))
    trained += _add(case, rows, leaves=("kernel", "bias"))
    case.slots(ADAM, trained)
    _powers(case)
    return case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    for family in (_baselines, _dopamine, _ppo2, _actor_critic, _tf_agents):
        yield from family()
    yield _alpha_zero()
