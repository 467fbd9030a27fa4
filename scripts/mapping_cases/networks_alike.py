"""Several networks of one structure, and architectures that gained or lost layers.

Knows the cases that names or numbers invite to get wrong: members of an ensemble, a layer inserted
into an auto-numbered network (every later name is off by one, and equal names are wrong), stages
lost from a file, adapters that no file has. The networks are written for these cases, with the
names that tf.layers of TensorFlow 1.15 and Keras 3.15.1 give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases import bert, detection, generative, translation
from scripts.mapping_cases.draft import Draft, together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scripts.mapping_cases.case import Case

OWN = "layers of tf.layers in TensorFlow 1.15, {}; target a Keras 3 model written for this case"


def _member(case: Draft, scope: str, path: str) -> None:
    width = 3
    for number, size in enumerate((16, 32, 32), 1):
        name, layer = f"{scope}/conv{number}", f"{path}/block{number}"
        case.dense(name, f"{layer}_conv", (3, 3, width, size), layer="Conv2D")
        case.norm(f"{scope}/bn{number}", f"{layer}_bn", size)
        width = size
    case.dense(f"{scope}/logits", f"{path}/head", (width, 10))


def ensembles() -> Iterator[Draft]:
    """Yield five equal networks into five members, and into one model: which one is not told."""
    case = Draft(
        name="five_towers__five_members_by_number",
        provenance=OWN.format("five networks tower_0 to tower_4, Adam"),
        truth_basis="rule: tower_i is member_(i+1), layer numbers",
        tags=("lookalike", "ensemble", "slots", "off_by_one"),
    )
    for number in range(5):
        _member(case, f"tower_{number}", f"member_{number + 1}")
    case.adam_of_all()
    yield case
    one = Draft(
        name="five_towers__one_model_unresolvable",
        provenance=OWN.format("five networks tower_0 to tower_4"),
        truth_basis="construction: any of the five would do, and nothing prefers one",
        tags=("lookalike", "ensemble", "unresolvable"),
    )
    _member(one, "tower_0", "classifier")
    spare = Draft(name="spare", provenance="", truth_basis="")
    for number in range(1, 5):
        _member(spare, f"tower_{number}", f"unused_{number}")
    for name, row in spare.sources.items():
        one.source(name, row["shape"])
    one.tie(list(one.targets), list(one.sources), "five networks of one structure, one is wanted")
    yield one
    target = Draft(
        name="online_and_target_network__one_model_by_scope",
        provenance=OWN.format("networks q_net and target_q_net of a double DQN, Adam of q_net"),
        truth_basis="rule: the variable scope; the target network is a lagging copy",
        tags=("lookalike", "reinforcement", "slots"),
    )
    _member(target, "agent/q_net", "q_net")
    spare = Draft(name="spare", provenance="", truth_basis="")
    _member(spare, "agent/target_q_net", "unused")
    target.slots_of_all(("/Adam", "/Adam_1"), prefix="agent/train/")
    for name, row in spare.sources.items():
        target.source(name, row["shape"])
    target.source("agent/train/beta1_power")
    target.source("agent/train/beta2_power")
    yield target


def _numbered(name: str, count: int) -> str:
    return f"{name}_{count}" if count else name


def _chain(case: Draft, sizes: Sequence[int], inserted: int) -> None:
    """Pair a chain of convolutions; target `inserted` is new, so that later numbers are off."""
    have, width = 0, 3
    for want, size in enumerate(sizes):
        conv, norm = _numbered("conv2d", want), _numbered("batch_normalization", want)
        if want == inserted:
            case.target(f"{conv}/kernel", (3, 3, width, size), "Conv2D")
            case.target(f"{conv}/bias", (size,), "Conv2D")
            for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
                trainable = not leaf.startswith("moving")
                path = f"{norm}/{leaf}"
                case.target(path, (size,), "BatchNormalization", trainable=trainable)
        else:
            name = f"model/{_numbered('conv2d', have)}"
            case.dense(name, conv, (3, 3, width, size), layer="Conv2D")
            case.norm(f"model/{_numbered('batch_normalization', have)}", norm, size)
            have += 1
        width = size
    case.dense("model/dense", "dense", (width, 10))


def insertions() -> Iterator[Draft]:
    """Yield an inserted layer that shapes betray, and one that nothing betrays."""
    case = Draft(
        name="inserted_layer_auto_numbered__shapes_tell",
        provenance=OWN.format("a chain of five convolutions; the target has one more"),
        truth_basis="construction: order of creation; the new layer is the only 48 to 48",
        tags=("cnn", "auto_numbered", "inserted_layer", "equal_names_wrong", "missing_targets"),
    )
    _chain(case, (16, 32, 48, 48, 64, 96), 3)
    yield case
    case = Draft(
        name="inserted_layer_auto_numbered__equal_neighbors_unresolvable",
        provenance=OWN.format("a chain of seven convolutions; the target has one more 64 to 64"),
        truth_basis="construction: one layer of the file and two of the target are 64 to 64",
        tags=("cnn", "auto_numbered", "inserted_layer", "unresolvable", "equal_names_wrong"),
    )
    _chain(case, (16, 32, 32, 48, 64, 64, 64, 96), 5)
    equal = range(5, 7)
    targets = [
        path
        for path in case.targets
        for number in equal
        if path.startswith((f"conv2d_{number}/", f"batch_normalization_{number}/"))
    ]
    sources = [
        name
        for name in case.sources
        if name.startswith(("model/conv2d_5/", "model/batch_normalization_5/"))
    ]
    case.tie(targets, sources, "one of two equal layers is new; their order does not say which")
    yield case


def _named(cases: Iterator[Draft], name: str) -> Draft:
    return next(case for case in cases if case.name == name)


def losses() -> Iterator[Draft]:
    """Yield files that lost tensors and architectures that gained or lost parts."""
    case = _named(bert.huggingface(), "bert_classifier__hf_tfbert_sequence").changed(
        "bert_classifier_adapters__hf_tfbert_with_adapters",
        "the architecture has two adapters in each layer, the file lost layer_2 and all adam_v",
        "inserted_layer",
        "missing_targets",
    )
    case.drop_sources(r"layer_2/|adam_v$")
    for index in range(4):
        for part in ("attention", "output"):
            path = f"bert/encoder/layer_._{index}/{part}/adapter"
            for leaf, shape in (("down", (64, 8)), ("up", (8, 64))):
                case.target(f"{path}/{leaf}/kernel", shape, "Dense")
                case.target(f"{path}/{leaf}/bias", shape[1:], "Dense")
    yield case
    case = next(detection.yolo()).changed(
        "yolov3_shuffled__keras_yolo3_10_classes",
        "order shuffled, scope yolov3 renamed to detector, 10 classes in the architecture",
        "shuffled",
        "changed_head",
    )
    case.rename_sources(lambda name: name.replace("yolov3/", "detector/"))
    case.resize("conv2d_(59|67|75)/", 45)
    case.shuffle(7)
    yield case
    case = next(detection.openpose()).changed(
        "openpose_half_saved__keras3_stages",
        "the file holds neither stage 4 nor half of stage 6, and has Momentum slots",
        "missing_targets",
        "slots",
    )
    case.drop_sources(r"_stage4_|Mconv[4-7]_stage6_")
    case.slots_of_all(("/Momentum",))
    yield case
    case = next(generative.pix2pix()).changed(
        "pix2pix_generator_only__keras3_unet",
        "only the generator is wanted; it was saved under model/ by another script",
        "other_head",
    )
    case.drop_targets("^discriminator/")
    case.rename_sources(lambda name: f"model/{name}")
    yield case
    case = next(translation.opennmt()).changed(
        "opennmt_tf_v1_encoder_only__opennmt_tf_v2_encoder",
        "only the encoder is wanted, with two layers",
        "truncated_target",
    )
    case.drop_targets(r"^decoder/|labels_inputter|encoder/layers/2/")
    yield case


def cases() -> tuple[Case, ...]:
    """Return the cases of equal networks and of changed architectures."""
    return together(ensembles(), insertions(), losses())
