"""The repairers, in the order in which they are asked."""

from tfrepair.api.repairs.bundles import BundleRepairer
from tfrepair.api.repairs.job import Repairer
from tfrepair.api.repairs.keras_archives import KerasArchiveRepairer
from tfrepair.api.repairs.saver_v1 import SaverRepairer

REPAIRERS: tuple[Repairer, ...] = (BundleRepairer(), SaverRepairer(), KerasArchiveRepairer())
"""One for each format; the first that knows a source repairs it."""
