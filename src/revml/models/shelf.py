"""The champion's card where decisions about models are reviewed: `models/<question>.card.md`, beside the model sheet.

Comes in: a workspace and the bundle that has just become champion. Goes out: its card in both languages, text to be
committed: the diff of a promotion then shows what changed, in words and figures. A bundle has one card whenever and
wherever it is written, so nothing changes unless the champion does. The card in the bundle stays the original: where
`models/` is not there or may not be written (a server's read-only checkout), nothing is.
"""

from __future__ import annotations

from pathlib import Path

from revml.config import Workspace
from revml.models.bundle import Bundle
from revml.whole_file import whole

CARDS = {"en": "{question}.card.md", "cs": "{question}.card.cs.md"}
HEAD = "<!-- The champion's card, bundle {hash}. revml writes it when that changes; decisions stand in {sheet}. -->\n\n"


def shelve(workspace: Workspace, bundle: Bundle) -> list[Path]:
    """Write the card of a bundle into the workspace's `models/`, whole or not at all.

    Returns:
        The files that tell of this bundle now; none where they cannot be written.
    """
    folder, question = workspace.root / "models", bundle.question
    if not folder.is_dir():
        return []
    sheet = f"{workspace.ready_for(question) or question}.yaml"
    written = []
    for language, name in CARDS.items():
        place = folder / name.format(question=question)
        text = HEAD.format(hash=bundle.hash[:12], sheet=sheet) + bundle.card(language)
        try:
            if not (place.is_file() and place.read_bytes() == text.encode()):
                with whole(place) as new:
                    new.write_bytes(text.encode())
        except OSError:
            # What serves is told by the pointer, not by this copy: a promotion does not fail for it.
            continue
        written.append(place)
    return written
