"""What can be wrong with ``--arch``, in the real worker: each case has its sentence."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tfrepair.architecture.request import arch_request
from tfrepair.core.architecture import Architecture
from tfrepair.core.errors import ArchitectureError, Died, TimedOut
from tfrepair.tfhost.client import ChildHost

pytestmark = pytest.mark.tf

DENSE = "keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name='d')], name='net')"
UNBUILT = """
import keras
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)
    def call(self, x):
        return self.dense(x)
def build_model():
    return Net()
"""
Describe = Callable[..., Architecture]


@pytest.fixture(scope="module")
def host() -> Iterator[ChildHost]:
    with ChildHost(limit=120.0) as host:
        yield host


@pytest.fixture
def describe(host: ChildHost, tmp_path: Path) -> Describe:
    def describe(text: str, factory: str = "", name: str = "net.py", **rest: Any) -> Architecture:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return host.describe(arch_request(f"{path}{factory}", **rest))

    return describe


def failure(describe: Describe, *arguments: str, **rest: Any) -> ArchitectureError:
    with pytest.raises(ArchitectureError) as caught:
        describe(*arguments, **rest)
    return caught.value


@pytest.mark.parametrize(
    ("text", "factory"),
    [
        (f"import keras\ndef build_model():\n    return {DENSE}\n", ""),
        (f"import keras\ndef make_model(units=2):\n    return {DENSE}\n", ""),
        (f"import keras\nmodel = {DENSE}\n", ""),
        (f"import keras\nonly_one = {DENSE}\n", ""),
        (f"import keras\nb = lambda: {DENSE}\na = lambda: None\n", ":b"),
        (f"import keras\nfirst = None\nsecond = {DENSE}\n", ":second"),
        (f"import keras, numpy as np\nbuild = lambda: ({DENSE}, np.ones((1, 3)))\n", ""),
    ],
    ids=["build_model", "make_model", "variable", "only", "named", "named variable", "sample"],
)
def test_a_model_is_found(describe: Describe, text: str, factory: str) -> None:
    assert [v.path for v in describe(text, factory).weights] == ["net/d/kernel", "net/d/bias"]


WRONG = {
    "raises": ("def build_model():\n    return 1 / 0\n", "ZeroDivisionError: division by zero"),
    "raises at import": ("x = {}['layers']\n", "KeyError: 'layers'"),
    "exits": ("import sys\nsys.exit(3)\n", "it called sys.exit(3)"),
    "exits in factory": ("def build_model():\n    raise SystemExit\n", "it called sys.exit"),
    "missing module": ("import torchvision9\n", "No module named 'torchvision9'"),
    "several factories": (
        "def build_model(): ...\ndef create_model(): ...\n",
        "several factories: build_model, create_model",
    ),
    "several models": (f"import keras\na = {DENSE}\nb = {DENSE}\n", "several models: a, b"),
    "arguments": ("def build_model(units, *, depth): ...\n", "needs arguments: units, depth"),
    "no model": ("def build_model():\n    return [1]\n", "expected a Keras model or a tf.Module"),
    "nothing": ("def train(): ...\n", "neither a function build_model"),
    "empty": ("", "neither a function build_model"),
    "syntax": ("def build_model(:\n", "SyntaxError"),
    "null byte": ("x = '\x00'\n", "null bytes"),
    "reads stdin": ("def build_model():\n    return input('units? ')\n", "EOFError"),
    "recursion": ("def build_model():\n    return build_model()\n", "RecursionError"),
    "unbuilt": (UNBUILT, "--input-shape"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(describe: Describe, case: str) -> None:
    text, words = WRONG[case]
    error = failure(describe, text)
    assert words in f"{error.message}\n{error.remedy}"
    assert error.exit_code == 7
    for line in error.user_traceback.splitlines():
        assert "tfhost" not in line
        assert "site-packages" not in line


def test_the_traceback_has_the_lines_of_the_user_only(describe: Describe) -> None:
    lines = failure(describe, WRONG["raises"][0]).user_traceback.splitlines()
    assert "net.py" in lines[1]
    assert "line 2, in build_model" in lines[1]
    assert lines[2].strip() == "return 1 / 0"
    assert lines[-1] == "ZeroDivisionError: division by zero"
    syntax = failure(describe, WRONG["syntax"][0]).user_traceback
    assert "def build_model(:" in syntax


def test_a_name_that_is_not_there_gets_a_suggestion(describe: Describe) -> None:
    error = failure(describe, f"import keras\nbuild_net = lambda: {DENSE}\n", ":bild_net")
    assert "did you mean build_net?" in error.message


def test_an_unbuilt_model_is_built_from_a_shape_or_a_sample(describe: Describe) -> None:
    error = failure(describe, UNBUILT)
    assert "(model, sample_input)" in f"{error.message} {error.remedy}"
    shaped = describe(UNBUILT, input_shapes=("3",))
    sampled = describe(
        f"{UNBUILT.replace('Net()', '(Net(), np.ones((1, 3)))')}import numpy as np\n"
    )
    for architecture in (shaped, sampled):
        assert [v.shape for v in architecture.weights] == [(3, 2), (2,)]


def test_what_the_user_prints_is_relayed_and_harms_nothing(
    host: ChildHost, describe: Describe, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "import keras, os, sys\n"
        "print('{\"ok\": false}')\n"
        "os.write(1, b'raw bytes\\n')\n"
        "sys.stderr.write('to stderr\\n')\n"
        f"def build_model():\n    print('building', end='')\n    return {DENSE}\n"
    )
    assert describe(text).name == "net"
    host.close()  # all that was printed has arrived then
    printed = capsys.readouterr()
    assert printed.out == ""
    for words in ('{"ok": false}', "raw bytes", "to stderr", "building"):
        assert words in printed.err
    assert "\x1e" not in printed.err


def test_files_beside_it_can_be_imported(describe: Describe, tmp_path: Path) -> None:
    (tmp_path / "blocks_beside.py").write_text("UNITS = 2\n", encoding="utf-8")
    text = f"import keras\nfrom blocks_beside import UNITS\nmodel = {DENSE}\n"
    assert describe(text, name="my-model 2.py").name == "net"


def test_a_module_and_its_factory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: ChildHost
) -> None:
    package = tmp_path / "nets9" / "small"
    package.mkdir(parents=True)
    for part in (package.parent, package):
        (part / "__init__.py").write_text("", encoding="utf-8")
    (package / "dense.py").write_text(f"import keras\ntiny = lambda: {DENSE}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArchitectureError, match=r"nets9.* could not be imported"):
        host.describe(arch_request("nets9.nope:tiny"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    host.close()
    assert host.describe(arch_request("nets9.small.dense:tiny")).name == "net"


CONFIG = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {
        "name": "net",
        "layers": [
            {
                "module": "keras.layers",
                "class_name": "InputLayer",
                "config": {"batch_shape": [None, 3], "dtype": "float32", "name": "input"},
            },
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "config": {"name": "d", "units": 2},
            },
        ],
    },
}


def with_layer(**layer: Any) -> str:
    layers = [*CONFIG["config"]["layers"], layer]  # type: ignore[index]
    return json.dumps(CONFIG | {"config": {"name": "net", "layers": layers}})


def test_a_keras_config(describe: Describe) -> None:
    described = describe(json.dumps(CONFIG), name="net.json")
    assert [v.path for v in described.weights] == ["net/d/kernel", "net/d/bias"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            with_layer(module="keras.layers", class_name="Lambda", config={"name": "evil"}),
            "layer 'evil': Lambda: a Lambda layer holds Python code, which is not run",
        ),
        (with_layer(module="os", class_name="system", config={}), "os.system"),
        (with_layer(module="keras.layers", class_name="Dense9", config={}), "Dense9 is not"),
        ("{", "not JSON"),
        ("[]", "no Keras config"),
        ("[" * 100_000, "not JSON"),
        (json.dumps({"class_name": "Sequential"}), "Sequential without layers"),
    ],
    ids=["lambda", "foreign", "unknown", "broken", "list", "deep", "hollow"],
)
def test_a_config_that_is_refused(describe: Describe, text: str, words: str) -> None:
    assert words in failure(describe, text, name="net.json").message


def test_a_crash_in_native_code_is_an_error(describe: Describe) -> None:
    text = (
        "import os, signal\nprint('last words', flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    with pytest.raises(Died, match="was killed by SIGSEGV during 'describe'") as caught:
        describe(text)
    assert "last words" in caught.value.message


def test_a_model_that_never_ends_is_stopped(
    host: ChildHost, describe: Describe, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe(f"import keras\nmodel = {DENSE}\n")
    monkeypatch.setattr(host, "_limit", 1.0)
    with pytest.raises(TimedOut, match="no answer to 'describe' in 1 s"):
        describe("while True: pass\n")


def test_keras_2_on_request(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    model = DENSE.replace("keras.Input((3,))", "keras.layers.Input((3,))")
    path.write_text(
        f"from tensorflow import keras\nmodel = {model}\nprint(keras.layers.Dense)\n",
        encoding="utf-8",
    )
    before = "tensorflow" in sys.modules  # other tests of this process may have a live model
    with ChildHost(keras=2) as host:
        described = host.describe(arch_request(str(path), keras=2))
    assert described.framework == "keras2"
    assert [v.shape for v in described.weights] == [(3, 2), (2,)]
    assert ("tensorflow" in sys.modules) is before
