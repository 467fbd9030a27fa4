# ruff: noqa: ANN401
"""Measures what lost optimizer slots cost, for every strategy of giving them a value.

    python -m scripts.optimizer_tables.lost_slots [--optimizer adam]... [--seeds 5] [--out DIR]

A network is trained, loses slots, gets them back by a strategy, and makes 200 more updates on the
batches that the uninterrupted training sees. The loss between the two curves is the deviation; its
positive part over the zero slots of a fresh optimizer is what the tables give, as a geometric mean
over problems and seeds. The strategy that the project would choose goes through its own planning
and its own worker. Results are kept per optimizer and read again by ``--table``.
"""

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from scripts.optimizer_tables.problems import PROBLEMS, Problem, optimizer, stream, trainer
from tfrepair.core.beta_powers import correction_free
from tfrepair.core.calibration import Recipe, SlotTask
from tfrepair.core.plan import Confidence, Match
from tfrepair.core.tensor import SourceName
from tfrepair.core.transform import IDENTITY
from tfrepair.planning.consistency import decide
from tfrepair.planning.dialects.slot_meanings import MEANINGS
from tfrepair.planning.estimates import task_of
from tfrepair.planning.wanted_optimizer import wanted_optimizer
from tfrepair.tfhost.protocol import ArchRequest, CalibrateRequest, ValueFile
from tfrepair.tfhost.training_requests import DataRequest

STEPS = 200
DONOR_AGE = 200
BATCHES = {"rmsprop": 8, "adagrad": 16}
OTHER_BATCHES = 64
STEP = "optimizer/iteration"
FRESH = "fresh start"
State = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """Which slots are lost."""

    name: str
    lost: Callable[[Any], bool]
    counter: bool = False


@dataclass
class Lab:
    """One problem under one optimizer, trained from one seed after another."""

    problem: Problem
    name: str
    folder: Path
    state: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        import keras
        import tensorflow as tf

        from tfrepair.tfhost.worker.build import build_live
        from tfrepair.tfhost.worker.describe import describe
        from tfrepair.tfhost.worker.variables import named_variables

        tf.get_logger().setLevel("ERROR")
        model = self.problem.build()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer(self.name, self.problem.rates[self.name]), loss)
        request = ArchRequest(kind="live", location="")
        self.built = build_live(model, None, request)
        self.architecture = describe(self.built, request)
        self.variables = named_variables(self.built)
        self.by_path = {str(named.path): named.variable for named in self.variables}
        self.initial = self.values()
        self.run = trainer(model)
        wanted = wanted_optimizer(self.architecture)
        if wanted is None:
            message = f"{self.name} has no variables"
            raise ValueError(message)
        self.wanted = wanted
        self.slots = [variable for variable, _ in self.wanted.slots]
        self.kinds = {str(variable.path): kind for variable, kind in self.wanted.slots}

    def values(self) -> dict[str, Any]:
        """Return every value."""
        return {str(named.path): named.variable.numpy() for named in self.variables}

    def train(self, seed: int) -> None:
        """Train from a seed to the interruption, and on without it."""
        import keras

        keras.utils.set_random_seed(seed)
        fresh = self.problem.build()
        start = dict(self.initial)
        weights = [named for named in self.variables if named.kind.value == "weight"]
        for named, value in zip(weights, fresh.get_weights(), strict=True):
            start[str(named.path)] = value
        self.put(start)
        self.seed = seed
        steps = self.problem.steps
        xs, ys = stream(self.problem, seed, steps + STEPS)
        self.run(xs[: steps - DONOR_AGE], ys[: steps - DONOR_AGE])
        self.donor = self.values()
        self.run(xs[steps - DONOR_AGE : steps], ys[steps - DONOR_AGE : steps])
        self.state = self.values()
        self.rest = xs[steps:], ys[steps:]
        self.reference = self.run(*self.rest)

    def put(self, state: State) -> None:
        """Set every variable."""
        for path, value in state.items():
            self.by_path[path].assign(value)

    def cost(self, state: State) -> dict[str, float]:
        """Train on from a state; return deviation, excess and the worst mean over ten steps."""
        self.put(state)
        apart = self.run(*self.rest) - self.reference
        apart = np.where(np.isfinite(apart), apart, 1e3)
        bump = np.convolve(apart, np.ones(10) / 10, "valid").max()
        return {
            "deviation": float(np.abs(apart).sum()),
            "excess": float(apart.sum()),
            "bump": float(bump),
        }

    def fresh(self, paths: Any, *, count: int | None = None) -> dict[str, Any]:
        """Return the state with slots as a fresh optimizer has them."""
        state = dict(self.state) | {path: self.initial[path] for path in paths}
        if count is not None:
            state[STEP] = np.asarray(count, state[STEP].dtype)
        return state

    def tasks(self, lost: set[str]) -> tuple[SlotTask, ...]:
        """Describe the slots to the worker."""
        return tuple(
            task_of(v.path, v.of, kind, self.wanted, lost=str(v.path) in lost)
            for v, kind in self.wanted.slots
        )

    def calibrated(self, lost: set[str], recipe: Recipe | None = None) -> dict[str, Any]:
        """Let the worker estimate what is lost."""
        from tfrepair.tfhost.worker.calibrate import calibrate

        count = BATCHES.get(self.name, OTHER_BATCHES)
        xs, ys = stream(self.problem, self.seed, count, order=1)
        np.savez(self.folder / "data.npz", x=xs, y=ys)
        request = CalibrateRequest(
            values=self._files(lost),
            tasks=self.tasks(lost),
            data=DataRequest(location=str(self.folder / "data.npz"), batches=count),
            folder=str(self.folder),
            counter=STEP,
            steps=self.problem.steps,
        )
        found = calibrate(self.built, request, recipe)
        state = self.fresh(lost, count=found.counter)
        for file in found.values:
            array = np.fromfile(file.file, np.dtype(file.dtype))
            state[file.path] = array.reshape(file.shape)
        return state

    def _files(self, lost: set[str]) -> tuple[ValueFile, ...]:
        files = []
        for place, (path, value) in enumerate(self.state.items()):
            if path in lost:
                continue
            file = self.folder / f"{place}.bin"
            file.write_bytes(np.ascontiguousarray(value).tobytes())
            files.append(
                ValueFile(path=path, file=str(file), dtype=value.dtype.name, shape=value.shape)
            )
        return tuple(files)

    def decided(self, lost: set[str], *, data: bool) -> tuple[set[str], bool]:
        """Return what the project's planning starts afresh or estimates, and if all of it is."""
        candidates: dict[Any, Any] = {
            v.path: "lost" if str(v.path) in lost else _match(v.path) for v in self.slots
        }
        weights: dict[Any, Any] = {v.path: _match(v.path) for v in self.architecture.weights}
        family = self.wanted.family
        kinds = frozenset(MEANINGS[family.name]) if data and family is not None else frozenset()
        unit = decide(self.wanted, candidates, weights, None, kinds)
        return {str(entry.target) for entry in unit.fresh}, unit.is_reset


