"""A TensorFlow 1 graph as the architecture: inferred, filled, served, trained on.

What is expected of each graph of ``graphs.py`` was computed by its own session.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tfhost.worker.conftest import Exported
from tfrepair.architecture.request import arch_request
from tfrepair.core.architecture import Architecture, VariableKind
from tfrepair.core.errors import ArchitectureError, UsageError
from tfrepair.core.findings import Severity
from tfrepair.core.tensor import Array
from tfrepair.tfhost.client import ChildHost, worker_environment
from tfrepair.tfhost.protocol import ArchRequest, ExportRequest, ValueFile
from tfrepair.verify.bits import check_bits
from tfrepair.verify.forward import check_forward
from tfrepair.verify.structure import check_structure

pytestmark = pytest.mark.tf

GRAPHS = Path(__file__).with_name("graphs.py")

INFERRED = {
    "dropout": (["x"], ["predictions"]),
    "normalized": (["x"], ["net_logits_BiasAdd"]),
    "queue": (["reading_0"], ["predictions"]),
    "iterator": (["IteratorGetNext_0"], ["logits_BiasAdd"]),
    "partitioned": (["words"], ["answer"]),
    "two_inputs": (["left", "right"], ["second_BiasAdd"]),
    "vocabulary": (["words"], ["score"]),
    "tutorial": (["Placeholder"], ["Softmax"]),
    "autoencoder": (["x"], ["decoder_BiasAdd"]),
}
SWITCHES: dict[str, dict[str, Any]] = {
    "dropout": {"keep_prob": 1.0},
    "normalized": {"is_training": True},
    "tutorial": {"Placeholder_2": 1.0},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A saved graph, and what its session says."""

    meta: Path
    expected: dict[str, Array]

    def inputs(self, names: list[str], prefix: str = "in") -> dict[str, Array]:
        values = [self.expected[f"{prefix}/{place}"] for place in range(len(names))]
        return dict(zip(names, values, strict=True))

    @property
    def outputs(self) -> dict[str, Array]:
        return {k.removeprefix("out/"): v for k, v in self.expected.items() if k.startswith("out/")}

    def value(self, path: str) -> Array:
        """Return a variable's value; the parts of a partitioned one in a row."""
        if f"var/{path}" in self.expected:
            return self.expected[f"var/{path}"]
        head, _, slot = path.partition("/")
        parts = [f"var/{head}/part_{place}" + (f"/{slot}" if slot else "") for place in range(3)]
        return np.concatenate([self.expected[part] for part in parts])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("graphs")
    program = [sys.executable, str(GRAPHS), str(made)]
    done = subprocess.run(program, check=False, capture_output=True, env=worker_environment(3))
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return made


@pytest.fixture(scope="session")
def host(graph_host: ChildHost) -> ChildHost:
    return graph_host


def graph_of(folder: Path, name: str) -> Graph:
    with np.load(folder / name / "expected.npz") as archive:
        return Graph(meta=folder / name / "model.ckpt.meta", expected=dict(archive))


def request(meta: Path, **options: Any) -> ArchRequest:
    return ArchRequest(kind="meta", location=str(meta), **options)


def export(
    host: ChildHost, graph: Graph, stage: Path, *, leave: str = "", **options: Any
) -> Exported:
    stage.mkdir(exist_ok=True)
    architecture = host.describe(request(graph.meta, **options))
    values = {str(v.path): graph.value(v.path) for v in architecture if v.path != leave}
    files = []
    for place, (path, value) in enumerate(values.items()):
        value.tofile(stage / f"{place}.bin")
        files.append(
            ValueFile(
                path=path,
                file=str(stage / f"{place}.bin"),
                dtype=value.dtype.name,
                shape=value.shape,
            )
        )
    receipt = host.export(
        ExportRequest(
            directory=str(stage / "model"),
            values=tuple(files),
            keep_state=False,
            probe=str(stage / "probe.npz"),
        )
    )
    return Exported(
        architecture=architecture, receipt=receipt, values=values, model=stage / "model"
    )


@pytest.fixture(scope="session", params=list(INFERRED))
def filled(
    request: pytest.FixtureRequest,
    folder: Path,
    host: ChildHost,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Graph, Exported]:
    name = request.param
    graph = graph_of(folder, name)
    return name, graph, export(host, graph, tmp_path_factory.mktemp(name))


