"""The repairers, in the order in which they are asked."""

from tfrepair.api.repairs.bundles import BundleRepairer
from tfrepair.api.repairs.job import Repairer

REPAIRERS: tuple[Repairer, ...] = (BundleRepairer(),)
"""One for each format; the first that knows a source repairs it."""
