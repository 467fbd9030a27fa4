"""Which files and packages the user's code has brought in: what a model is made of besides data.

Looks at ``sys.modules`` and hashes files; knows nothing of models. A skeleton that is kept is held
against this later.
"""

import hashlib
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from types import ModuleType

_OWN = frozenset({"tfrepair", "__main__"})
_GENERATED = "__autograph_generated_file"
"""Begins the names of modules that TensorFlow writes for functions that it has traced."""
_FRAMEWORKS = ("tensorflow", "keras", "tf_keras", "numpy")


def known_packages() -> frozenset[str]:
    """Return the names of the packages that are there before the user's code runs."""
    return frozenset(name.partition(".")[0] for name in sys.modules)


def sources_since(known: frozenset[str]) -> dict[str, str]:
    """Return the files of the user's own modules: absolute path and SHA-256.

    Parameters
    ----------
    known
        What :func:`known_packages` gave before.
    """
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, module in _since(known)
        if (path := _file(module)) is not None and not _is_installed(path)
    }


def versions_since(known: frozenset[str]) -> dict[str, str]:
    """Return the versions of the frameworks and of the packages that the user's code imports."""
    added = {
        name.partition(".")[0]
        for name, module in _since(known)
        if (path := _file(module)) is not None and _is_installed(path)
    }
    distributions = packages_distributions() if added else {}
    names = {dist for package in added for dist in distributions.get(package, ())}
    found = {}
    for name in sorted({*_FRAMEWORKS, *names}):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _since(known: frozenset[str]) -> Iterator[tuple[str, ModuleType]]:
    for name, module in sorted(sys.modules.items()):
        top = name.partition(".")[0]
        is_ours = top in _OWN or top.startswith(_GENERATED)
        if not is_ours and top not in known and top not in sys.stdlib_module_names:
            yield name, module


def _file(module: ModuleType) -> Path | None:
    name = getattr(module, "__file__", None)
    if not isinstance(name, str):
        return None
    path = Path(name)
    return path.resolve() if path.is_file() else None


def _is_installed(path: Path) -> bool:
    """Tell whether a file came with Python or a package, rather than from the user."""
    roots = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")}
    return any(root in path.parents for root in roots)
