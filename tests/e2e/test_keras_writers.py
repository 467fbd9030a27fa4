"""``--to keras`` and ``--to keras-weights``: loaded by Keras itself, nothing dropped.

One worker for each Keras converts everything, and one process of its own opens all of it; what
the golden files' writers held is the truth.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

import tfrepair
from tests.e2e.programs import python
from tests.e2e.test_keras_files import NESTED
from tests.readers.keras_goldens import FOLDER
from tfrepair.api import architectures
from tfrepair.api.repairing import repair
from tfrepair.api.report import Report
from tfrepair.core.errors import UsageError
from tfrepair.core.findings import Severity
from tfrepair.tfhost.client import ChildHost

pytestmark = pytest.mark.tf

SUFFIXES = {"keras": ".keras", "keras-weights": ".weights.h5"}
FRESH = NESTED.replace("    part =", "    keras.backend.clear_session()\n    part =")
"""Names like dense_3 count what a process has built before."""
NESTED_2 = FRESH.replace("import keras\nfrom keras", "import tf_keras as keras\nfrom tf_keras")

CUSTOM = """
import keras, tensorflow as tf

class Scaled(keras.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), name="scale")
        self.ema = tf.Variable([1.0, 2.0], name="ema")
    def call(self, x):
        return x * self.scale * self.ema

def build_model():
    x = keras.Input((2,))
    model = keras.Model(x, keras.layers.Dense(1, name="head")(Scaled(name="scaled")(x)))
    model.compile(keras.optimizers.Adam(), "mean_squared_error")
    return model
"""

LOAD = """
import hashlib, json, sys, warnings
import numpy as np, keras, tf_keras
warnings.simplefilter("error")
import nested, nested_2
digest = lambda value: hashlib.sha256(np.asarray(value).tobytes()).hexdigest()
inputs = [np.float32(value) for value in json.loads(sys.argv[1])]
result = {}
for path in sys.argv[2:]:
    library, code = (tf_keras, nested_2) if "two" in path else (keras, nested)
    if path.endswith(".keras"):
        model = library.models.load_model(path)
    else:
        model = code.build_model()
        model.optimizer.build(model.trainable_variables)
        model.load_weights(path)
    variables = model.optimizer.variables
    result[path] = {
        "weights": [digest(v) for v in model.weights],
        "optimizer": [digest(v) for v in (variables() if callable(variables) else variables)],
        "class": type(model.optimizer).__name__,
        "outputs": np.asarray(model(inputs)).tolist(),
    }
    model.train_on_batch(inputs, np.zeros((len(inputs[0]), 2), "float32"))
