"""`docs/api.md` shows every call, and every call that it shows is answered by a real service as it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from revml.client import Client, Refused
from revml.service.process import RunningService, start_service
from revml.service.scopes import ALL_SCOPES
from revml.store import Store
from revml.store.keys import create_key
from tests.service.conftest import free_port
from tests.service.examples import example_workspace, operations

# A real service, and a process for every call.
pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
SHOWN_URL = "http://127.0.0.1:3000"
BLOCK = re.compile(r"^```(\w+)( problem)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITHOUT_CLIENT = {"sign_in", "read_session", "sign_out"}
CALLS = {
    part.partition("`")[0]: part.partition("\n## ")[0] for part in PAGE.split("\n### `")[1:]
}  # an operation: what the page says of it
SETTING = PAGE.partition("## Before the first call")[2].partition("### What every answer")[0]

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@dataclass(frozen=True)
class Reader:
    """Somebody who follows the page: a folder of their own, the address and a key."""

    url: str
    key: str
    folder: Path
    names: dict[str, Any]

    def shell(self, code: str, *, problem: bool = False) -> str:
        """What a shell prints; an answer that is an error fails, unless the page says that it may be one."""
        called = code if problem else code.replace("curl -sS", "curl -sS --fail-with-body")
        script = "set -eu\n" + blocks(SETTING, "sh")[0] + called
        done = subprocess.run(
            ["sh", "-c", script.replace(SHOWN_URL, self.url)],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "REVML_KEY": self.key},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
        return done.stdout.decode()

    def python(self, code: str) -> None:
        """Run Python as the page shows it, in the folder."""
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            exec(compile(code, "docs/api.md", "exec"), self.names)  # noqa: S102 - the page is ours
        finally:
            os.chdir(before)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, str]]:
    """A real service with published runs, a model, and a key that may do everything."""
    workspace = example_workspace(tmp_path_factory.mktemp("docs"))
    with Store.open(workspace.store_url) as store:
        _, key = create_key(store.database, ALL_SCOPES, expires_in=timedelta(days=1), name="docs")
    with start_service(workspace.root, port=free_port()) as running:
        yield running, key


@pytest.fixture(scope="module")
def reader(service: tuple[RunningService, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader who has made what the page's beginning says."""
    running, key = service
    with Client(running.url, key=key) as client:
        yield Reader(running.url, key, tmp_path_factory.mktemp("reader"), {"revml": client})


def blocks(text: str, kind: str) -> list[str]:
    """The code of a kind in a part of the page."""
    return [code for name, _, code in BLOCK.findall(text) if name == kind]


def test_every_call_is_shown_and_no_other() -> None:
    """The page has a part for each operation of the API document, with curl, and with Python where it can be."""
    wanted = {operation["operationId"] for _, _, operation in operations()}
    assert set(CALLS) == wanted
    for name, text in CALLS.items():
        assert any("curl" in code for code in blocks(text, "sh")), name
        if name not in WITHOUT_CLIENT:
            assert any(f"revml.{name}(" in code for code in blocks(text, "python")), name


@pytest.mark.parametrize("name", list(CALLS))
@needs_curl
def test_curl(reader: Reader, name: str) -> None:
    """Each curl is answered; JSON that the page shows is what comes, in names and kinds."""
    printed = [
        reader.shell(code, problem=bool(problem)) for kind, problem, code in BLOCK.findall(CALLS[name]) if kind == "sh"
    ]
    for example in blocks(CALLS[name], "json"):
        fits(json.loads(printed[0]), json.loads(example), name)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in WITHOUT_CLIENT])
def test_python(reader: Reader, name: str) -> None:
    """Each piece of Python runs."""
    for kind, problem, code in BLOCK.findall(CALLS[name]):
        if kind == "python":
            with suppress(*([Refused] if problem else [])):
                reader.python(code)


@needs_curl
def test_the_beginning(reader: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    """What the page says of setting up and of errors holds."""
    reader.python(
        blocks(SETTING, "python")[0].replace('os.environ["REVML_KEY"]', repr(reader.key)).replace(SHOWN_URL, reader.url)
    )
    errors = PAGE.partition("### When something is wrong")[2].partition("\n## ")[0]
    told = reader.shell(blocks(errors, "sh")[0], problem=True)
    fits(json.loads(told), json.loads(blocks(errors, "json")[0]), "problem")
    reader.python(blocks(errors, "python")[0])
    assert capsys.readouterr().out.startswith("404 not-found no such account")


def test_what_was_written_reads_back(reader: Reader, service: tuple[RunningService, str]) -> None:
    """The files of the page's exports are the bytes of `revml export`."""
    from revml.exports import export

    reader.python(blocks(CALLS["export_csv"], "python")[0])
    reader.python(blocks(CALLS["export_parquet"], "python")[0])
    with Store.open(f"sqlite:///{service[0].log.parent / 'scores.db'}") as store:
        export(store, "scores", reader.folder / "own.csv", question="churn")
        export(store, "reasons", reader.folder / "own.parquet")
    assert (reader.folder / "scores-of-churn.csv").read_bytes() == (reader.folder / "own.csv").read_bytes()
    assert (reader.folder / "reasons.parquet").read_bytes() == (reader.folder / "own.parquet").read_bytes()


def fits(answer: Any, example: Any, at: str) -> None:
    """Whether an answer has what an example shows of it: the same names, the same kinds of values."""
    if example is None or answer is None:
        return
    if isinstance(example, dict):
        assert isinstance(answer, dict), at
        assert set(example) <= set(answer), f"{at}: {set(example) - set(answer)}"
        for name, value in example.items():
            fits(answer[name], value, f"{at}.{name}")
    elif isinstance(example, list):
        assert isinstance(answer, list), at
        if example:
            assert answer, at
            fits(answer[0], example[0], f"{at}[0]")
    elif isinstance(example, bool) or not isinstance(example, int | float):
        assert type(answer) is type(example), at
    else:
        assert isinstance(answer, int | float), at
