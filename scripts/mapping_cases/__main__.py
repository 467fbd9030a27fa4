"""Write the development cases: ``python -m scripts.mapping_cases [FOLDER] [FAMILY ...]``.

Run at the root of the checkout. Every module of this package with a function ``cases`` is a family;
without names, all families are written, to ``tests/mapping/cases``.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

from scripts.mapping_cases.case import render

PACKAGE = Path(__file__).parent
FOLDER = PACKAGE.parent.parent / "tests" / "mapping" / "cases"
NOT_FAMILIES = {"__main__", "case"}


def main(arguments: list[str]) -> int:
    """Write the cases of the families named, or of all of them."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    found = {m.name for m in pkgutil.iter_modules([str(PACKAGE)])} - NOT_FAMILIES
    for family in arguments[1:] or sorted(found):
        module = importlib.import_module(f"scripts.mapping_cases.{family}")
        for case in getattr(module, "cases", tuple)():
            text = render(case.as_dict())
            (folder / f"{case.name}.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
