"""Words for people: catalogues in English and Czech, and numbers, money and dates in the language's own form.

Texts stand in `locales/<language>/*.po` under stable keys (`feature.active_users`, `page.title`), never in code.
`words("cs").text("key", name=value)` fills `{name}`; `count("key", n)` picks the plural form and fills `{n}`.
A key that is missing from a catalogue is an error, found by the tests, never shown as a bare key.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent

from revml.errors import NotFound

LANGUAGES = ("en", "cs")


class Words:
    """The catalogues of one language."""

    def __init__(self, language: str, texts: dict[str, str | tuple[str, ...]]) -> None:
        self.language = language
        self._texts = texts
        self._locale = Locale.parse(language)

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def keys(self) -> frozenset[str]:
        """All keys of the language."""
        return frozenset(self._texts)

    def text(self, key: str, **values: Any) -> str:
        """The text under a key, filled with values (already formatted)."""
        found = self._texts.get(key)
        if found is None:
            raise NotFound("no such text", where=f"locales/{self.language}", got=key, do="add it to the catalogues")
        template = found if isinstance(found, str) else found[0]
        return template.format(**values) if values else template

    def count(self, key: str, n: int, **values: Any) -> str:
        """The text for `n` things, in the language's plural form, with `{n}` filled."""
        found = self._texts.get(key)
        if not isinstance(found, tuple):
            raise NotFound("no plural text", where=f"locales/{self.language}", got=key, do="add msgid_plural")
        form = {"one": 0, "few": 1}.get(self._locale.plural_form(n), len(found) - 1)
        return found[min(form, len(found) - 1)].format(n=self.number(n), **values)

    def days(self, n: int) -> str:
        """`28 days`, `28 dní`."""
        return self.count("unit.days", n)

    def number(self, value: float, digits: int = 0) -> str:
        """A number with at most `digits` decimals, grouped as the language does."""
        pattern = "#,##0" + ("." + "#" * digits if digits else "")
        return str(format_decimal(round(value, digits), format=pattern, locale=self._locale))

    def percent(self, share: float, digits: int = 0) -> str:
        """A share of one as percent."""
        pattern = "#,##0." + "0" * digits + ("\u00a0%" if self.language == "cs" else "%")
        return str(format_percent(share, format=pattern if digits else None, locale=self._locale))

    def money(self, value: float, currency: str, *, compact: bool = False) -> str:
        """Money without minor units (`€1,200`), or short (`€1.2K`)."""
        if compact:
            return str(format_compact_currency(value, currency, locale=self._locale, fraction_digits=1))
        pattern = self._locale.currency_formats["standard"].pattern.replace(".00", "")
        return str(format_currency(value, currency, format=pattern, locale=self._locale, currency_digits=False))

    def date(self, value: date | datetime) -> str:
        """A day in the language's medium form."""
        return str(format_date(value, format="medium", locale=self._locale))


@cache
def words(language: str) -> Words:
    """The catalogues of a language, read once.

    >>> words("en").days(1), words("cs").days(2), words("cs").days(28)
    ('1 day', '2 dny', '28 dní')
    """
    if language not in LANGUAGES:
        raise NotFound("no such language", wanted=", ".join(LANGUAGES), got=language)
    texts: dict[str, str | tuple[str, ...]] = {}
    for entry in sorted(files(__package__).joinpath(language).iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".po"):
            for key, text in _read(read_po(BytesIO(entry.read_bytes()), locale=language)).items():
                if key in texts:
                    raise NotFound("a text stands in two catalogues", where=f"locales/{language}", got=key)
                texts[key] = text
    return Words(language, texts)


def _read(catalog: Catalog) -> dict[str, str | tuple[str, ...]]:
    out: dict[str, str | tuple[str, ...]] = {}
    for message in catalog:
        if not message.id:
            continue
        if isinstance(message.id, str):
            out[message.id] = str(message.string)
        else:
            out[message.id[0]] = tuple(str(s) for s in message.string)
    return out
