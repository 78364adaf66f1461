"""The global views as one HTML file that people read: self-contained, without a script, for screen and printer.

Comes in: a bundle with views, and the language. Goes out: HTML text with its pictures inside; it asks for nothing from
outside, and its policy forbids it to.
"""

from __future__ import annotations

import base64
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined

from revml.evaluation.view_pictures import view_drawings
from revml.evaluation.view_tables import acting_table, concept_table, segment_table, stability_words
from revml.evaluation.views import Views
from revml.locales import words
from revml.models.bundle import Bundle


def render(bundle: Bundle, views: Views, *, language: str) -> str:
    """The page of a bundle and of its views, or of those of some segments."""
    say, manifest = words(language), bundle.manifest
    pictures = {}
    for name, drawing in view_drawings(views, manifest, say):
        out = BytesIO()
        drawing.savefig(out, format="svg", metadata={"Date": None})
        pictures[name] = f"data:image/svg+xml;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
    told = (
        (concept_table(say, manifest, views), pictures.get("importance_concepts")),
        (acting_table(say, manifest, views), pictures.get("dependence")),
        (segment_table(say, manifest, views), pictures.get("importance_segments")),
    )
    loader = PackageLoader("revml.evaluation", "templates")
    page = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("importance.html")
    return page.render(
        say=say,
        title=f"{say.text('views.title')}: {say.text(f'card.title.{bundle.question}')}",
        about=f"{manifest['data']['company']} · {bundle.version} · {bundle.hash[:12]}",
        parts=[(table, picture) for table, picture in told if table.rows],
        stability=stability_words(say, manifest),
    )
