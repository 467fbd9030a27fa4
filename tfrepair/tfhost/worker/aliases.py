"""Makes ``import keras`` mean tf_keras, for model code that was written for Keras 2."""

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

from typing_extensions import override


class _Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds ``keras.x`` as ``tf_keras.x``; both names then share one module object."""

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras" and not fullname.startswith("keras."):
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    @override
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return importlib.import_module(f"tf_{spec.name}")

    @override
    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module was run under its own name."""


def alias_keras() -> None:
    """Install the alias, once, before any model code runs."""
    if any(isinstance(finder, _Alias) for finder in sys.meta_path):
        return
    for name in [name for name in sys.modules if name == "keras" or name.startswith("keras.")]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Alias())
