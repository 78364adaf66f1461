"""The pages' files and texts."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from revml.config import LOSSES, QUESTIONS
from revml.locales import words
from revml.service.pages import FOLDER

SCRIPTS = sorted((FOLDER / "static").glob("*.js"))


def test_the_page_is_served_in_the_companys_name(client: TestClient) -> None:
    """The document names company and language, and nothing in it is inline."""
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert 'content="Literal s.r.o."' in answer.text
    assert '<html lang="en">' in answer.text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=\"/)", answer.text)


def test_no_file_of_the_pages_names_another_host() -> None:
    """Nothing is loaded from elsewhere: the only foreign address is the name of SVG's namespace."""
    for file in sorted(FOLDER.rglob("*.*")):
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", file.read_text(encoding="utf-8")))
        assert addresses <= {"http://www.w3.org/2000/svg"}, file.name


@pytest.mark.parametrize("language", ["en", "cs"])
def test_every_text_that_the_scripts_use_is_there(client: TestClient, language: str) -> None:
    """Each key in the scripts, also a composed one, has a text in the language."""
    texts = client.get(f"/texts/{language}.json").json()
    source = "\n".join(script.read_text(encoding="utf-8") for script in SCRIPTS)
    for key in set(re.findall(r"\b(?:t|has)\(\s*\"([\w.]+)\"", source)):
        assert key in texts, key
    for prefix, suffix in set(re.findall(r"\bt\(`([\w.]+)\$\{[^}]+\}([\w.]*)`", source)):
        assert any(key.startswith(prefix) and key.endswith(suffix) for key in texts), prefix
    for question in QUESTIONS:
        assert {f"question.{question}{end}" for end in ("", ".about", ".undated")} <= texts.keys()


def test_the_pages_know_which_events_are_losses() -> None:
    """The list in the scripts is the one that reasons and commands go by."""
    source = (FOLDER / "static" / "parts.js").read_text(encoding="utf-8")
    told = re.search(r"const LOSSES = \[(.*)\];", source)
    assert told
    assert set(re.findall(r"\w+", told[1])) == LOSSES


def test_no_text_of_the_pages_is_unused() -> None:
    """A text that no script uses is removed from the catalogues."""
    source = "\n".join(script.read_text(encoding="utf-8") for script in SCRIPTS)
    literal = set(re.findall(r"\"([\w.]+)\"", source))
    composed = re.findall(r"`([\w.]+\.)\$\{", source)
    plural = re.findall(r"count\(\"(\w+)\"", source)
    keys = words("en").keys()
    for key in sorted(key.removeprefix("page.") for key in keys if key.startswith("page.")):
        used = key in literal or any(key.startswith(prefix) for prefix in composed)
        assert used or any(key.startswith(f"{name}.") for name in plural), key


def test_an_unknown_language_is_not_found(client: TestClient) -> None:
    """Only the two languages are there."""
    assert client.get("/texts/de.json").status_code == 404


@pytest.mark.parametrize("path", ["/static/../index.html", "/static/%2e%2e/index.html", "/static/nothing.js"])
def test_only_the_pages_files_are_served(client: TestClient, path: str) -> None:
    """No path leads out of the folder."""
    assert client.get(path).status_code == 404


def _palettes() -> list[dict[str, str]]:
    css = (FOLDER / "static" / "style.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks]


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2 (relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", _palettes(), ids=["light", "dark"])
def test_letters_stand_out(palette: dict[str, str]) -> None:
    """Every colour of text has a contrast of at least 4.5 to what it stands on, in both palettes."""
    on_both = ("ink", "soft", "accent", "loss-high", "gain-high")
    pairs = [(text, ground) for text in on_both for ground in ("paper", "surface")]
    pairs += [(name, f"{name}-soft") for name in ("loss-high", "gain-high", "medium", "low")]
    pairs += [("surface", "accent"), ("ink", "accent-soft")]
    assert len(palette) >= 15
    for text, ground in pairs:
        assert _contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
