"""A page that a command writes for people: whole, or a word about why not."""

from __future__ import annotations

from pathlib import Path

from revml.errors import ConfigError
from revml.whole_file import whole


def write_page(place: Path, text: str, *, option: str) -> None:
    """Write a page, with the folders above it.

    Args:
        option: the command's option that names another file.

    Raises:
        ConfigError: it cannot be written there; what stood there stands.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with whole(place) as new:
            new.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            "the page cannot be written", where=str(place), got=str(error), do=f"name another file after {option}"
        ) from None