Filled = tuple[str, Graph, Exported]


def codes(architecture: Architecture) -> dict[str, str]:
    return {finding.code: finding.where for finding in architecture.findings}


def test_inputs_and_outputs_are_found(filled: Filled) -> None:
    name, _, one = filled
    inputs, outputs = INFERRED[name]
    assert [spec.name for spec in one.architecture.inputs] == inputs
    assert [spec.name for spec in one.architecture.outputs] == outputs
    assert {"inferred-inputs", "inferred-outputs"} <= set(codes(one.architecture))
    assert one.architecture.framework == "graph1"
    text = json.dumps(one.architecture.to_json())
    assert Architecture.from_json(json.loads(text)) == one.architecture


def test_what_was_written_is_what_was_meant(filled: Filled, fresh_host: ChildHost) -> None:
    _, _, one = filled
    checks = [*check_structure(one.model), *check_bits(one.model, one.receipt.variables)]
    forward, worst, batches = check_forward(
        one.model, Path(one.receipt.probe), fresh_host, is_random=False
    )
    assert [check for check in (*checks, *forward) if not check.passed] == []
    assert (worst, batches) == (0.0, (1, 3))


def test_it_serves_what_the_session_answered(filled: Filled) -> None:
    """In ``tf.saved_model.load`` and in a session."""
    import tensorflow as tf

    name, graph, one = filled
    inputs = graph.inputs(INFERRED[name][0])
    signature = tf.saved_model.load(str(one.model)).signatures["serving_default"]
    served = signature(**{key: tf.constant(value) for key, value in inputs.items()})
    for key, value in graph.outputs.items():
        assert_close(served[key], value)
    with loaded_session(one.model) as (session, definitions):
        again = run(session, definitions["serving_default"], inputs)
    for key, value in graph.outputs.items():
        assert_close(again[key], value)


def test_training_goes_on_where_it_ended(filled: Filled) -> None:
    """The losses of the next steps are those of the session that went on."""
    import tensorflow as tf

    name, graph, one = filled
    losses = graph.expected["losses"]
    assert one.architecture.has_loss == bool(len(losses))
    if not len(losses):
        return
    (record,) = [s for s in one.receipt.signatures if s.name == "train_step"]
    labels = [graph.expected["label/0"]] if "label/0" in graph.expected else []
    values = [*graph.inputs(INFERRED[name][0]).values(), *labels]
    names = [spec.name for spec in record.inputs if spec.name not in SWITCHES.get(name, {})]
    given = {**dict(zip(names, values, strict=True)), **SWITCHES.get(name, {})}
    with loaded_session(one.model) as (session, definitions):
        found = [run(session, definitions["train_step"], given)["loss"] for _ in losses]
    assert_close(found, losses)
    step = tf.saved_model.load(str(one.model)).signatures["train_step"]
    tensors = {key: tf.constant(value) for key, value in given.items()}
    assert_close([step(**tensors)["loss"] for _ in losses], losses)


def assert_close(have: Any, want: Array) -> None:
    """Compare with what another process computed, maybe by other kernels of the same CPU."""
    if want.dtype.kind == "f":
        np.testing.assert_allclose(have, want, rtol=1e-6, atol=1e-6)
    else:
        np.testing.assert_array_equal(have, want)


class loaded_session:  # noqa: N801 - reads as a function
    """A session that has loaded a SavedModel; leaves with its signatures."""

    def __init__(self, model: Path) -> None:
        self._model = model

    def __enter__(self) -> tuple[Any, Any]:
        import tensorflow as tf

        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph)
        with self._graph.as_default():
            meta = tf.compat.v1.saved_model.load(self._session, ["serve"], str(self._model))
        return self._session, meta.signature_def

    def __exit__(self, *_: object) -> None:
        self._session.close()


def run(session: Any, signature: Any, inputs: dict[str, Any]) -> dict[str, Array]:
    feed = {signature.inputs[key].name: value for key, value in inputs.items()}
    answers: dict[str, Array] = session.run(
        {key: tensor.name for key, tensor in signature.outputs.items()}, feed
    )
    return answers


