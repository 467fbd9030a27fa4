"""What an audit says of 44 ways to keep state, and of twenty ordinary models, under both Kerases.

The columns were measured by saving and searching the files for the value:
``scripts.audit_tables.patterns.py`` does it again.
"""

import json
import re
from pathlib import Path

import pytest

from tfrepair.architecture.request import arch_request
from tfrepair.core.audit import Audit, AuditedState, Fate, StateKind, Way
from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Severity
from tfrepair.tfhost.client import ChildHost

pytestmark = pytest.mark.tf

PATTERNS = Path(__file__).with_name("audit_patterns.py")
ORDINARY = Path(__file__).with_name("audit_ordinary.py")
WAYS = (
    Way.GET_WEIGHTS, Way.WEIGHTS_H5, Way.KERAS, Way.EXPORT, Way.SAVED_MODEL, Way.CHECKPOINT,
)  # fmt: skip
LETTERS = {
    Fate.KEPT: "Y",
    Fate.LOST: "-",
    Fate.BAKED: "b",
    Fate.RAISES: "X",
    Fate.NOT_MEANT: ".",
    Fate.BY_OPTIMIZER: "o",
}
REFUSED = "refused"
"""The model cannot even be built, and says so."""

SAFE, IN_LIST, RAW, OUTSIDE = "YYYYYY", "YYYYY-", "---YYY", "---YX-"
KERAS_3 = {
    "add_weight_in_init": SAFE,
    "add_weight_in_build": SAFE,
    "non_trainable": SAFE,
    "sublayer_attribute": SAFE,
    "sublayer_in_tuple": SAFE,
    "variable_in_tuple": SAFE,
    "own_attribute": SAFE,
    "weight_in_list": IN_LIST,
    "weight_in_dict": IN_LIST,
    "own_in_list": IN_LIST,
    "own_in_dict": IN_LIST,
    "sublayer_in_list": IN_LIST,
    "sublayer_in_dict": IN_LIST,
    "appended_in_build": IN_LIST,
    "variable_in_nested_list": "YYYYX-",
    "sublayer_in_nested_list": "YYYYX-",
    "raw_attribute": RAW,
    "raw_in_build": RAW,
    "raw_in_call": RAW,
    "raw_in_tuple": RAW,
    "raw_before_super": RAW,
    "raw_in_list": "---YY-",
    "raw_in_dict": "---YY-",
    "raw_appended": "---YY-",
    "raw_under_number": "---XX-",
    "raw_in_module": RAW,
    "raw_in_object": OUTSIDE,
    "sublayer_in_object": OUTSIDE,
    "past_setattr": OUTSIDE,
    "by_object_setattr": OUTSIDE,
    "uses_global": OUTSIDE,
    "lambda_over_variable": OUTSIDE,
    "lambda_over_layer": OUTSIDE,
    "owns_metric": OUTSIDE,
    "tensorflow_generator": RAW,
    "mutable_table": RAW,
    "keras_generator": OUTSIDE,
    "eager_constant": "---bb-",
    "numpy_array": "---bb-",
    "lazy_weight": REFUSED,
    "lazy_sublayer": REFUSED,
    "no_super": REFUSED,
    "compiled_only": "..-.--",
    "blocks_in_functional": IN_LIST,
}
OTHERWISE = {
    "sublayer_in_nested_list": "Y--YYY",
    "raw_under_number": "YYYXXX",
    "raw_in_module": "Y--YYY",
    "lambda_over_variable": "--XYX-",
    "owns_metric": "-YYYYY",
    "keras_generator": REFUSED,
    "lazy_weight": SAFE,
    "lazy_sublayer": SAFE,
}
"""Where tf_keras is neither safe nor as Keras 3 is."""
_SAFE_IN_KERAS_2 = re.compile(
    r"(weight|own|sublayer|variable|raw)_(in_(list|dict|build|call|tuple|nested_list)|attribute"
    r"|before_super|appended)|appended_in_build|blocks_in_functional"
)
KERAS_2 = {
    name: OTHERWISE.get(name, SAFE if _SAFE_IN_KERAS_2.fullmatch(name) else columns)
    for name, columns in KERAS_3.items()
}
CASES = [(name, 3, columns) for name, columns in KERAS_3.items()]
CASES += [(name, 2, columns) for name, columns in KERAS_2.items()]


