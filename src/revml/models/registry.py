"""Which bundle serves a question: a pointer file beside the bundles, so that scoring never needs MLflow.

<bundles_dir>/<question>/<hash12>/        a bundle
<bundles_dir>/<question>/champion.json    {"bundle": "<hash12>", "version": "3"}, since when, and why (an `Entry`)
<bundles_dir>/<question>/challenger.json  {"bundle": "<hash12>", "version": "4"}: the newest that passed beside it
<bundles_dir>/<question>/history.jsonl    who was champion when, see `models.history`

These files are the truth; the aliases in MLflow follow them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from revml.config import QuestionName, Workspace
from revml.errors import BundleError, Busy, NotFound
from revml.locks import alive, held
from revml.models.bundle import Bundle, load_bundle, to_text
from revml.models.history import ROLLBACK, Entry, append_entry, entry_from, now, read_entries, succession
from revml.whole_file import whole

POINTER, CHALLENGER = "champion.json", "challenger.json"
TRAINING_LOCK, POINTER_LOCK = ".training.lock", ".pointer.lock"
ANY = "*"  # no name of a bundle
POINTER_SECONDS = 10  # the longest that a change of a few small files may take


def champion(workspace: Workspace, question: QuestionName) -> Bundle:
    """The bundle that serves a question, by the pointer in the bundles folder; never asks MLflow.

    Raises:
        NotFound: none has been appointed.
        BundleError: it is broken, or the pointer names none.
    """
    place, version = appointed(workspace, question)
    try:
        bundle = load_bundle(place, version=version)
    except NotFound:
        raise _pointer_broken(place.parent, question, f"{place.name}, which is not there") from None
    if bundle.question != question:
        raise _pointer_broken(place.parent, question, f"{place.name}, a model of {bundle.question}")
    return bundle


def appointed(workspace: Workspace, question: QuestionName) -> tuple[Path, str | None]:
    """The folder of the bundle that the pointer names, and its registered version; nothing of it is read.

    Raises:
        NotFound: none has been appointed.
        BundleError: the pointer names none.
    """
    folder = workspace.bundles_dir / question
    try:
        pointer = json.loads((folder / POINTER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"no champion for {question} yet",
            where=str(folder),
            wanted="a trained model that passed its test",
            got="none",
            do=f"`revml train {question}`; if its test says no, the model card tells why",
        ) from None
    except OSError as error:
        raise _pointer_broken(folder, question, error.strerror or str(error)) from None
    except ValueError:
        raise _pointer_broken(folder, question, "something else") from None
    name = pointer.get("bundle") if isinstance(pointer, dict) else None
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise _pointer_broken(folder, question, "something else")
    return folder / name, pointer.get("version")


def _pointer_broken(folder: Path, question: str, got: str) -> BundleError:
    return BundleError(
        f"it is not clear which model of {question} is in service",
        where=str(folder / POINTER),
        wanted="the name of a bundle beside this file",
        got=got,
        do=f"restore the folder from a copy, or remove this file and run `revml train {question}`",
    )


def appoint(
    folder: Path,
    bundle: str,
    version: str | None,
    *,
    event: str = "appointed",
    forced: bool = False,
    reason: str = "",
    failed: Sequence[str] = (),
    instead_of: str | None = ANY,
) -> None:
    """Point `champion.json` in a question's folder at a bundle (its folder's name) and its registered version.

    A change of champion goes into the history; a version that becomes known of the same champion does not.

    Args:
        instead_of: what has to be pointed at until now (see `pointed`), for who decided on that ground.

    Raises:
        Busy: something else is pointed at by now.
    """
    with held(folder / POINTER_LOCK, "changing the champion", wait_seconds=POINTER_SECONDS):
        _sweep(folder)
        before = _read(folder / POINTER)
        if instead_of != ANY and before.get("bundle") != instead_of:
            raise Busy(
                "the champion was changed meanwhile",
                where=str(folder / POINTER),
                wanted=instead_of or "no champion",
                got=str(before.get("bundle")),
                do="look again and decide anew",
            )
        last = entry_from(before)
        if last is not None and last not in read_entries(folder):
            append_entry(folder, last)  # whoever wrote the pointer was killed before the line
        if before.get("bundle") == bundle:
            _write(folder / POINTER, {**before, "version": version})
            return
        entry = Entry(now(), event, bundle, before.get("bundle"), forced, reason, tuple(failed))
        _write(folder / POINTER, {**asdict(entry), "version": version})
        append_entry(folder, entry)
        if _read(folder / CHALLENGER).get("bundle") == bundle:
            (folder / CHALLENGER).unlink(missing_ok=True)


def pointed(folder: Path) -> str | None:
    """What `champion.json` in a question's folder points at, None where there is no such word in it."""
    name = _read(folder / POINTER).get("bundle")
    return name if isinstance(name, str) else None


