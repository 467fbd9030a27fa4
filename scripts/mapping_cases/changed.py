# ruff: noqa: E501 - tables with long rows
"""Cases of the other families, changed: scopes, order, layers, heads, shadows, ensembles.

Every function takes a finished case and returns it with another name; nothing is random: orders
come from a hash of the names.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from scripts.mapping_cases import (
    audio,
    darknet,
    estimators,
    keras_files,
    keras_lists,
    object_graphs,
    reinforcement,
    text,
)
from scripts.mapping_cases.case import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType


def _base(family: ModuleType, name: str, word: str, what: str, *tags: str) -> Case:
    """Return a case of a family under a new name, with what was changed."""
    case: Case = next(case for case in family.cases() if case.name == name)
    case.name = f"{word}__{name.replace('__', '_')}"
    case.provenance = f"{case.provenance}; changed: {what}"
    case.tags = (*case.tags, "changed", *tags)
    return case


def _rename(case: Case, rename: Callable[[str], str]) -> Case:
    """Rename the sources."""
    case.sources = {
        rename(name): {**row, "name": rename(name)} for name, row in case.sources.items()
    }
    case.truth = [{**row, "source": rename(row["source"])} for row in case.truth]
    return case


def _retarget(case: Case, rename: Callable[[str], str]) -> Case:
    """Rename the targets."""
    case.targets = {
        rename(path): {**row, "path": rename(path)} for path, row in case.targets.items()
    }
    case.truth = [{**row, "target": rename(row["target"])} for row in case.truth]
    return case


def _shuffle(case: Case) -> Case:
    """Put named sources into an order that says nothing."""
    order = sorted(case.sources, key=lambda name: hashlib.sha256(name.encode()).digest())
    case.sources = {name: case.sources[name] for name in order}
    case.order = "none"
    return case


def _drop_targets(case: Case, pattern: str) -> Case:
    """Take variables out of the architecture; their sources become leftovers."""
    case.targets = {p: row for p, row in case.targets.items() if not re.search(pattern, p)}
    case.truth = [row for row in case.truth if row["target"] in case.targets]
    return case


def _drop_sources(case: Case, pattern: str) -> Case:
    """Lose tensors of the file."""
    case.sources = {n: row for n, row in case.sources.items() if not re.search(pattern, n)}
    case.truth = [row for row in case.truth if row["source"] in case.sources]
    return case


def _reshape_targets(case: Case, pattern: str, old: int, new: int) -> Case:
    """Change a size of some variables; they lose their source."""
    for path, row in case.targets.items():
        if re.search(pattern, path):
            row["shape"] = [new if size == old else size for size in row["shape"]]
            case.truth = [edge for edge in case.truth if edge["target"] != path]
    return case


def _insert_targets(
    case: Case, before: str, rows: Sequence[tuple[str, tuple[int, ...], str]]
) -> Case:
    """Add variables that the file does not have, in front of one path."""
    targets: dict[str, dict[str, object]] = {}
    for path, row in case.targets.items():
        if path == before:
            for new, shape, kind in rows:
                targets[new] = {
                    "path": new,
                    "shape": [*shape],
                    "dtype": "float32",
                    "layer_class": kind,
                    "trainable": True,
                }
        targets[path] = row
    case.targets = targets
    return case


def _shift(path: str, word: str, start: int) -> str:
    """Add one to the numbers of a word from ``start`` on (a layer was inserted)."""

    def up(match: re.Match[str]) -> str:
        number = int(match.group(1) or 0)
        return f"{word}_{number + 1}" if number >= start else match.group(0)

    return re.sub(rf"\b{word}(?:_(\d+))?(?=/)", up, path)


def _shadows(case: Case, prefix: str = "") -> Case:
    """Add a moving average of every source in use; both sets are complete answers."""
    used = sorted({row["source"] for row in case.truth})
    shadow = {name: f"{prefix}{name}/ExponentialMovingAverage" for name in used}
    for name, new in shadow.items():
        case.source(new, case.sources[name]["shape"])
    averaged = [{**row, "source": shadow[row["source"]]} for row in case.truth]
    case.alternatives = [
        {"why": "the moving averages instead of the raw values", "truth": averaged}
    ]
    return case


def _scopes() -> Iterator[Case]:
    case = _base(
        audio,
        "keithito_tacotron_adam__keras3",
        "renamed_scope",
        "model/inference is tower_0/synth; order of the sources shuffled",
        "renamed_scope",
        "shuffled",
    )
    yield _shuffle(_rename(case, lambda name: name.replace("model/inference", "tower_0/synth")))
    case = _base(
        text,
        "google_nmt_luong__keras3",
        "renamed_scope",
        "all names under import/translator",
        "renamed_scope",
        "shuffled",
    )
    yield _shuffle(_rename(case, lambda name: f"import/translator/{name}"))
    case = _base(
        reinforcement,
        "alphazero_othello_resnet_tf1__keras3",
        "renamed_target",
        "the target blocks are called res1 ... res8",
        "renamed_scope",
    )
    yield _retarget(
        case,
        lambda path: re.sub(
            r"block_(\d)_([ab])",
            lambda m: f"res{int(m[1]) + 1}/{'first' if m[2] == 'a' else 'second'}",
            path,
        ),
    )
    case = _base(
        object_graphs,
        "tf2_pix2pix_tutorial_ckpt__keras3",
        "shuffled",
        "order of the sources shuffled",
        "shuffled",
    )
    yield _shuffle(case)


def _layers() -> Iterator[Case]:
    case = _base(
        keras_files,
        "keras2_resnet_h5_off_by_one__keras3",
        "inserted_layer",
        "the target has one more convolution (5x5) with normalization after the stem: later numbers move on",
        "inserted",
        "lookalike",
    )
    case = _retarget(case, lambda path: _shift(_shift(path, "conv2d", 1), "batch_normalization", 1))
    rows = [("conv2d_1/kernel", (5, 5, 16, 16), "Conv2D"), ("conv2d_1/bias", (16,), "Conv2D")]
    rows += [
        (f"batch_normalization_1/{leaf}", (16,), "BatchNormalization")
        for leaf in ("gamma", "beta", "moving_mean", "moving_variance")
    ]
    case = _insert_targets(case, "conv2d_2/kernel", rows)
    for path in ("batch_normalization_1/moving_mean", "batch_normalization_1/moving_variance"):
        case.targets[path]["trainable"] = False
    new = [path for path, *_ in rows]
    near = [
        path for path in case.targets if re.match(r"(conv2d_2/bias|batch_normalization_2/)", path)
    ]
    case.dont_care = {
        "targets": [path for path in new + near if "kernel" not in path],
        "sources": [],
    }
    yield case
    case = _base(
        object_graphs,
        "tf2_transformer_tutorial_ckpt__keras3",
        "deeper_target",
        "the target has 6 blocks on both sides, the file 4",
        "inserted",
    )
    for side in ("encoder", "decoder"):
        _deepen(case, side)
    yield case
    case = _base(
        keras_files,
        "qubvel_unet_resnet18_h5__keras3",
        "dropped_layers",
        "the target has no last decoder stage",
        "dropped",
    )
    yield _drop_targets(case, r"^up4_|^mask_logits")
    case = _base(
        reinforcement,
        "stable_baselines_sac__keras3_twin_critics",
        "dropped_layers",
        "the target has no value networks, just actor and critics",
        "dropped",
    )
    yield _drop_targets(case, r"^(value|target_value)/")
    case = _base(
        keras_files,
        "keras2_deepspeech2_bigru_h5__keras3",
        "truncated",
        "the file ends after the third recurrent layer",
        "truncated",
    )
    yield _drop_sources(case, r"^(bidirectional_[45]|batch_normalization_[67]|dense_1)/")
    case = _base(
        estimators,
        "dlrm_torch_state_npz__keras3",
        "dropped_layers",
        "tables 5 and 17 are not in the file",
        "truncated",
    )
    yield _drop_sources(case, r"^emb_l\.(5|17)\.")


def _deepen(case: Case, side: str) -> None:
    """Repeat the variables of block 3 as blocks 4 and 5."""
    rows = [row for path, row in case.targets.items() if path.startswith(f"{side}/block_3/")]
    targets = {}
    for path, row in case.targets.items():
        targets[path] = row
        if path == rows[-1]["path"]:
            for block in (4, 5):
                for old in rows:
                    new = old["path"].replace("block_3", f"block_{block}")
                    targets[new] = {**old, "path": new}
    case.targets = targets


def _heads() -> Iterator[Case]:
    case = _base(
        darknet,
        "darknet_yolov3_list__keras",
        "other_classes",
        "80 classes in the file, 20 in the target",
        "other_head",
    )
    yield _reshape_targets(case, r"^conv2d_(58|66|74)/", 255, 75)
    case = _base(
        text,
        "dennybritz_textcnn__keras3_conv1d",
        "other_classes",
        "5 classes and another vocabulary in the target",
        "other_head",
    )
    case = _reshape_targets(case, r"^dense/", 2, 5)
    yield _reshape_targets(case, r"^embedding/", 18758, 30000)
    case = _base(
        text,
        "genthial_bilstm_crf__keras3",
        "other_classes",
        "17 tags in the target, 9 in the file",
        "other_head",
    )
    yield _reshape_targets(case, r"^(tag_projection|crf)/", 9, 17)
    case = _base(
        keras_lists,
        "keras2_list_bilstm__keras3",
        "other_classes",
        "4 classes in the target",
        "other_head",
    )
    yield _reshape_targets(case, r"/dense/", 1, 4)
    case = _base(
        audio,
        "rayhane_tacotron2__keras3",
        "other_classes",
        "another symbol set in the target",
        "other_head",
    )
    yield _reshape_targets(case, r"^embedding/", 66, 148)


def _averages() -> Iterator[Case]:
    case = _base(
        text,
        "pointer_generator_coverage_adagrad__keras3",
        "with_averages",
        "moving averages of all variables",
        "ema",
        "alternatives",
    )
    yield _shadows(case)
    case = _base(
        reinforcement,
        "stable_baselines_ppo2_cnn_lstm__keras3",
        "with_averages",
        "moving averages under average/",
        "ema",
        "alternatives",
    )
    yield _shadows(case, "average/")


def _keras2_targets() -> Iterator[Case]:
    what = "the target is a tf.keras 2 model: names end in :0, cells are numbered"
    for family, name in (
        (keras_lists, "keras2_list_bilstm__keras3"),
        (keras_files, "keras2_deepspeech2_bigru_h5__keras3"),
        (text, "genthial_bilstm_crf__keras3"),
    ):
        case = _base(family, name, "keras2_target", what, "keras2_target")
        seen: dict[str, int] = {}

        def rename(path: str, seen: dict[str, int] = seen) -> str:
            match = re.match(r"(.*?)/(forward|backward)_(lstm|gru)/(lstm|gru)_cell/", path)
            if not match:
                return f"{path}:0"
            wrapper, way, _, kind = match.groups()
            index = 3 * seen.setdefault(wrapper, len(seen)) + (1 if way == "forward" else 2)
            return path.replace(f"{kind}_cell/", f"{kind}_cell_{index}/") + ":0"

        yield _retarget(case, rename)
    case = _base(
        keras_files,
        "keras2_resnet_h5_off_by_one__keras3",
        "keras2_target",
        "the target is a tf.keras 2 model: names end in :0",
        "keras2_target",
    )
    yield _retarget(case, lambda path: f"{path}:0")


def _only_averages() -> Iterator[Case]:
    case = _base(
        text,
        "google_nmt_gnmt_v2__keras3",
        "averages_only",
        "the file holds the moving averages alone",
        "ema",
    )
    yield _rename(
        case, lambda name: name if name == "Variable" else f"{name}/ExponentialMovingAverage"
    )
    case = _base(
        keras_files,
        "qubvel_unet_resnet18_h5__keras3",
        "double_names",
        "group and weight name in full, with :0",
        "lookalike",
    )
    yield _rename(case, lambda name: f"{name.split('/')[0]}/{name}:0")
    case = _base(
        reinforcement,
        "baselines_ddpg__keras3",
        "tower_scope",
        "all names under worker_0/ with RMSProp slots",
        "renamed_scope",
        "slots",
    )
    case = _rename(case, lambda name: f"worker_0/{name}")
    case.slots(("RMSProp", "RMSProp_1"), [row["source"] for row in case.truth])
    yield case


def _ensembles() -> Iterator[Case]:
    for word, single in (("members", False), ("one_of_five", True)):
        case = Case(
            name=f"ensemble_{word}__keras3",
            provenance="five equal networks in one TensorFlow 1 file (scopes model_0 ... model_4, tf.layers names), Adam; target "
            + ("one Keras 3 network" if single else "five Keras 3 networks member_0 ... member_4"),
            truth_basis="construction: nothing says which of the five"
            if single
            else "rule: number of the network",
            tags=("twins", "same_shape", "slots", *(("unresolvable",) if single else ())),
        )
        shapes = {
            "conv2d": (3, 3, 3, 24),
            "conv2d_1": (3, 3, 24, 24),
            "dense": (600, 64),
            "dense_1": (64, 4),
        }
        for member in range(5):
            for layer, shape in shapes.items():
                for leaf, dims in (("kernel", shape), ("bias", shape[-1:])):
                    name = case.source(f"model_{member}/{layer}/{leaf}", dims)
                    if not single:
                        kind = "Conv2D" if layer.startswith("conv") else "Dense"
                        case.edge(name, case.target(f"member_{member}/{layer}/{leaf}", dims, kind))
        names = list(case.sources)
        if single:
            targets = [
                case.target(f"classifier/{layer}/{leaf}", dims)
                for layer, shape in shapes.items()
                for leaf, dims in (("kernel", shape), ("bias", shape[-1:]))
            ]
            case.tie(targets, names, "five equal networks, one place")
        case.slots(("Adam", "Adam_1"), names)
        case.source("beta1_power")
        case.source("beta2_power")
        yield case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    for family in (
        _scopes,
        _layers,
        _heads,
        _averages,
        _keras2_targets,
        _only_averages,
        _ensembles,
    ):
        yield from family()
