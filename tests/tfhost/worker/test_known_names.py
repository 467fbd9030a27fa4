"""The tables of names that configurations may use, against both Keras as they are installed."""

import json
from pathlib import Path

import pytest

from tests.e2e.programs import python
from tfrepair.architecture.keras_config import known

pytestmark = pytest.mark.tf

CODE = """
import json, sys
import keras, tf_keras
found = {}
for generation, which in ((2, tf_keras), (3, keras)):
    lost = [name for name in json.loads(sys.argv[1])[str(generation)]["layers"]
            if not issubclass(getattr(which.layers, name, int), which.layers.Layer)]
    for module, names in json.loads(sys.argv[1])[str(generation)].items():
        held = getattr(which, module)
        for name in names:
            if getattr(held, name, None) is None and name not in lost:
                try:
                    held.get(name)
                except ValueError:
                    lost.append(f"{module}.{name}")
    lost += [name for name in json.loads(sys.argv[1])["schedules"]
             if not hasattr(which.optimizers.schedules, name)]
    found[generation] = lost
print(json.dumps(found))
"""


def test_every_name_is_known_to_its_keras(tmp_path: Path) -> None:
    names = {
        generation: {
            "layers": sorted(known.LAYERS[generation]),
            "initializers": sorted(known.INITIALIZERS),
            "regularizers": sorted(known.REGULARIZERS),
            "constraints": sorted(known.CONSTRAINTS),
            "activations": sorted(known.ACTIVATIONS[generation]),
            "losses": sorted({*known.LOSSES, *known.LOSSES.values()}),
            "metrics": sorted((known.METRICS | known.METRIC_FUNCTIONS) - {"acc", "accuracy"}),
            "optimizers": sorted(known.OPTIMIZERS[generation] - {"LossScaleOptimizer"}),
        }
        for generation in (2, 3)
    }
    given = json.dumps({**names, "schedules": sorted(known.SCHEDULES)})
    assert json.loads(python(CODE, given, cwd=tmp_path)) == {"2": [], "3": []}