def test_variables_have_the_names_of_the_checkpoint(folder: Path, host: ChildHost) -> None:
    import tensorflow as tf

    for name in INFERRED:
        meta = folder / name / "model.ckpt.meta"
        described = {str(v.path): v for v in host.describe(request(meta))}
        stored = dict(tf.train.list_variables(str(meta.with_suffix(""))))
        assert {path: list(v.shape) for path, v in described.items()} == stored


def test_slots_averages_and_counters_are_no_weights(folder: Path, host: ChildHost) -> None:
    kinds = {
        v.path: (v.kind, v.of, v.slot)
        for name in ("dropout", "partitioned", "normalized")
        for v in host.describe(request(folder / name / "model.ckpt.meta"))
    }
    optimizer, weight = VariableKind.OPTIMIZER, VariableKind.WEIGHT
    found = {str(path): kind for path, kind in kinds.items()}
    assert found["hidden/kernel/Adam_1"] == (optimizer, "hidden/kernel", "Adam_1")
    assert found["embedding/Adagrad"] == (optimizer, "embedding", "Adagrad")
    average = (optimizer, "score/kernel", "ExponentialMovingAverage")
    assert found["score/kernel/ExponentialMovingAverage"] == average
    assert found["beta1_power"] == found["global_step"] == (optimizer, "", "")
    assert found["net/moving_mean"] == found["embedding"] == (weight, "", "")


def test_switches_rest_and_can_be_set(folder: Path, host: ChildHost) -> None:
    meta = folder / "dropout" / "model.ckpt.meta"
    (rest,) = [f for f in host.describe(request(meta)).findings if f.code == "constant-input"]
    assert rest.where == "keep_prob"
    assert rest.message.startswith("is 1.0 when serving")
    given = host.describe(request(meta, constants=(("keep_prob", "0.5"),)))
    (rest,) = [f for f in given.findings if f.code == "constant-input"]
    assert rest.message.startswith("is 0.5 when serving")
    taken = host.describe(request(meta, inputs=("x", "keep_prob")))
    assert [spec.name for spec in taken.inputs] == ["x", "keep_prob"]
    with pytest.raises(ArchitectureError, match="expected a float32"):
        host.describe(request(meta, constants=(("keep_prob", "much"),)))
    with pytest.raises(ArchitectureError, match="no placeholder of this name"):
        host.describe(request(meta, constants=(("kepp_prob", "1"),)))


def test_a_placeholder_that_may_be_a_setting_is_an_input_and_is_said(
    folder: Path, host: ChildHost, tmp_path: Path
) -> None:
    def scale(meta: Any) -> None:
        nodes = {node.name: node for node in meta.graph_def.node}
        strength = meta.graph_def.node.add(name="strength", op="Placeholder")
        strength.attr["dtype"].type = 1
        strength.attr["shape"].shape.unknown_rank = True
        scaled = meta.graph_def.node.add(name="scaled", op="Mul")
        scaled.attr["T"].type = 1
        scaled.input[:] = ["logits/BiasAdd", "strength"]
        nodes["predictions"].input[:] = ["scaled"]

    edited = changed(folder / "dropout" / "model.ckpt.meta", tmp_path, scale)
    architecture = host.describe(request(edited))
    assert [spec.name for spec in architecture.inputs] == ["x", "strength"]
    assert codes(architecture)["unsure-input"] == "strength"


def test_dropout_is_known_by_what_it_does(folder: Path, host: ChildHost) -> None:
    architecture = host.describe(request(folder / "tutorial" / "model.ckpt.meta"))
    (rest,) = [f for f in architecture.findings if f.code == "constant-input"]
    assert rest.where == "Placeholder_2"
    assert rest.message.startswith("is 1.0 when serving: dropout keeps")


def test_what_a_training_step_leaves_behind_is_named(folder: Path, host: ChildHost) -> None:
    found = {
        name: codes(host.describe(request(folder / name / "model.ckpt.meta"))) for name in INFERRED
    }
    behind = {
        name: where["not-trained-along"]
        for name, where in found.items()
        if "not-trained-along" in where
    }
    assert behind == {"partitioned": "score/kernel/ExponentialMovingAverage"}


