"""Graphs and checkpoints that TensorFlow 1.4 and 1.15 wrote: what their own sessions answered."""

import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tfhost.worker.test_metagraph import assert_close, loaded_session, run
from tfrepair.api.sources import Reading, open_store
from tfrepair.architecture.request import arch_request
from tfrepair.core.architecture import Architecture
from tfrepair.core.plan import Confidence, Plan
from tfrepair.core.receipt import Receipt
from tfrepair.core.state import ProvenanceKind
from tfrepair.planning.build import build_plan
from tfrepair.rebuild.apply import apply
from tfrepair.tfhost.client import ChildHost
from tfrepair.verify.bits import check_bits
from tfrepair.verify.forward import check_forward
from tfrepair.verify.structure import check_structure
from tfrepair.writers.savedmodel import write

pytestmark = pytest.mark.tf

GOLDEN = Path(__file__).parents[2] / "golden" / "metagraph"
CASES = [(v, case) for v in ("tf1_4", "tf1_15") for case in ("layers", "recurrent", "pipeline")]
SERVES = {
    "layers": ({"image": "image"}, {"probabilities": "probabilities"}),
    "recurrent": ({"words": "words", "lengths": "lengths"}, {"score": "score"}),
    "pipeline": ({"batch:0": "batch_0"}, {"logits": "logits"}),
}
TRAINS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "layers": ({"image": "image", "label": "label"}, {"is_training": True, "keep_prob": 1.0}),
    "pipeline": ({"batch:0": "batch_0", "batch:1": "batch_1"}, {}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    case: str
    expected: dict[str, Any]
    architecture: Architecture
    plan: Plan
    provenance: set[ProvenanceKind]
    receipt: Receipt
    model: Path


@pytest.fixture(scope="module", params=CASES, ids=["-".join(case) for case in CASES])
def converted(
    request: pytest.FixtureRequest,
    graph_host: ChildHost,
    tmp_path_factory: pytest.TempPathFactory,
) -> Converted:
    version, case = request.param
    folder = tmp_path_factory.mktemp(f"{version}-{case}")
    for file in (GOLDEN / version).glob(f"{case}.ckpt.*"):
        shutil.copy(file, folder)
    packed = folder / f"{case}.ckpt.meta.gz"
    meta = packed.with_suffix("")
    meta.write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    store = open_store(folder / f"{case}.ckpt")
    architecture = graph_host.describe(arch_request(str(meta)))
    plan = build_plan(store, architecture, Reading(store))
    state = apply(plan, store, architecture)
    receipt = write(state, graph_host, folder, keep_state=False, step=lambda _done, _total: None)
    return Converted(
        case=case,
        expected=json.loads((GOLDEN / version / f"{case}.json").read_text()),
        architecture=architecture,
        plan=plan,
        provenance={entry.provenance.kind for entry in state.entries},
        receipt=receipt,
        model=folder / "model",
    )


def given(one: Converted, names: dict[str, str]) -> dict[str, Any]:
    values = one.expected["given"]
    dtypes = {
        spec.name: spec.dtype for signature in one.receipt.signatures for spec in signature.inputs
    }
    return {name: np.array(values[key], dtypes[name]) for key, name in names.items()}


def test_everything_is_read_by_equal_names(converted: Converted) -> None:
    assert {match.confidence for match in converted.plan.matches} == {Confidence.CERTAIN}
    assert (converted.plan.missing, converted.plan.leftover) == ((), ())
    assert converted.provenance == {ProvenanceKind.READ}


def test_what_was_written_is_what_was_meant(converted: Converted, fresh_host: ChildHost) -> None:
    one = converted
    checks = [*check_structure(one.model), *check_bits(one.model, one.receipt.variables)]
    forward, worst, batches = check_forward(
        one.model, Path(one.receipt.probe), fresh_host, is_random=False
    )
    assert [check for check in (*checks, *forward) if not check.passed] == []
    assert (worst, batches) == (0.0, (1, 3))


def test_it_serves_what_the_old_session_answered(converted: Converted) -> None:
    import tensorflow as tf

    inputs, outputs = SERVES[converted.case]
    assert [spec.name for spec in converted.architecture.inputs] == list(inputs.values())
    values = given(converted, inputs)
    signature = tf.saved_model.load(str(converted.model)).signatures["serving_default"]
    served = signature(**{name: tf.constant(value) for name, value in values.items()})
    with loaded_session(converted.model) as (session, definitions):
        again = run(session, definitions["serving_default"], values)
    for key, name in outputs.items():
        want = np.array(converted.expected["outputs"][key], np.float32)
        assert_close(served[name], want)
        assert_close(again[name], want)


def test_training_goes_on_where_the_old_session_ended(converted: Converted) -> None:
    import tensorflow as tf

    losses = np.array(converted.expected["losses"], np.float32)
    assert converted.architecture.has_loss == bool(len(losses))
    if not len(losses):
        return
    names, switches = TRAINS[converted.case]
    values = {**given(converted, names), **switches}
    with loaded_session(converted.model) as (session, definitions):
        found = [run(session, definitions["train_step"], values)["loss"] for _ in losses]
    assert_close(found, losses)
    step = tf.saved_model.load(str(converted.model)).signatures["train_step"]
    tensors = {name: tf.constant(value) for name, value in values.items()}
    assert_close([step(**tensors)["loss"] for _ in losses], losses)


def test_outputs_that_nothing_uses_are_no_answers(converted: Converted) -> None:
    """The sequence of a recurrent layer whose last state is used."""
    names = [spec.name for spec in converted.architecture.outputs]
    assert names == list(SERVES[converted.case][1].values())