def number(folder: Path, bundle: str, version: str) -> None:
    """Note the registered version of a bundle wherever it is pointed at; who was appointed meanwhile stays."""
    with held(folder / POINTER_LOCK, "noting a version", wait_seconds=POINTER_SECONDS):
        for file in (folder / POINTER, folder / CHALLENGER):
            told = _read(file)
            if told.get("bundle") == bundle and told.get("version") != version:
                _write(file, {**told, "version": version})


def go_back(workspace: Workspace, question: QuestionName, *, reason: str = "") -> tuple[Bundle, str]:
    """Let the champion before serve again; returns it, and the name of the one that served until now.

    Raises:
        NotFound: there was none before.
        BundleError: it is broken or no longer there.
    """
    pile = succession(history(workspace, question))
    if len(pile) < 2:
        raise NotFound(
            f"{question} has no champion to go back to",
            where=str(workspace.bundles_dir / question),
            wanted="a champion before the one that serves",
            got=f"{len(pile)} in its history",
            do=f"see `revml models {question}`; any bundle there can be promoted with --bundle",
        )
    target = load_bundle(workspace.bundles_dir / question / pile[-2])
    appoint(target.folder.parent, target.folder.name, None, event=ROLLBACK, reason=reason.strip())
    return target, pile[-1]


def name_challenger(folder: Path, bundle: str, version: str | None) -> None:
    """Point `challenger.json` at a bundle (its folder's name) and its registered version."""
    with held(folder / POINTER_LOCK, "naming a challenger", wait_seconds=POINTER_SECONDS):
        _sweep(folder)
        _write(folder / CHALLENGER, {"bundle": bundle, "version": version})


def challenger(workspace: Workspace, question: str) -> Bundle | None:
    """The newest model that passed and waits beside the champion, None where there is none that can be loaded."""
    folder = workspace.bundles_dir / question
    pointer = _read(folder / CHALLENGER)
    name = pointer.get("bundle")
    if not isinstance(name, str) or not name or Path(name).name != name:
        return None
    try:
        waiting = load_bundle(folder / name, version=pointer.get("version"))
    except (NotFound, BundleError):
        return None
    return waiting if waiting.question == question else None


def history(workspace: Workspace, question: str) -> list[Entry]:
    """Who was champion when, oldest first; also of a change whose line was not written any more."""
    folder = workspace.bundles_dir / question
    entries, told = read_entries(folder), _read(folder / POINTER)
    last = entry_from(told)
    if last is None and isinstance(told.get("bundle"), str) and not entries:
        return [Entry("", "appointed", told["bundle"])]  # by a revml that kept no history
    return entries if last is None or last in entries else [*entries, last]


@contextmanager
def training(folder: Path, question: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """The lock of everything that makes or registers bundles of a question: one process at a time.

    Folders that a process left half written when it was killed are swept away first.

    Args:
        wait_seconds: how long to wait for another one.

    Raises:
        Busy: another one is at it.
    """
    with held(folder / TRAINING_LOCK, f"training or registering {question}", wait_seconds=wait_seconds):
        for half in (*folder.glob(".writing-*"), *folder.glob(".fetching-*")):
            pid = half.name.split("-")[1]
            if not (pid.isdecimal() and alive(int(pid))):
                shutil.rmtree(half, ignore_errors=True)
        yield


def _read(file: Path) -> dict[str, Any]:
    """A pointer file's content, nothing where there is none that can be read."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _write(file: Path, told: dict[str, Any]) -> None:
    with whole(file) as new:
        new.write_text(to_text(told), encoding="utf-8")


def _sweep(folder: Path) -> None:
    """What a process that was killed while it wrote a pointer left behind."""
    for name in (POINTER, CHALLENGER):
        for half in folder.glob(f"{name}.*"):
            half.unlink(missing_ok=True)


def serving_bundle(workspace: Workspace, question: str) -> Bundle | None:
    """The champion, or None where there is none that can be loaded."""
    try:
        return champion(workspace, cast(QuestionName, question))
    except (NotFound, BundleError):
        return None


def cannot_serve(workspace: Workspace, question: str) -> str:
    """Why the champion that was appointed cannot be loaded; empty where it can, or where there is none."""
    try:
        champion(workspace, cast(QuestionName, question))
    except NotFound:
        return ""
    except BundleError as error:
        return error.what
    return ""


def in_service(workspace: Workspace, question: str) -> Bundle | None:
    """The champion; None where there is none, or where only the average rate stands in."""
    serving = serving_bundle(workspace, question)
    return None if serving is None or serving.rung == "constant" else serving


def newest_bundle(workspace: Workspace, question: QuestionName) -> Bundle:
    """The bundle of a question that was written last.

    Raises:
        NotFound: nothing was trained yet.
    """
    folder = workspace.bundles_dir / question
    found = [load_bundle(p.parent) for p in folder.glob("*/manifest.json")]
    if not found:
        raise NotFound(
            f"no model of {question} yet", where=str(folder), wanted="a bundle", do=f"run `revml train {question}`"
        )
    return max(found, key=lambda b: (str(b.manifest["made"]["at"]), b.hash))
