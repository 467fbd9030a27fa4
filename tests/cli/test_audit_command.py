"""The command ``audit``: text, JSON, exit codes, with a host that needs no TensorFlow."""

import gzip
import json
from pathlib import Path
from typing import Self

import pytest

from tests.cli.conftest import Run
from tfrepair.core.audit import Audit, AuditedState, Fate, StateKind, Way
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.protocol import ArchRequest

META = Path(__file__).parents[1] / "golden" / "metagraph" / "tf1_15" / "recurrent.ckpt.meta.gz"


def state(name: str, severity: Severity, **lost: Fate) -> AuditedState:
    fates = dict.fromkeys(Way, Fate.KEPT) | {Way[way]: fate for way, fate in lost.items()}
    return AuditedState(
        name=name,
        kind=StateKind.VARIABLE if severity is Severity.LOSS else StateKind.RANDOM,
        shape=(3,),
        dtype="float32",
        created="model.py:7",
        line="self.blocks = [Dense(3)]",
        fates=fates,
        severity=severity,
        reason="it is in a list",
        fix="give it an attribute",
    )


SEED = state("drop/state", Severity.NOTE, KERAS=Fate.LOST)
LOSSES = (
    state("blocks/0/kernel", Severity.LOSS, CHECKPOINT=Fate.LOST),
    state("blocks/0/bias", Severity.LOSS, CHECKPOINT=Fate.LOST),
    state("step", Severity.LOSS, GET_WEIGHTS=Fate.LOST, SAVED_MODEL=Fate.RAISES),
)


def audit(*states: AuditedState) -> Audit:
    return Audit(
        model="net",
        class_name="Functional",
        framework="keras3",
        source="model.py",
        states=states,
        kept=12,
        findings=(
            Finding(
                code="stateful-random", severity=Severity.NOTE, where="net", message="random ops"
            ),
        ),
    )


class FakeAuditor:
    """Answers every request with one audit."""

    answer = audit()
    asked: ArchRequest | None = None

    def __init__(self, keras: int = 3) -> None:
        self.keras = keras

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def audit(self, request: ArchRequest) -> Audit:
        FakeAuditor.asked = request
        return self.answer


@pytest.fixture
def auditor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[FakeAuditor]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    Path("model.py").write_text("raise SystemExit('run')\n", encoding="utf-8")
    monkeypatch.setattr("tfrepair.api.architectures.ChildHost", FakeAuditor)
    monkeypatch.setattr(FakeAuditor, "answer", audit(*LOSSES, SEED))
    return FakeAuditor


def test_losses_end_with_3_and_say_what_to_change(run: Run, auditor: type[FakeAuditor]) -> None:
    del auditor
    ended = run("audit", "--arch", "model.py")
    assert (ended.code, ended.err) == (3, "")
    lines = ended.out.splitlines()
    assert lines[0] == "model.py: Functional 'net' (keras3)"
    (row,) = [line for line in lines if "blocks/0/kernel and 1 more" in line]
    assert row.split()[-6:] == ["kept", "kept", "kept", "lost", "kept", "kept"]
    assert "loss 1  model.py:7: self.blocks = [Dense(3)]" in lines
    assert "    fix: give it an attribute" in lines
    assert lines[-1] == "3 states would be lost (12 kept by every way, 1 note)"


def test_notes_alone_end_with_0(
    run: Run, auditor: type[FakeAuditor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditor, "answer", audit(SEED))
    ended = run("audit", "--arch", "model.py")
    assert ended.code == 0
    assert ended.out.splitlines()[-1].startswith("nothing would be lost (12 kept")
    assert run("audit", "--arch", "model.py", "--quiet").out == ""


def test_json_is_one_object_with_its_schema(run: Run, auditor: type[FakeAuditor]) -> None:
    ended = run("audit", "--arch", "model.py", "--json")
    data = json.loads(ended.out)
    assert (data["schema"], data["exit_code"], data["losses"]) == ("tfrepair.audit/1", 3, 3)
    assert Audit.from_json(data) == auditor.answer
    assert data["states"][0]["fates"]["Checkpoint"] == "lost"


def test_options_reach_the_host(run: Run, auditor: type[FakeAuditor]) -> None:
    run("audit", "--arch", "model.py:make", "--keras", "2", "--input-shape", "8,3")
    asked = auditor.asked
    assert asked is not None
    assert (asked.factory, asked.keras) == ("make", 2)
    assert asked.input_shapes == (("", (-1, 8, 3)),)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "no architecture is given"),
        (("--arch", "absent.py"), 7, "absent.py"),
        (("--arch", "graph.meta"), 2, "its own Saver"),
    ],
    ids=["none", "absent", "meta"],
)
def test_what_cannot_be_audited_is_refused(
    arguments: tuple[str, ...], code: int, words: str, run: Run, auditor: type[FakeAuditor]
) -> None:
    del auditor
    Path("graph.meta").write_bytes(gzip.decompress(META.read_bytes()))
    ended = run("audit", *arguments)
    assert ended.code == code
    assert words in ended.err
