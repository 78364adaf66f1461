"""The names of what drives a lifetime value: the concepts of the features, and those of the forecast itself."""

from __future__ import annotations

from revml.locales import words

PEER = "peer"


def driver_words(concept: str, language: str) -> str:
    """A driver's name; one that no catalogue knows is left as it is.

    >>> driver_words("usage", "en"), driver_words("peer", "en"), driver_words("x-ray", "en")
    ('Use of the product', 'A similar account', 'x-ray')
    """
    catalogue = words(language)
    for key in (f"clv.driver.{concept}", f"concept.{concept}"):
        if key in catalogue:
            return catalogue.text(key)
    return concept
