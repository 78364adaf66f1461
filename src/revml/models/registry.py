"""Which bundle serves a question: a pointer file beside the bundles, so that scoring never needs MLflow.

<bundles_dir>/<question>/<hash12>/        a bundle
<bundles_dir>/<question>/champion.json    {"bundle": "<hash12>", "version": "3"}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from revml.config import QuestionName, Workspace
from revml.errors import BundleError, NotFound
from revml.models.bundle import Bundle, load_bundle, to_text
from revml.whole_file import whole

POINTER = "champion.json"


def champion(workspace: Workspace, question: QuestionName) -> Bundle:
    """The bundle that serves a question, by the pointer in the bundles folder; never asks MLflow.

    Raises:
        NotFound: none has been appointed.
        BundleError: it is broken, or the pointer names none.
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
    except ValueError:
        raise _pointer_broken(folder, question, "something else") from None
    if not isinstance(pointer, dict) or not isinstance(pointer.get("bundle"), str):
        raise _pointer_broken(folder, question, "something else")
    if not (folder / pointer["bundle"]).is_dir():
        raise _pointer_broken(folder, question, f"{pointer['bundle']}, which is not there")
    return load_bundle(folder / pointer["bundle"], version=pointer.get("version"))


def _pointer_broken(folder: Path, question: str, got: str) -> BundleError:
    return BundleError(
        f"it is not clear which model of {question} is in service",
        where=str(folder / POINTER),
        wanted="the name of a bundle beside this file",
        got=got,
        do=f"restore the folder from a copy, or remove this file and run `revml train {question}`",
    )


def appoint(folder: Path, bundle: str, version: str | None) -> None:
    """Point `champion.json` in a question's folder at a bundle (its folder's name) and its registered version."""
    with whole(folder / POINTER) as new:
        new.write_text(to_text({"bundle": bundle, "version": version}), encoding="utf-8")


def serving_bundle(workspace: Workspace, question: str) -> Bundle | None:
    """The champion, or None where there is none that can be loaded."""
    try:
        return champion(workspace, cast(QuestionName, question))
    except (NotFound, BundleError):
        return None


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