print(json.dumps(result))
"""


class _Shared:
    """A host that outlives the conversions that use it."""

    def __init__(self, host: ChildHost) -> None:
        self._host = host

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)


Convert = Callable[..., Report]


@pytest.fixture(scope="module")
def convert() -> Iterator[Convert]:
    with ExitStack() as stack:
        hosts: dict[int, _Shared] = {}

        def shared(keras: int = 3) -> _Shared:
            if keras not in hosts:
                hosts[keras] = _Shared(stack.enter_context(ChildHost(keras=keras)))
            return hosts[keras]

        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(architectures, "ChildHost", shared)
        yield tfrepair.convert


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("writers")
    for name, text in (("nested", FRESH), ("nested_2", NESTED_2), ("custom", CUSTOM)):
        (place / f"{name}.py").write_text(text, encoding="utf-8")
    return place


CASES = (
    ("keras3", "keras", 3),
    ("keras3", "keras-weights", 3),
    ("tf_keras", "keras", 2),
    ("tf_keras", "keras-weights", 2),
)


def output(folder: Path, to: str, keras: int) -> Path:
    return folder / f"{'two' if keras == 2 else 'three'}{SUFFIXES[to]}"


@pytest.fixture(scope="module")
def loaded(convert: Convert, folder: Path) -> dict[str, Any]:
    """Convert every case, and let Keras open and train it."""
    outputs = []
    for writer, to, keras in CASES:
        out = output(folder, to, keras)
        arch = folder / ("nested_2.py" if keras == 2 else "nested.py")
        report = convert(FOLDER / writer / "nested.keras", arch=arch, out=out, to=to, keras=keras)
        assert report.exit_code == 0, report.findings
        assert report.verdict is not None
        outputs.append(out)
    outputs.append(repaired(folder))
    inputs = held("keras3")["inputs"]
    shown: dict[str, Any] = json.loads(python(LOAD, json.dumps(inputs), *outputs, cwd=folder))
    return shown


def repaired(folder: Path) -> Path:
    """Take the optimizer out of a configuration, as Keras does, and repair the archive."""
    broken, fixed = folder / "broken.keras", folder / "three_fixed.keras"
    with zipfile.ZipFile(output(folder, "keras", 3)) as source, zipfile.ZipFile(broken, "w") as to:
        for name in source.namelist():
            data = source.read(name)
            if name == "config.json":
                config = json.loads(data)
                del config["compile_config"]["optimizer"]
                data = json.dumps(config).encode()
            to.writestr(name, data)
    repair(broken, fixed)
    return fixed


def held(writer: str) -> dict[str, Any]:
    text = (FOLDER / writer / "expected.json").read_text(encoding="utf-8")
    model: dict[str, Any] = json.loads(text)["models"]["nested"]
    return model


@pytest.mark.parametrize(("writer", "to", "keras"), CASES)
def test_keras_brings_back_every_variable(
    writer: str, to: str, keras: int, loaded: dict[str, Any], folder: Path
) -> None:
    want, have = held(writer), loaded[str(output(folder, to, keras))]
    assert sorted(have["weights"]) == sorted(entry["sha256"] for entry in want["weights"])
    stored = [entry["sha256"] for entry in want["optimizer_variables"]]
    assert [digest for digest in have["optimizer"] if digest in stored] == stored
    assert have["class"] == want["optimizer"]
    for one, other in zip(have["outputs"], want["outputs"], strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_keras_loads_a_repaired_archive_whole(loaded: dict[str, Any], folder: Path) -> None:
    have, want = (loaded[str(folder / name)] for name in ("three_fixed.keras", "three.keras"))
    assert {**have, "outputs": None} == {**want, "outputs": None}


def test_the_same_input_gives_the_same_bytes_with_a_note(
    convert: Convert, loaded: dict[str, Any], folder: Path
) -> None:
    assert loaded
    for to, suffix in SUFFIXES.items():
        first, again = output(folder, to, 3), folder / f"again{suffix}"
        source = FOLDER / "keras3" / "nested.keras"
        convert(source, arch=folder / "nested.py", out=again, to=to)
        assert again.read_bytes() == first.read_bytes()
    with zipfile.ZipFile(folder / "again.keras") as archive:
        note = json.loads(archive.read("metadata.json"))["tfrepair"]
    assert note["source"]["name"] == "nested.keras"
    assert note["provenance"]["read"] == 24
    assert b"tfrepair.note/1" in (folder / "again.weights.h5").read_bytes()


def test_what_keras_does_not_track_is_named_as_lost(convert: Convert, folder: Path) -> None:
    import numpy as np

    source = folder / "weights.npz"
    arrays = {"scaled/scale": [3.0, 4.0], "head/kernel": [[1.0], [2.0]], "head/bias": [0.5]}
    np.savez(source, **{name: np.float32(value) for name, value in arrays.items()})  # type: ignore[arg-type]
    out = folder / "custom.keras"
    report = convert(source, arch=folder / "custom.py", out=out, to="keras")
    assert report.verdict is not None
    assert report.verdict.passed
    codes = {finding.code for finding in report.findings if finding.severity is Severity.LOSS}
    assert codes == {"untracked-variable"}
    assert report.exit_code == 3


def test_names_that_keras_would_not_open_and_other_models_are_refused(folder: Path) -> None:
    source = FOLDER / "keras3" / "nested.keras"
    with pytest.raises(UsageError, match=r"ends in \.keras"):
        tfrepair.convert(source, arch=folder / "nested.py", out=folder / "x.h5", to="keras")
    with pytest.raises(UsageError, match="which layers they belong to"):
        tfrepair.convert(folder / "weights.npz", out=folder / "x.weights.h5", to="keras-weights")