def _match(path: Any) -> Match:
    return Match(
        target=path,
        sources=(SourceName(path),),
        transform=IDENTITY,
        confidence=Confidence.CERTAIN,
        evidence=(),
    )


def cases_of(lab: Lab) -> list[Case]:
    """Return the losses that an optimizer can suffer."""
    cases = [Case("all slots", lambda _: True)]
    kinds = dict.fromkeys(lab.kinds.values())
    if len(kinds) > 1:
        cases += [Case(f"{kind}", lambda v, k=kind: lab.kinds[str(v.path)] == k) for kind in kinds]
    largest = max(lab.slots, key=lambda v: int(np.prod(v.shape))).of
    owners = list(dict.fromkeys(v.of for v in lab.slots))
    half = set(owners[::2])
    cases.append(Case("largest tensor", lambda v: v.of == largest))
    cases.append(Case("half of the tensors", lambda v: v.of in half))
    if lab.wanted.family is not None and lab.wanted.family.counts_steps:
        cases.append(Case("step count", lambda _: False, counter=True))
    return cases


def strategies(lab: Lab, case: Case) -> dict[str, Callable[[], State]]:
    """Return the ways of giving lost slots a value; those with ``*`` need data."""
    lost = {str(v.path) for v in lab.slots if case.lost(v)}
    everything = {str(v.path) for v in lab.slots}
    steps = lab.problem.steps
    if case.counter:
        least = correction_free(*lab.wanted.betas)
        return {
            FRESH: lambda: lab.fresh(everything, count=0),
            "count 0": lambda: lab.fresh((), count=0),
            "count half": lambda: lab.fresh((), count=steps // 2),
            "ladder": lambda: lab.fresh((), count=least),
        }
    count = BATCHES.get(lab.name, OTHER_BATCHES)
    counts = lab.wanted.family is not None and lab.wanted.family.counts_steps
    start = 0 if counts else None
    return {
        "zeros, rest kept": lambda: lab.fresh(lost),
        FRESH: lambda: lab.fresh(everything, count=start),
        "ladder": lambda: _without_data(lab, lost, everything, start),
        "donor": lambda: lab.fresh(()) | {path: lab.donor[path] for path in lost},
        "frozen *": lambda: lab.calibrated(lost, Recipe(frozen=count, rehearsed=0, start=steps)),
        "rehearsed from zeros *": lambda: lab.calibrated(
            everything,
            Recipe(frozen=0, rehearsed=count, counter=count if counts else None),
        ),
        "ladder *": lambda: lab.calibrated(lab.decided(lost, data=True)[0]),
    }


def _without_data(lab: Lab, lost: set[str], everything: set[str], start: int | None) -> State:
    afresh, is_reset = lab.decided(lost, data=False)
    if is_reset:
        return lab.fresh(everything, count=start)
    return lab.fresh(afresh)


def measured(
    name: str,
    seeds: int,
    only: Collection[str],
    cases: Collection[str],
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Measure one optimizer: some strategies in some cases, or all of them in all."""
    rows = []
    folder = Path(tempfile.mkdtemp())
    try:
        for problem in PROBLEMS:
            lab = Lab(problem, name, folder)
            for seed in range(seeds):
                lab.train(seed)
                everything = {str(variable.path) for variable in lab.slots}
                counts = lab.wanted.family is not None and lab.wanted.family.counts_steps
                fresh = lab.cost(lab.fresh(everything, count=0 if counts else None))
                known = {FRESH: fresh}
                for case in (one for one in cases_of(lab) if not cases or one.name in cases):
                    for strategy, make in strategies(lab, case).items():
                        if only and strategy not in only:
                            continue
                        key = strategy if strategy == FRESH else f"{case.name} {strategy}"
                        if key not in known:
                            known[key] = lab.cost(make())
                        rows.append(
                            {"optimizer": name, "problem": problem.name, "seed": seed}
                            | {"case": case.name, "strategy": strategy}
                            | {"fresh": fresh["deviation"]}
                            | known[key]
                        )
                say(f"{name} {problem.name} {seed}")
    finally:
        shutil.rmtree(folder)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return a table: a row for each case, a column for each strategy."""
    names = list(dict.fromkeys(r["strategy"] for r in rows))
    lines = ["| Optimizer | Lost | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for (opt, case), cells in _relative(rows).items():
        texts = [_cell(cells.get(name)) for name in names]
        lines.append(f"| {opt} | {case} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def _cell(values: list[float] | None) -> str:
    if not values:
        return ""
    return f"{np.exp(np.mean(np.log(values))):.2f} ({max(values):.2f})"


def choices(rows: list[dict[str, Any]]) -> str:
    """Return how far the project's choice is from the best strategy that has the same to go by.

    Without data it is held against the strategies without, with data against all of them; a donor
    is a rung of its own, above both.
    """
    lines = ["| Optimizer | Lost | ladder / best without data | ladder * / best with data |"]
    lines.append("|---|---|---|---|")
    for (opt, case), cells in _relative(rows).items():
        means = {n: float(np.exp(np.mean(np.log(v)))) for n, v in cells.items() if n != "donor"}
        bare = min(value for name, value in means.items() if "*" not in name)
        texts = [f"{means['ladder'] / bare:.2f}"]
        best = min(means.values())
        texts.append(f"{means['ladder *'] / best:.2f}" if "ladder *" in means else "")
        lines.append(f"| {opt} | {case} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def _relative(
    rows: list[dict[str, Any]],
) -> dict[tuple[str, str], dict[str, list[float]]]:
    """Return deviations over those of a fresh optimizer, by case and strategy."""
    grouped: dict[tuple[str, str], dict[str, list[float]]] = {}
    for r in rows:
        relative = r["deviation"] / r["fresh"]
        cell = grouped.setdefault((r["optimizer"], r["case"]), {})
        cell.setdefault(r["strategy"], []).append(max(relative, 1e-4))
    return grouped


def excess_table(rows: list[dict[str, Any]]) -> str:
    """Return the mean excess loss, summed over 200 steps, and the mean worst stretch."""
    names = list(dict.fromkeys(r["strategy"] for r in rows))
    lines = ["| Optimizer | Lost | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    grouped: dict[tuple[str, str], dict[str, list[float]]] = {}
    for r in rows:
        cell = grouped.setdefault((r["optimizer"], r["case"]), {})
        cell.setdefault(r["strategy"], []).append(r["excess"])
    for (opt, case), cells in grouped.items():
        texts = [f"{np.mean(cells[n]):.2f}" if n in cells else "" for n in names]
        lines.append(f"| {opt} | {case} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def _cell_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what tells one measurement from another."""
    return tuple(str(row[name]) for name in ("optimizer", "problem", "seed", "case", "strategy"))


def main() -> None:
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--optimizer", action="append", default=[])
    parser.add_argument("--strategy", action="append", default=[], help="measure only these anew")
    parser.add_argument("--case", action="append", default=[], help="measure only these anew")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("build/lost_slots"))
    parser.add_argument("--table", action="store_true", help="print what was measured before")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if not given.table:
        for name in given.optimizer or ["adam", "rmsprop", "adagrad"]:
            file = given.out / f"{name}.json"
            rows = measured(
                name, given.seeds, given.strategy, given.case, lambda t: print(t, flush=True)
            )
            if file.is_file():
                done = {_cell_of(row) for row in rows}
                before = json.loads(file.read_text("utf-8"))
                rows = [*(r for r in before if _cell_of(r) not in done), *rows]
            file.write_text(json.dumps(rows), encoding="utf-8")
    every = [r for f in sorted(given.out.glob("*.json")) for r in json.loads(f.read_text("utf-8"))]
    print(table(every), excess_table(every), choices(every), sep="\n\n")


if __name__ == "__main__":
    main()
