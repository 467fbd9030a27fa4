"""Rule: reading a folder never leaves the folder."""

from pathlib import Path

import numpy as np
import pytest

from tfrepair.core.errors import Refused, Unrecognised
from tfrepair.readers.registry import open_source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "weights"
    inside.mkdir()
    np.save(inside / "a.npy", np.zeros(2))
    np.save(tmp_path / "secret.npy", np.ones(2))
    return inside


@pytest.mark.parametrize("target", ["../secret.npy", "..", "/etc"])
def test_links_out_are_refused(target: str, folder: Path) -> None:
    (folder / "b.npy").symlink_to(target)
    with pytest.raises(Refused, match=r"b\.npy.*leads out of the folder"):
        open_source(folder)


def test_folder_links_out_are_refused(folder: Path) -> None:
    (folder / "sub").symlink_to(folder.parent, target_is_directory=True)
    with pytest.raises(Refused, match="leads out"):
        open_source(folder)


def test_links_inside_are_read_once(folder: Path) -> None:
    (folder / "sub").mkdir()
    np.save(folder / "sub" / "c.npy", np.zeros(3))
    (folder / "again").symlink_to("sub", target_is_directory=True)
    (folder / "loop").symlink_to(".", target_is_directory=True)
    store = open_source(folder)
    assert [tensor.name for tensor in store] == ["a", "sub/c"]
    assert "again, loop" in store.findings[0].message


def test_the_folder_itself_may_be_a_link(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to("weights", target_is_directory=True)
    assert [tensor.name for tensor in open_source(link)] == ["a"]


def test_dangling_link(folder: Path) -> None:
    (folder.parent / "w.npy").symlink_to("nowhere")
    with pytest.raises(Unrecognised, match="a link to nothing"):
        open_source(folder.parent / "w.npy")
