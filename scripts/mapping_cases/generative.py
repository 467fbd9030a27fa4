"""Image generators: StyleGAN, progressive GAN, pix2pix, SRGAN and CycleGAN twins.

Sources: NVlabs/stylegan training/networks_stylegan.py, tkarras/progressive_growing_of_gans
networks.py (both pickle G, D and the running average Gs), affinelayer/pix2pix-tensorflow,
tensorlayer/srgan model.py and vanhuyz/CycleGAN-TensorFlow (generator.py, discriminator.py). The
targets are Keras 3 models written for these cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scripts.mapping_cases.draft import Draft, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case

WIDE, SEEN = 64, (8, 16, 32)
"""Latent size and the resolutions above 4x4 of the small StyleGAN and progressive GAN."""
CHANNELS = {4: 64, 8: 48, 16: 32, 32: 16}
"""Channels at each resolution; level of detail 0 is the largest resolution."""


def _synthesis_shape(side: int, part: str) -> tuple[int, int, int, int]:
    """Return the kernel of a generator's layer: the first above 4x4 comes from half the side."""
    entering = CHANNELS[side // 2] if part == "Conv0_up" else CHANNELS[side]
    return (3, 3, entering, CHANNELS[side])


def stylegan() -> Iterator[Draft]:
    """Yield StyleGAN: the running average Gs is what a generator wants; G and D are beside it."""
    case = Draft(
        name="stylegan_pickle_g_d_gs__keras3_generator",
        provenance="NVlabs/stylegan training/networks_stylegan.py (resolution 32), G, "
        "D and Gs of a snapshot as Gs/..., G/..., D/...; target a Keras 3 port made for this case",
        truth_basis="rule: equal resolutions and layers; Gs as a whole, or G as a whole; dense and "
        "convolution kernels keep their layout, biases stay vectors",
        source_format="npz",
        order="file",
        tags=("generative", "stylegan", "lookalike", "ema"),
    )
    for number in range(8):
        name = f"G_mapping/Dense{number}"
        case.dense(f"Gs/{name}", f"mapping/fc{number}", (WIDE, WIDE), "weight bias")
    case.fill("Gs/dlatent_avg", "mapping/latent_average", (WIDE,), "Truncation", trainable=False)
    case.source("Gs/G_synthesis/lod")  # codespell:ignore lod
    for number in range(2 * len(SEEN) + 2):
        side = 4 << (number // 2)
        shape = (1, 1, side, side)
        noise = f"Gs/G_synthesis/noise{number}"
        case.fill(noise, f"synthesis/noise_{number}", shape, "NoiseInput", trainable=False)
    for side in (4, *SEEN):
        for part in ("Const", "Conv") if side == 4 else ("Conv0_up", "Conv1"):
            _style_layer(case, f"Gs/G_synthesis/{side}x{side}/{part}", side, part)
        detail = (4, *SEEN)[::-1].index(side)
        name, path = f"Gs/G_synthesis/ToRGB_lod{detail}", f"synthesis/b{side}/to_rgb"
        case.dense(name, path, (1, 1, CHANNELS[side], 3), "weight bias", layer="Conv2D")
    rows = list(case.sources.values())
    raw = list(case.truth)
    for row in rows:
        case.source(row["name"].replace("Gs/", "G/", 1), row["shape"])
    case.alternatives = [
        {
            "why": "the training copy G instead of the running average Gs",
            "truth": [{**e, "source": e["source"].replace("Gs/", "G/", 1)} for e in raw],
        }
    ]
    case.source("D/lod")  # codespell:ignore lod
    for name, size in _discriminator_shapes().items():
        case.source(f"D/{name}/weight", size)
        case.source(f"D/{name}/bias", size[-1:])
    yield case


def _style_layer(case: Draft, name: str, side: int, part: str) -> None:
    path = f"synthesis/b{side}/{ {'Const': 'const', 'Conv': 'conv'}.get(part, part.lower()) }"
    if part == "Const":
        case.fill(f"{name}/const", f"{path}/const", (1, CHANNELS[4], 4, 4), "ConstantInput")
    else:
        shape = _synthesis_shape(side, part)
        case.fill(f"{name}/weight", f"{path}/kernel", shape, "ModulatedConv")
    size = CHANNELS[side]
    case.fill(f"{name}/Noise/weight", f"{path}/noise_strength", (size,), "StyleLayer")
    case.fill(f"{name}/bias", f"{path}/bias", (size,), "StyleLayer")
    case.dense(f"{name}/StyleMod", f"{path}/style", (WIDE, 2 * size), "weight bias")


def _discriminator_shapes() -> dict[str, tuple[int, ...]]:
    """Return the layers of the discriminator with their kernels, largest resolution first."""
    shapes: dict[str, tuple[int, ...]] = {}
    for detail, side in enumerate(SEEN[::-1]):
        shapes[f"FromRGB_lod{detail}"] = (1, 1, 3, CHANNELS[side])
    shapes[f"FromRGB_lod{len(SEEN)}"] = (1, 1, 3, CHANNELS[4])
    for side in SEEN[::-1]:
        size = CHANNELS[side]
        shapes[f"{side}x{side}/Conv0"] = (3, 3, size, size)
        shapes[f"{side}x{side}/Conv1_down"] = (3, 3, size, CHANNELS[side // 2])
    shapes["4x4/Conv"] = (3, 3, CHANNELS[4] + 1, CHANNELS[4])
    shapes["4x4/Dense0"] = (16 * CHANNELS[4], CHANNELS[4])
    shapes["4x4/Dense1"] = (CHANNELS[4], 1)
    return shapes


def _discriminator_path(name: str) -> str:
    if name.startswith("FromRGB"):
        return f"from_rgb_{SEEN[-1] >> int(name[-1])}"
    scope, part = name.split("/")
    plain = {"Conv": "res4_conv1", "Dense0": "hidden", "Dense1": "score"}
    number = {"Conv0": 1, "Conv1_down": 2}
    return plain[part] if part in plain else f"res{scope.split('x')[0]}_conv{number[part]}"


def progressive() -> Iterator[Draft]:
    """Yield the progressive GAN: generator and discriminator of one snapshot."""
    case = Draft(
        name="progan_pickle_gs_d__keras3_both",
        provenance="tkarras/progressive_growing_of_gans networks.py (resolution 32), Gs/... and "
        "D/...; target two Keras 3 models written for this case",
        truth_basis="rule: scopes, resolutions and layers; 4x4/Dense makes the first block",
        source_format="npz",
        order="file",
        tags=("generative", "progan", "lookalike"),
    )
    case.source("Gs/lod")  # codespell:ignore lod
    size = CHANNELS[4]
    case.dense("Gs/4x4/Dense", "generator/start", (WIDE, 16 * size), "weight", "kernel")
    case.fill("Gs/4x4/Dense/bias", "generator/start/bias", (size,), "Dense")
    blocks = [(side, part) for side in SEEN for part in ("Conv0_up", "Conv1")]
    for side, part in [(4, "Conv"), *blocks]:
        number = {"Conv": 0, "Conv0_up": 1, "Conv1": 2}[part]
        path = f"generator/res{side}_conv{number}"
        shape = _synthesis_shape(side, part)
        case.dense(f"Gs/{side}x{side}/{part}", path, shape, "weight bias", layer="Conv2D")
    for detail, side in enumerate((*SEEN[::-1], 4)):
        shape = (1, 1, CHANNELS[side], 3)
        name, path = f"Gs/ToRGB_lod{detail}", f"generator/rgb_{side}"
        case.dense(name, path, shape, "weight bias", layer="Conv2D")
    case.source("D/lod")  # codespell:ignore lod
    for name, shape in _discriminator_shapes().items():
        path = f"discriminator/{_discriminator_path(name)}"
        layer = "Conv2D" if len(shape) == 4 else "Dense"
        case.dense(f"D/{name}", path, shape, "weight bias", layer=layer)
    yield case


def pix2pix() -> Iterator[Draft]:
    """Yield pix2pix: U-Net generator, Adam slots of two optimizers, a shadow of the losses."""
    case = Draft(
        name="pix2pix_affinelayer_adam__keras3_unet",
        provenance="affinelayer/pix2pix-tensorflow pix2pix.py (ngf 16, ndf 16; slots of "
        "generator_train and discriminator_train); target a Keras 3 U-Net and PatchGAN written for "
        "this case",
        truth_basis="rule: encoder, decoder and layer numbers",
        tags=("generative", "pix2pix", "slots", "same_shape", "unet"),
    )
    sizes = (16, 32, 64, 128, 128, 128, 128, 128)
    width = 3
    for number, size in enumerate(sizes, 1):
        name, path = f"generator/encoder_{number}", f"generator/down{number}"
        case.dense(f"{name}/conv2d", f"{path}_conv", (4, 4, width, size), layer="Conv2D")
        if number > 1:
            case.norm(f"{name}/batch_normalization", f"{path}_bn", size)
        width = size
    for number, size in zip(range(8, 0, -1), (128, 128, 128, 128, 64, 32, 16, 3), strict=True):
        name, path = f"generator/decoder_{number}", f"generator/up{number}"
        entering = width if number == 8 else 2 * width
        shape = (4, 4, size, entering)
        case.fill(
            f"{name}/conv2d_transpose/kernel", f"{path}_deconv/kernel", shape, "Conv2DTranspose"
        )
        bias = f"{path}_deconv/bias"
        case.fill(f"{name}/conv2d_transpose/bias", bias, (size,), "Conv2DTranspose")
        if number > 1:
            case.norm(f"{name}/batch_normalization", f"{path}_bn", size)
        width = size
    width = 6
    for number, size in enumerate((16, 32, 64, 128, 1), 1):
        name, path = f"discriminator/layer_{number}", f"discriminator/conv{number}"
        case.dense(f"{name}/conv2d", path, (4, 4, width, size), layer="Conv2D")
        if 1 < number < 5:
            case.norm(f"{name}/batch_normalization", f"discriminator/bn{number}", size)
        width = size
    for net in ("generator", "discriminator"):
        case.slots_of_all(
            ("/Adam", "/Adam_1"),
            prefix=f"{net}_train/",
            keep=lambda name, net=net: name.startswith(net),  # type: ignore[misc]
        )
        case.source(f"{net}_train/beta1_power")
        case.source(f"{net}_train/beta2_power")
    case.source("global_step", (), "int64")
    yield case


def _initial(leaf: str, seed: int, size: int) -> dict[str, float]:
    """Return statistics of what TensorLayer 1 starts from: gamma is drawn around 1, by 0.02."""
    start = {"beta": 0.0, "gamma": 1.0, "moving_mean": 0.0, "moving_variance": 1.0}[leaf]
    values = np.full(size, start)
    if leaf == "gamma":
        values = np.random.default_rng(seed).normal(start, 0.02, size)
    parts = {"min": values.min(), "max": values.max(), "mean": values.mean(), "std": values.std()}
    return {name: round(float(value), 6) for name, value in parts.items()}


def srgan() -> Iterator[Draft]:
    """Yield SRGAN (TensorLayer): residual blocks named n64s1/c1/3, a list of the generator."""
    case = Draft(
        name="srgan_tensorlayer_npz_list__keras3",
        provenance="tensorlayer/srgan model.py (SRGAN_g, 4 residual blocks, 16 channels), saved "
        "before training by tl.files.save_npz as a list in the order of creation (the statistics "
        "are those of the initial values); target a Keras 3 model written for this case",
        truth_basis="construction: the order of creation; beta before gamma as in TensorLayer",
        source_format="npz",
        order="file",
        tags=("generative", "srgan", "nameless", "list"),
    )
    wide, count = 16, 0

    def put(path: str, shape: tuple[int, ...], layer: str, *, trainable: bool = True) -> None:
        nonlocal count
        case.fill(f"params_{count}", path, shape, layer, trainable=trainable)
        count += 1

    def norm(path: str) -> None:
        """List a normalization as TensorLayer 1 does, and as Keras does."""
        nonlocal count
        for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
            trainable = not leaf.startswith("moving")
            case.target(f"{path}/{leaf}", (wide,), "BatchNormalization", trainable=trainable)
        for leaf in ("beta", "gamma", "moving_mean", "moving_variance"):
            case.edge(case.source(f"params_{count}", (wide,)), f"{path}/{leaf}")
            case.sources[f"params_{count}"]["stats"] = _initial(leaf, count, wide)
            count += 1

    put("head/kernel", (3, 3, 3, wide), "Conv2D")
    put("head/bias", (wide,), "Conv2D")
    for block in range(4):
        for number in (1, 2):
            put(f"res{block}_conv{number}/kernel", (3, 3, wide, wide), "Conv2D")
            norm(f"res{block}_bn{number}")
    put("trunk/kernel", (3, 3, wide, wide), "Conv2D")
    norm("trunk_bn")
    for number in (1, 2):
        put(f"up{number}/kernel", (3, 3, wide, 4 * wide), "Conv2D")
        put(f"up{number}/bias", (4 * wide,), "Conv2D")
    put("image/kernel", (1, 1, wide, 3), "Conv2D")
    put("image/bias", (3,), "Conv2D")
    yield case


def _cycle_generator(case: Draft, scope: str, path: str, wide: int = 16) -> None:
    """Pair a ResNet generator of CycleGAN: instance norms are ``scale`` and ``offset``."""
    number = 0

    def layer(name: str, shape: tuple[int, ...], *, norm: bool = True, up: bool = False) -> None:
        nonlocal number
        kind = "conv2d_transpose" if up else "conv2d"
        leaf = f"weights{name[-1]}" if "/layer" in name else "weights"
        case.fill(f"{scope}/{name}/{leaf}", f"{path}/{kind}_{number}/kernel", shape)
        size = shape[2] if up else shape[3]
        if norm:
            for leaf, want in (("scale", "gamma"), ("offset", "beta")):
                target = f"{path}/instance_norm_{number}/{want}"
                have = f"{scope}/{name}/instance_norm/{leaf}"
                case.fill(have, target, (size,), "InstanceNormalization")
        number += 1

    layer("c7s1_32", (7, 7, 3, wide))
    layer("d64", (3, 3, wide, 2 * wide))
    layer("d128", (3, 3, 2 * wide, 4 * wide))
    for block in range(1, 4):
        for part in ("layer1", "layer2"):
            layer(f"R{4 * wide}_{block}/{part}", (3, 3, 4 * wide, 4 * wide))
    layer("u64", (3, 3, 2 * wide, 4 * wide), up=True)
    layer("u32", (3, 3, wide, 2 * wide), up=True)
    layer("output", (7, 7, wide, 3))


def _cycle_discriminator(case: Draft, scope: str, path: str, wide: int = 16) -> None:
    width = 3
    for number, size in enumerate((wide, 2 * wide, 4 * wide, 8 * wide)):
        name = f"{scope}/C{64 << number}"
        case.fill(f"{name}/weights", f"{path}/conv2d_{number}/kernel", (4, 4, width, size))
        if number:
            for leaf, want in (("scale", "gamma"), ("offset", "beta")):
                target = f"{path}/instance_norm_{number}/{want}"
                have = f"{name}/instance_norm/{leaf}"
                case.fill(have, target, (size,), "InstanceNormalization")
        width = size
    case.fill(f"{scope}/output/weights", f"{path}/score/kernel", (4, 4, width, 1))
    case.fill(f"{scope}/output/biases", f"{path}/score/bias", (1,))


CYCLEGAN = "vanhuyz/CycleGAN-TensorFlow ops.py and generator.py (ngf 16, 3 blocks); target "


def cyclegan() -> Iterator[Draft]:
    """Yield CycleGAN named alike (determined) and with other letters (undetermined twins)."""
    case = Draft(
        name="cyclegan_vanhuyz_g_f_dx_dy__keras3_same_letters",
        provenance=CYCLEGAN + "Keras 3 models named generator_g, generator_f, discriminator_x and "
        "discriminator_y, written for this case",
        truth_basis="rule: scopes G, F, D_X, D_Y and layer order",
        tags=("generative", "cyclegan", "lookalike", "same_shape"),
    )
    for scope, path in (("G", "generator_g"), ("F", "generator_f")):
        _cycle_generator(case, scope, path)
    for scope, path in (("D_X", "discriminator_x"), ("D_Y", "discriminator_y")):
        _cycle_discriminator(case, scope, path)
    case.source("Variable", (), "int32")
    yield case
    twins = Draft(
        name="cyclegan_vanhuyz_g_f__keras3_photo_painting_unresolvable",
        provenance=CYCLEGAN + "Keras 3 models named to_painting, to_photo, judge_painting and "
        "judge_photo, written for this case",
        truth_basis="construction: which domain is X is not in the file",
        tags=("generative", "cyclegan", "lookalike", "unresolvable"),
    )
    pairs = (("G", "to_painting"), ("F", "to_photo"))
    for scope, path in pairs:
        _cycle_generator(twins, scope, path)
    for scope, path in (("D_X", "judge_photo"), ("D_Y", "judge_painting")):
        _cycle_discriminator(twins, scope, path)
    for targets, sources in (("to_", ("G/", "F/")), ("judge_", ("D_X/", "D_Y/"))):
        twins.tie(
            [path for path in twins.targets if path.startswith(targets)],
            [name for name in twins.sources if name.startswith(sources)],
            "two networks of one structure, and the names of the file do not say which is which",
        )
    twins.slots_of_all(("/Adam", "/Adam_1"), keep=lambda name: "/layer" not in name)
    twins.source("Variable", (), "int32")
    yield twins


def cases() -> tuple[Case, ...]:
    """Return the cases of image generators."""
    return together(stylegan(), progressive(), pix2pix(), srgan(), cyclegan())