def test_a_last_resort_is_a_warning(folder: Path, host: ChildHost) -> None:
    architecture = host.describe(request(folder / "autoencoder" / "model.ckpt.meta"))
    (finding,) = [f for f in architecture.findings if f.code == "inferred-outputs"]
    assert finding.severity is Severity.WARNING


def test_a_graph_for_training_only_is_told(folder: Path, host: ChildHost, tmp_path: Path) -> None:
    one = export(host, graph_of(folder, "training_only"), tmp_path / "stage")
    assert "batch-statistics" in {finding.code for finding in one.receipt.findings}
    (finding,) = [f for f in one.architecture.findings if f.code == "no-train-step"]
    assert "2 training steps" in finding.message


def test_outputs_and_inputs_can_be_named(folder: Path, host: ChildHost, tmp_path: Path) -> None:
    graph = graph_of(folder, "dropout")
    one = export(
        host,
        graph,
        tmp_path / "named",
        inputs=("image=x",),
        outputs=("logits/BiasAdd:0", "p=predictions"),
    )
    assert [spec.name for spec in one.architecture.outputs] == ["logits_BiasAdd", "p"]
    assert "inferred-outputs" not in codes(one.architecture)
    with loaded_session(one.model) as (session, definitions):
        served = run(session, definitions["serving_default"], {"image": graph.expected["in/0"]})
    assert_close(served["p"], graph.outputs["predictions"])
    inner = host.describe(request(graph.meta, inputs=("hidden/BiasAdd",)))
    assert [(s.name, s.shape) for s in inner.inputs] == [("hidden_BiasAdd", (None, 5))]
    with pytest.raises(ArchitectureError, match="no operation") as caught:
        host.describe(request(graph.meta, outputs=("prediction",)))
    assert "predictions" in caught.value.remedy


def test_a_fixed_batch_is_freed_where_the_graph_allows_it(
    folder: Path, host: ChildHost, tmp_path: Path
) -> None:
    meta = folder / "queue" / "model.ckpt.meta"
    free = host.describe(request(meta))
    assert "free-batch" in codes(free)
    assert free.inputs[0].shape == (None, 4)

    def pin(meta: Any) -> None:
        nodes = {node.name: node for node in meta.graph_def.node}
        shape = meta.graph_def.node.add(name="sixteen", op="Const")
        shape.attr["dtype"].type = 3
        tensor = shape.attr["value"].tensor
        tensor.dtype = 3
        tensor.tensor_shape.dim.add(size=2)
        tensor.int_val.extend([16, 3])
        pinned = meta.graph_def.node.add(name="pinned", op="Reshape")
        pinned.attr["T"].type, pinned.attr["Tshape"].type = 1, 3
        pinned.input[:] = ["logits/BiasAdd", "sixteen"]
        nodes["predictions"].input[:] = ["pinned"]

    fixed = host.describe(request(changed(meta, tmp_path, pin)))
    assert codes(fixed)["fixed-batch"] == "reading:0, reading:1"
    assert fixed.inputs[0].shape == (16, 4)


def test_python_on_the_way_is_refused_by_name(folder: Path, host: ChildHost) -> None:
    meta = folder / "python_inside" / "model.ckpt.meta"
    with pytest.raises(ArchitectureError, match=r"python \(PyFunc\)"):
        host.describe(request(meta))
    behind = host.describe(request(meta, inputs=("python",)))
    assert [spec.name for spec in behind.outputs] == ["second_BiasAdd"]


def foreign(meta: Any) -> None:
    """Add an operation that no TensorFlow has, behind the logits."""
    node = meta.graph_def.node.add(name="foreign", op="NotInstalledHere")
    node.input[:] = ["logits/BiasAdd"]
    behind = meta.graph_def.node.add(name="behind", op="Identity")
    behind.input[:] = ["foreign"]
    behind.attr["T"].type = 1
    meta.collection_def["summaries"].node_list.value.append("behind:0")


