"""What ``tfrepair check`` says about many kinds of damage to one save of a run.

    python -m scripts.recovery_tables.check_words RUN

RUN is a folder with at least two healthy saves of the second format, in one data file each. Every
row damages the newest save of a copy. Prints a table: the damage, the verdict, the first cause.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tfrepair.api.checking import check
from tfrepair.api.checkup.inventory import step_of

_LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 41000\n"
_PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"
_WIDTH = 230


def _of(prefix: Path, suffix: str) -> Path:
    return prefix.with_name(prefix.name + suffix)


def _data(prefix: Path) -> Path:
    return _of(prefix, ".data-00000-of-00001")


def _index(prefix: Path) -> Path:
    return _of(prefix, ".index")


def _cut(new: Path, _: Path) -> None:
    content = _data(new).read_bytes()
    _data(new).write_bytes(content[: len(content) * 6 // 10])


def _zeros(new: Path, _: Path) -> None:
    content = _data(new).read_bytes()
    keep = len(content) // 2
    _data(new).write_bytes(content[:keep] + bytes(len(content) - keep))


def _flip(new: Path, _: Path) -> None:
    content = bytearray(_data(new).read_bytes())
    content[len(content) // 3] ^= 16
    _data(new).write_bytes(content)


def _overwrite(new: Path, _: Path) -> None:
    content = bytearray(_data(new).read_bytes())
    content[len(content) // 3 : len(content) // 3 + 40] = bytes(range(40))
    _data(new).write_bytes(content)


def _killed(new: Path, _: Path) -> None:
    content = _data(new).read_bytes()
    temporary = _of(new, ".data-00000-of-00001.tempstate12345")
    temporary.write_bytes(content[: len(content) // 2])
    _data(new).unlink()
    _index(new).unlink()


def _window(new: Path, _: Path) -> None:
    folder = _of(new, "_temp")
    folder.mkdir()
    _index(new).rename(folder / "part-00000-of-00001.index")
    _data(new).rename(folder / "part-00000-of-00001.data-00000-of-00001")


def _mix(new: Path, old: Path) -> None:
    shutil.copyfile(_data(old), _data(new))


def _state(new: Path, _: Path) -> None:
    state = 'model_checkpoint_path: "C:\\\\runs\\\\model.ckpt-9"\n'
    (new.parent / "checkpoint").write_text(state, encoding="utf-8")


DAMAGES: dict[str, Callable[[Path, Path], object]] = {
    "data file cut at 60 %": _cut,
    "second half of the data file is zeros": _zeros,
    "one flipped bit": _flip,
    "40 bytes overwritten": _overwrite,
    "killed while the data was written": _killed,
    "killed before the parts were merged": _window,
    "index of 0 bytes": lambda new, _: _index(new).write_bytes(b""),
    "index lost": lambda new, _: _index(new).unlink(),
    "data file lost": lambda new, _: _data(new).unlink(),
    "data file of the save before": _mix,
    "data file is a git-lfs pointer": lambda new, _: _data(new).write_bytes(_LFS),
    "data file is a web page": lambda new, _: _data(new).write_bytes(_PAGE),
    "`checkpoint` names a save on another machine": _state,
}


def row(run: Path, name: str) -> str:
    """Return the row of one kind of damage."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run"
        shutil.copytree(run, copy)
        prefixes = sorted(
            (path.with_suffix("") for path in copy.glob("*.index")),
            key=lambda prefix: step_of(prefix.name) or 0,
        )
        old, new = prefixes[-2:]
        DAMAGES[name](new, old)
        checkup = check(copy)
        found = [save for save in checkup.saves if Path(save.path).name == new.name]
        verdict = found[0].state.value if found else "no save"
        causes = [*(cause for save in found for cause in save.causes), *checkup.findings]
        text = causes[0].message.replace(f"{copy}/", "") if causes else ""
        shown = text if len(text) <= _WIDTH else text[:_WIDTH].rpartition(" ")[0] + " ..."
    return f"| {name} | `{verdict}` | {shown} |"


def main() -> int:
    """Print the table."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    print("| damage to the newest save | verdict | what is said first |\n|---|---|---|")
    for name in DAMAGES:
        print(row(Path(sys.argv[1]), name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
