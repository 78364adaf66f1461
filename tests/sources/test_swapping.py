"""A folder takes the place of another whole."""

from __future__ import annotations

import threading
from pathlib import Path

from revml.sources.swapping import recover, swap


def folder(path: Path, text: str) -> Path:
    """A folder with two files that say the same."""
    path.mkdir(parents=True)
    for name in ("one", "two"):
        (path / name).write_text(text)
    return path


def content(path: Path) -> list[str]:
    """What its files say."""
    return [(path / name).read_text() for name in ("one", "two")]


def test_the_new_folder_stands_in_the_place_of_the_old_one(tmp_path: Path) -> None:
    """With and without a folder that was there before."""
    place = tmp_path / "staged"
    swap(folder(tmp_path / "room1/staged", "first"), place)
    assert content(place) == ["first", "first"]
    swap(folder(tmp_path / "room2/staged", "second"), place)
    assert content(place) == ["second", "second"]


def test_many_at_the_same_time_leave_one_whole_folder(tmp_path: Path) -> None:
    """The last one wins, and a reader meets a whole folder at any moment."""
    place = tmp_path / "staged"
    swap(folder(tmp_path / "room/staged", "0"), place)
    new = [folder(tmp_path / f"room{n}/staged", str(n)) for n in range(1, 30)]
    threads = [threading.Thread(target=swap, args=(one, place)) for one in new]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert sorted(file.name for file in place.iterdir()) == ["one", "two"]
    one, two = content(place)
    assert one == two


def test_a_folder_that_a_killed_check_took_away_is_put_back(tmp_path: Path) -> None:
    """Where names cannot be exchanged at once, the place may be empty for a moment."""
    old = folder(tmp_path / "room/staged.old0", "old")
    recover([old.parent], "staged", tmp_path / "staged")
    assert content(tmp_path / "staged") == ["old", "old"]


def test_a_folder_that_is_there_is_not_replaced_by_an_old_one(tmp_path: Path) -> None:
    """Only an empty place is filled."""
    old = folder(tmp_path / "room/staged.old0", "old")
    folder(tmp_path / "staged", "new")
    recover([old.parent], "staged", tmp_path / "staged")
    assert content(tmp_path / "staged") == ["new", "new"]