def test_foreign_operations_beside_the_way_are_left_out(
    folder: Path, host: ChildHost, tmp_path: Path
) -> None:
    graph = graph_of(folder, "dropout")
    edited = Graph(meta=changed(graph.meta, tmp_path, foreign), expected=graph.expected)
    one = export(host, edited, tmp_path / "stage", outputs=("predictions",))
    assert all(check.passed for check in check_structure(one.model))
    found = host.describe(request(edited.meta))
    assert [spec.name for spec in found.outputs] == ["predictions"]
    assert codes(found)["left-out-output"] == "behind:0"
    with pytest.raises(ArchitectureError, match=r"foreign \(NotInstalledHere\)"):
        host.describe(request(edited.meta, outputs=("behind",)))


def test_a_loss_that_python_computes_leaves_no_train_step(
    folder: Path, host: ChildHost, tmp_path: Path
) -> None:
    def break_loss(meta: Any) -> None:
        foreign(meta)
        nodes = {node.name: node for node in meta.graph_def.node}
        nodes["Adam"].input.append("^foreign")

    edited = changed(folder / "dropout" / "model.ckpt.meta", tmp_path, break_loss)
    architecture = host.describe(request(edited, outputs=("predictions",)))
    (finding,) = [f for f in architecture.findings if f.code == "no-train-step"]
    assert finding.severity is Severity.LOSS
    assert "foreign, a NotInstalledHere" in finding.message


def test_a_variable_without_value_starts_at_its_own_first_value(
    folder: Path, host: ChildHost, tmp_path: Path
) -> None:
    graph = graph_of(folder, "normalized")
    models = []
    for stage in ("one", "two"):
        one = export(host, graph, tmp_path / stage, leave="net/moving_variance")
        models.append(one.model)
    with loaded_session(models[0]) as (session, _):
        value = session.run("net/moving_variance/Read/ReadVariableOp:0")
    np.testing.assert_array_equal(value, np.ones(5))
    for file in sorted(models[0].rglob("*")):
        if file.is_file():
            other = models[1] / file.relative_to(models[0])
            assert other.read_bytes() == file.read_bytes(), file.name


def test_the_original_saver_restores_from_it(filled: Filled) -> None:
    import tensorflow as tf

    name, graph, one = filled
    if name != "partitioned":
        return
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        saver = tf.compat.v1.train.import_meta_graph(str(graph.meta))
        saver.restore(session, str(one.model / "variables" / "variables"))
        for variable in tf.compat.v1.global_variables():
            value = session.run(variable)
            np.testing.assert_array_equal(value, graph.expected[f"var/{variable.op.name}"])


@pytest.mark.parametrize("data", [b"", b"\x00" * 64, b"\x0a\x05hello", b"\x12\x00"], ids=str)
def test_what_is_no_graph_is_refused(data: bytes, host: ChildHost, tmp_path: Path) -> None:
    (tmp_path / "bad.meta").write_bytes(data)
    with pytest.raises(ArchitectureError, match="MetaGraphDef"):
        host.describe(request(tmp_path / "bad.meta"))


def changed(meta: Path, folder: Path, change: Any) -> Path:
    """Write a copy of a ``.meta`` file with something changed in it."""
    import tensorflow as tf

    edited = tf.compat.v1.MetaGraphDef.FromString(meta.read_bytes())
    change(edited)
    path = folder / "changed.meta"
    path.write_bytes(edited.SerializeToString())
    return path


def test_a_meta_file_is_known_by_its_content(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "renamed"
    copy.write_bytes((folder / "dropout" / "model.ckpt.meta").read_bytes())
    asked = arch_request(
        str(copy), inputs=("x",), outputs=("predictions",), feeds=("keep_prob=0.5",)
    )
    assert (asked.kind, asked.location) == ("meta", str(copy))
    assert (asked.inputs, asked.outputs) == (("x",), ("predictions",))
    assert asked.constants == (("keep_prob", "0.5"),)
    assert ArchRequest.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    with pytest.raises(UsageError, match="NAME=VALUE"):
        arch_request(str(copy), feeds=("keep_prob",))
    (tmp_path / "model.py").touch()
    with pytest.raises(UsageError, match=r"--outputs, .* \.meta graph"):
        arch_request(str(tmp_path / "model.py"), outputs=("predictions",))
    copy.write_bytes(copy.read_bytes()[:-100])
    with pytest.raises(ArchitectureError, match=r"\.meta file"):
        arch_request(str(copy))