def columns_of(audit: Audit) -> str:
    """Return the worst that becomes of any state, for each way."""
    found = []
    for way in WAYS:
        letters = {LETTERS[state.fates[way]] for state in audit.states} - {"Y"}
        found.append("".join(sorted(letters)) or "Y")
    return "".join(found)


def audited(hosts: dict[int, ChildHost], file: Path, name: str, keras: int = 3) -> Audit:
    return hosts[keras].audit(arch_request(f"{file}:{name}", keras=keras))


def test_there_are_44_patterns() -> None:
    assert len(KERAS_3) == len(KERAS_2) == 44


@pytest.mark.parametrize(("name", "keras", "columns"), CASES, ids=str)
def test_the_audit_says_what_each_way_of_saving_does(
    name: str, keras: int, columns: str, hosts: dict[int, ChildHost]
) -> None:
    if columns == REFUSED:
        with pytest.raises(ArchitectureError, match=r"audit_patterns\.py failed: \w+Error"):
            audited(hosts, PATTERNS, name, keras)
        return
    assert columns_of(audited(hosts, PATTERNS, name, keras)) == columns


NAMES = (
    "dense", "functional_cnn", "residual", "dropouts", "augmented", "lstm", "bidirectional",
    "attention", "nested", "subclassed", "custom_layer", "positions", "autoencoder", "normalized",
    "discretized", "words", "lambdas", "mixed", "module", "mobile_net",
)  # fmt: skip


@pytest.mark.parametrize("keras", [3, 2])
@pytest.mark.parametrize("name", NAMES)
def test_ordinary_models_raise_no_alarm(name: str, keras: int, hosts: dict[int, ChildHost]) -> None:
    audit = audited(hosts, ORDINARY, name, keras)
    assert audit.losses == ()
    assert {state.severity for state in audit.states} <= {Severity.NOTE}
    assert {finding.code for finding in audit.findings} <= {"stateful-random"}
    kinds = {state.kind for state in audit.states}
    assert kinds <= {StateKind.RANDOM, StateKind.OPTIMIZER, StateKind.CONSTANT}


def line_of(text: str) -> str:
    lines = PATTERNS.read_text().splitlines()
    return f"audit_patterns.py:{lines.index(text) + 1}"


@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("sublayer_in_list", "        self.blocks = [_dense()]", "setattr(self, f'blocks_{i}'"),
        ("raw_in_build", '    return tf.Variable([SENTINEL] * 3, name="raw")', "self.add_weight"),
        ("raw_in_object", "        self.holder = _Plain(_raw())", "make _Plain a keras.layers"),
        ("raw_in_module", "        self.module = _Module()", "keras.layers.Layer"),
        ("raw_under_number", "        self.states = {1: _raw()}", "use strings as keys"),
        ("uses_global", '    return tf.Variable([SENTINEL] * 3, name="raw")', "self.GLOBAL = "),
        ("numpy_array", '        self.state = np.full(3, SENTINEL, "float32")', "add_weight"),
        ("mutable_table", None, "save_own_variables()"),
    ],
)
def test_every_loss_has_its_line_and_its_fix(
    name: str, line: str | None, words: str, hosts: dict[int, ChildHost]
) -> None:
    for state in audited(hosts, PATTERNS, name).states:
        assert words in state.fix
        assert state.created.endswith(line_of(line) if line else "")
        assert state.line == (line.strip() if line else state.line)


def test_an_array_that_a_method_changes_is_a_loss(
    hosts: dict[int, ChildHost], tmp_path: Path
) -> None:
    file = tmp_path / "model.py"
    file.write_text(
        "import keras, numpy as np\n"
        "class Centered(keras.layers.Layer):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.center = np.zeros(4, 'float32')\n"
        "    def adapt(self, data):\n"
        "        self.center = data.mean(0)\n"
        "    def call(self, x):\n"
        "        return x - self.center\n"
        "def build_model():\n"
        "    return keras.Sequential([keras.Input((4,)), Centered()])\n"
    )
    (state,) = hosts[3].audit(arch_request(str(file))).losses
    assert (state.name, state.kind) == ("centered/center", StateKind.CONSTANT)
    assert state.created.endswith("model.py:5")


