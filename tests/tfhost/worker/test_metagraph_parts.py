"""Graphs of several training steps, of losses in scopes, of ``tf.keras``, of moved vocabularies.

What is expected of each graph of ``graphs_of_parts.py`` was computed by its own session.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tfhost.worker.test_metagraph import (
    Graph,
    assert_close,
    codes,
    export,
    graph_of,
    loaded_session,
    request,
    run,
)
from tfrepair.core.architecture import Architecture, VariableKind
from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.client import ChildHost, worker_environment

pytestmark = pytest.mark.tf

GRAPHS = Path(__file__).with_name("graphs_of_parts.py")
JUDGED = ["discriminator_second_BiasAdd", "discriminator_1_second_BiasAdd"]
CASES: dict[str, tuple[list[str], str, dict[str, Any]]] = {
    "adversarial": (["generator_images", *JUDGED], "train_g", {"train_op": "train_g"}),
    "together": (["generator_images", *JUDGED], "both", {}),
    "distance": (["model_last_BiasAdd", "model_1_last_BiasAdd"], "Momentum", {}),
    "keras": (["score_BiasAdd"], "training_1/group_deps", {}),
    "moved": (["score"], "", {}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("parts")
    program = [sys.executable, str(GRAPHS), str(made)]
    done = subprocess.run(program, check=False, capture_output=True, env=worker_environment(3))
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return made


def finding(architecture: Architecture, code: str) -> Finding:
    (found,) = [finding for finding in architecture.findings if finding.code == code]
    return found


def given(graph: Graph, name: str) -> Any:
    (found,) = [v for k, v in graph.expected.items() if k.replace("/", "_") == f"given_{name}"]
    return found


@pytest.mark.parametrize("name", CASES)
def test_it_serves_and_trains_as_the_session_did(
    name: str, folder: Path, graph_host: ChildHost, tmp_path: Path
) -> None:
    graph = graph_of(folder, name)
    outputs, step, options = CASES[name]
    one = export(graph_host, graph, tmp_path / "stage", **options)
    assert [spec.name for spec in one.architecture.outputs] == outputs
    losses = graph.expected["losses"]
    with loaded_session(one.model) as (session, definitions):
        serving = definitions["serving_default"]
        served = run(session, serving, {key: given(graph, key) for key in serving.inputs})
        assert graph.outputs.keys() <= served.keys()
        for key, value in graph.outputs.items():
            assert_close(served[key], value)
        assert ("train_step" in definitions) == bool(step) == bool(len(losses))
        if step:
            assert codes(one.architecture)["train-step"] == step
            training = definitions["train_step"]
            values = {key: given(graph, key) for key in training.inputs}
            steps = [run(session, training, values) for _ in losses]
            have = [list(found.values()) for found in steps]
            # Two optimizers at once race for the variables of both: only the first step is fixed.
            same = 1 if name == "together" else len(losses)
            assert_close(np.sort(have, axis=1)[:same], np.sort(losses, axis=1)[:same])


def test_candidates_for_the_training_step_are_named(folder: Path, graph_host: ChildHost) -> None:
    meta = folder / "adversarial" / "model.ckpt.meta"
    told = finding(graph_host.describe(request(meta)), "no-train-step")
    assert told.severity is Severity.LOSS
    assert "2 training steps, none of which runs the others" in told.message
    assert "train_d (minimizes d_loss:0)" in told.message
    assert told.remedy == "choose one: --train-op train_d or --train-op train_g"


def test_a_named_training_step_must_train(folder: Path, graph_host: ChildHost) -> None:
    meta = folder / "adversarial" / "model.ckpt.meta"
    with pytest.raises(ArchitectureError, match=r"--train-op trian_g: no operation") as caught:
        graph_host.describe(request(meta, train_op="trian_g"))
    assert "train_g" in caught.value.remedy
    with pytest.raises(ArchitectureError, match=r"--train-op noise: .* no variable") as caught:
        graph_host.describe(request(meta, train_op="noise"))
    assert caught.value.remedy == "these do: train_d, train_g"


def test_several_answers_are_told(folder: Path, graph_host: ChildHost) -> None:
    """Those of a GAN with a warning: nothing but the order of its variables tells them."""
    for name, severity in (("adversarial", Severity.WARNING), ("distance", Severity.NOTE)):
        architecture = graph_host.describe(request(folder / name / "model.ckpt.meta"))
        told = finding(architecture, "inferred-outputs")
        assert told.severity is severity
        assert told.where.count(":0") == len(architecture.outputs) > 1
        assert "--outputs" in told.remedy


def test_slots_of_keras_are_no_weights(folder: Path, graph_host: ChildHost) -> None:
    described = graph_host.describe(request(folder / "keras" / "model.ckpt.meta"))
    weights = [str(v.path) for v in described if v.kind is VariableKind.WEIGHT]
    assert weights == ["hidden/kernel", "hidden/bias", "score/kernel", "score/bias"]


def test_a_moved_vocabulary_is_found_by_its_name(
    folder: Path, graph_host: ChildHost, tmp_path: Path
) -> None:
    meta = folder / "moved" / "model.ckpt.meta"
    told = finding(graph_host.describe(request(meta)), "moved-file")
    assert str(folder / "words.txt") in told.message
    assert str(folder / "moved" / "assets" / "words.txt") in told.message
    alone = Path(shutil.copy(meta, tmp_path / "model.ckpt.meta"))
    with pytest.raises(ArchitectureError, match=r"words\.txt \(.*\) is not there") as caught:
        graph_host.describe(request(alone))
    assert str(tmp_path / "assets") in caught.value.remedy
    (tmp_path / "words.txt").write_text("one\n")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "words.txt").write_text("another\n")
    with pytest.raises(ArchitectureError, match="these differ"):
        graph_host.describe(request(alone))
