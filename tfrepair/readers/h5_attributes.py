"""Attributes of HDF5 groups and datasets: the few that Keras writes, within bounds.

Only attributes that are on a list of names are looked at; the bytes are read by
:mod:`tfrepair.wire.hdf5_attribute`. A damaged one is a finding.
"""

import re

from tfrepair.core.errors import OverLimit, SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.readers.h5_tree import Attribute
from tfrepair.wire.hdf5_attribute import attribute_value, stored_attributes

_KNOWN = re.compile(
    r"(?:layer_names|weight_names)\d{0,6}"
    r"|model_config|training_config|keras_version|backend|nb_layers|nb_params|name|dtype"
)
_MAX_ATTRIBUTES = 8192


def read_attributes(
    data: memoryview, address: int, base: int, where: str, stored: int
) -> tuple[dict[str, Attribute], list[Finding]]:
    """Read the attributes of a group or dataset that Keras may have written.

    Parameters
    ----------
    data, base
        The file, and where its HDF5 part begins.
    address
        Of the object's header.
    where
        How findings name the object.
    stored
        How many attributes it has by the library's account.

    Returns
    -------
    Attributes by name, and a finding for each that is damaged or too large.

    Raises
    ------
    OverLimit
        If there are too many.
    """
    if stored > _MAX_ATTRIBUTES:
        message = f"{where}: {stored} attributes; Keras writes a few"
        raise OverLimit(message, remedy="look for another copy of the file")
    found: dict[str, Attribute] = {}
    problems = []
    count = 0
    for attribute in stored_attributes(data, address, base):
        count += 1
        if not _KNOWN.fullmatch(attribute.name):
            continue
        try:
            found[attribute.name] = attribute_value(attribute, data, base)
        except SourceError as error:
            problems.append(_damaged(where, error.message))
    if count < stored:
        problems.append(_damaged(where, f"{stored - count} of {stored} attributes are not found"))
    return found, problems


def _damaged(where: str, message: str) -> Finding:
    return Finding(code="damaged-attribute", severity=Severity.ERROR, where=where, message=message)