def test_an_array_that_is_drawn_anew_is_a_loss(hosts: dict[int, ChildHost], tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text(
        "import keras, numpy as np\n"
        "class Projected(keras.layers.Layer):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.matrix = np.random.normal(size=(4, 4)).astype('float32')\n"
        "    def call(self, x):\n"
        "        return x @ self.matrix\n"
        "def build_model():\n"
        "    return keras.Sequential([keras.Input((4,)), Projected()])\n"
    )
    (state,) = hosts[3].audit(arch_request(str(file))).losses
    assert state.name == "projected/matrix"


def test_a_weight_that_only_a_built_optimizer_holds_is_a_warning(
    hosts: dict[int, ChildHost], tmp_path: Path
) -> None:
    file = tmp_path / "model.py"
    file.write_text(
        f"import sys\nsys.path.insert(0, {str(PATTERNS.parent)!r})\n"
        "import audit_patterns\n"
        "def build_model():\n"
        "    model = audit_patterns.blocks_in_functional()\n"
        "    model.compile('adam', 'mse')\n"
        "    model.optimizer.build(model.trainable_variables)\n"
        "    return model\n"
    )
    audit = hosts[3].audit(arch_request(str(file)))
    by_name = {state.name.rpartition("/")[2]: state for state in audit.states}
    assert by_name["kernel"].fates[Way.CHECKPOINT] is Fate.BY_OPTIMIZER
    assert by_name["kernel"].severity is Severity.WARNING
    assert by_name["moving_mean"].fates[Way.CHECKPOINT] is Fate.LOST
    assert by_name["moving_mean"].severity is Severity.LOSS


def test_a_module_is_told_in_its_own_words(hosts: dict[int, ChildHost], tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text(
        "import tensorflow as tf\n"
        "class Holder:\n"
        "    pass\n"
        "class Net(tf.Module):\n"
        "    def __init__(self):\n"
        "        self.kernel = tf.Variable(tf.ones((3, 3)))\n"
        "        self.holder = Holder()\n"
        "        self.holder.scale = tf.Variable(2.0)\n"
        "    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32)])\n"
        "    def __call__(self, x):\n"
        "        return x @ self.kernel * self.holder.scale\n"
        "def build_model():\n"
        "    return Net()\n"
    )
    audit = hosts[3].audit(arch_request(str(file)))
    (state,) = audit.losses
    assert (state.name, audit.kept) == ("holder/scale", 1)
    assert state.lost_by == (Way.CHECKPOINT, Way.SAVED_MODEL)
    assert state.fates[Way.GET_WEIGHTS] is Fate.NOT_MEANT
    assert "make Holder a tf.Module" in state.fix


def test_a_layer_that_stores_its_own_variables_is_believed(
    hosts: dict[int, ChildHost], tmp_path: Path
) -> None:
    file = tmp_path / "model.py"
    file.write_text(
        "import keras\n"
        "import tensorflow as tf\n"
        "class Own(keras.layers.Layer):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.scale = tf.Variable([1.0, 2.0, 3.0])\n"
        "    def call(self, x):\n"
        "        return x * self.scale\n"
        "    def save_own_variables(self, store):\n"
        "        store['scale'] = self.scale.numpy()\n"
        "    def load_own_variables(self, store):\n"
        "        self.scale.assign(store['scale'])\n"
        "def build_model():\n"
        "    return keras.Sequential([keras.Input((3,)), Own()])\n"
    )
    (state,) = hosts[3].audit(arch_request(str(file))).losses
    assert state.lost_by == (Way.GET_WEIGHTS,)


def test_audits_survive_json(hosts: dict[int, ChildHost]) -> None:
    audit = audited(hosts, PATTERNS, "raw_in_object")
    assert audit.states
    assert isinstance(audit.states[0], AuditedState)
    assert Audit.from_json(json.loads(json.dumps(audit.to_json()))) == audit
