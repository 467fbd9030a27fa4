"""Repairs: one module for each format, all behind the protocol of :mod:`tfrepair.api.repairs.job`.

:mod:`tfrepair.api.repairing` asks each of them in turn, writes what they give, reads it back and
puts it in place. A repair never changes its source.
"""
