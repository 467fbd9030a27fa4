"""The mapping engine: which tensors of a source fill which variables, or that nothing tells.

:func:`tfrepair.planning.mapping.engine.map_tensors` takes a
:class:`~tfrepair.planning.mapping.problem.Problem` (names, shapes and types of both sides) and
returns what is :class:`~tfrepair.planning.mapping.problem.Mapped`. It loads SciPy, so nothing is
imported here. See ``docs/mapping.md`` for how it decides.
"""
