"""All features by name, which of them a company's tables allow, and their words.

`catalog()` is every feature that revml declares; `available(facts)` is what these facts give, in the order of the
feature table, with the company's own static columns at the end; `feature(name)` finds any of them by name.
"""

from __future__ import annotations

from functools import cache

from revml.errors import NotFound
from revml.features import orders, profile, subscriptions, usage
from revml.features.spec import Feature, Subject
from revml.locales import words
from revml.sources.facts import Facts

# Later subjects may read the tables of earlier ones.
SUBJECTS: tuple[Subject, ...] = (
    profile.SUBJECT,
    subscriptions.SUBJECT,
    orders.SUBJECT,
    usage.SUBJECT,
)


@cache
def catalog() -> dict[str, Feature]:
    """Every declared feature by name."""
    return {f.name: f for subject in SUBJECTS for f in subject.features}


def feature(name: str) -> Feature:
    """A declared feature, or the one that a company's own static column gives.

    Raises:
        NotFound: no feature has that name.
    """
    found = catalog().get(name)
    if found is None:
        raise NotFound("no such feature", got=name, do="see `revml.features.catalog.catalog()` for all names")
    return found


def available_subjects(facts: Facts) -> tuple[tuple[Subject, tuple[Feature, ...]], ...]:
    """The subjects these facts allow, each with the features they allow."""
    out = []
    for subject in SUBJECTS:
        if all(facts.has(table) for table in subject.tables):
            features = tuple(f for f in subject.features if all(facts.has(t, c) for t, c in f.needs))
            if features:
                out.append((subject, features))
    return tuple(out)


def available(facts: Facts) -> tuple[Feature, ...]:
    """The features these facts give, in the order of the feature table."""
    return tuple(f for _, features in available_subjects(facts) for f in features)


def feature_words(feature: Feature, language: str) -> str:
    """What a feature is, in words that stand well before a colon.

    >>> feature_words(catalog()["active_users_28d"], "en")
    'Active users in the last 28 days'
    """
    speak = words(language)
    values = {"window": speak.days(feature.window_days)} if feature.window_days else {}
    return speak.text(feature.key, **values)
