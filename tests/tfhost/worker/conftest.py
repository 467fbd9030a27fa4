"""Models of the zoo, built and exported once each in worker processes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tfrepair.architecture.request import arch_request
from tfrepair.core.architecture import Architecture, Role, Variable
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.receipt import Receipt
from tfrepair.core.tensor import Array
from tfrepair.tfhost.client import ChildHost
from tfrepair.tfhost.protocol import ExportRequest, ValueFile

ZOO = Path(__file__).with_name("zoo.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A model of the zoo, filled with values that nothing but a file can have given it."""

    architecture: Architecture
    receipt: Receipt
    values: dict[str, Array]
    model: Path

    @property
    def probe(self) -> dict[str, Array]:
        with np.load(self.receipt.probe) as archive:
            return dict(archive)


Export = Callable[..., Exported]


def value_for(variable: Variable, rng: np.random.Generator) -> Array:
    """Return a plausible value: variances are positive, counts are whole."""
    dtype = numpy_dtype(variable.dtype)
    if dtype.kind in "iu":
        return np.full(variable.shape, 7, dtype)
    positive = variable.role in (Role.MOVING_VARIANCE, Role.VARIANCE, Role.GAMMA)
    low = 0.5 if positive else -0.5
    return np.asarray(rng.uniform(low, low + 1, variable.shape)).astype(dtype)


@pytest.fixture(scope="session")
def hosts() -> Iterator[dict[int, ChildHost]]:
    with ChildHost(3) as three, ChildHost(2) as two:
        yield {3: three, 2: two}


@pytest.fixture(scope="session")
def graph_host() -> Iterator[ChildHost]:
    """A process for graphs of TensorFlow 1; the zoo's count what they have traced before."""
    with ChildHost(3) as host:
        yield host


@pytest.fixture(scope="session")
def fresh_host() -> Iterator[ChildHost]:
    """A process that never sees the zoo."""
    with ChildHost(3) as host:
        yield host


@pytest.fixture(scope="session")
def exported(hosts: dict[int, ChildHost], tmp_path_factory: pytest.TempPathFactory) -> Export:
    known: dict[tuple[str, int], Exported] = {}

    def export(name: str, keras: int = 3) -> Exported:
        if (name, keras) not in known:
            stage = tmp_path_factory.mktemp(f"{name}{keras}")
            known[name, keras] = export_from(hosts[keras], name, keras, stage)
        return known[name, keras]

    return export


def export_from(host: ChildHost, name: str, keras: int, stage: Path, zoo: Path = ZOO) -> Exported:
    architecture = host.describe(arch_request(f"{zoo}:{name}", keras=keras))
    rng = np.random.default_rng(11)
    values = {str(v.path): value_for(v, rng) for v in architecture.weights}
    files = []
    for place, (path, value) in enumerate(values.items()):
        file = stage / f"{place}.bin"
        value.tofile(file)
        files.append(
            ValueFile(path=path, file=str(file), dtype=value.dtype.name, shape=value.shape)
        )
    request = ExportRequest(
        directory=str(stage / "model"),
        values=tuple(files),
        keep_state=False,
        probe=str(stage / "probe.npz"),
    )
    receipt = host.export(request)
    return Exported(
        architecture=architecture, receipt=receipt, values=values, model=stage / "model"
    )
