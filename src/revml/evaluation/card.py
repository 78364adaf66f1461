"""The model card: what a model was asked, learned from, achieved, looks at, and must not be used for.

Comes in: the manifest of a bundle and its views, which hold all of it. Goes out: Markdown in English or Czech, from
`cards.po` and its neighbours. It holds no time of writing, so the same model always has the same card.
"""

from __future__ import annotations

from collections.abc import Callable

from revml.evaluation.sections.attention import attended
from revml.evaluation.sections.data import learned_from
from revml.evaluation.sections.figures import calibrated, measured
from revml.evaluation.sections.guarded import leaks
from revml.evaluation.sections.importance import looks_at
from revml.evaluation.sections.limits import limited, never, notes, reproduced
from revml.evaluation.sections.markdown import Manifest
from revml.evaluation.sections.over_time import over_time
from revml.evaluation.sections.question import asked, verdict
from revml.evaluation.sections.segments import by_segment
from revml.evaluation.sections.served import serves
from revml.evaluation.sections.short import in_short
from revml.locales import Words, words

Section = Callable[[Words, Manifest], list[str]]

# The card from top to bottom: heading (a text), and what stands under it. A section without paragraphs is left out.
SECTIONS: tuple[tuple[str, Section], ...] = (
    ("card.short", in_short),
    ("card.question", asked),
    ("card.data", learned_from),
    ("card.leaks", leaks),
    ("card.served", serves),
    ("card.figures", measured),
    ("card.calibration", calibrated),
    ("card.segments", by_segment),
    ("card.horizons", over_time),
    ("card.treated", attended),
    ("card.importance", looks_at),
    ("card.limits", limited),
    ("card.never", never),
    ("card.notes", notes),
    ("card.reproduce", reproduced),
)


def card(language: str, manifest: Manifest, views: Manifest | None = None) -> str:
    """The card of a bundle in a language.

    Args:
        views: what weighs in the model, beside the shares that the manifest holds (see `views`).
    """
    say = words(language)
    manifest = {**manifest, "views": views}
    title = say.text(f"card.title.{manifest['question']}")
    parts = [f"# {title}: {manifest['data']['company']}", verdict(say, manifest)]
    for heading, section in SECTIONS:
        paragraphs = [paragraph for paragraph in section(say, manifest) if paragraph]
        if paragraphs:
            parts += [f"## {say.text(heading)}", *paragraphs]
    return "\n\n".join(parts) + "\n"
