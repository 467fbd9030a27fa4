"""The repairers, in the order in which they are asked."""

from tfrepair.api.repairs.array_files import ArrayFileRepairer
from tfrepair.api.repairs.bundles import BundleRepairer
from tfrepair.api.repairs.job import Repairer
from tfrepair.api.repairs.keras_archives import KerasArchiveRepairer
from tfrepair.api.repairs.keras_h5 import KerasH5Repairer, KerasSalvageRepairer
from tfrepair.api.repairs.saver_v1 import SaverRepairer

REPAIRERS: tuple[Repairer, ...] = (
    BundleRepairer(),
    SaverRepairer(),
    # Archives that were not finished; whole ones go to the next.
    KerasSalvageRepairer(),
    KerasArchiveRepairer(),
    KerasH5Repairer(),
    ArrayFileRepairer(name="npy"),
    ArrayFileRepairer(name="npz"),
    ArrayFileRepairer(name="pickle"),
)
"""One for each format; the first that knows a source repairs it."""
