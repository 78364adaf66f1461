"""All features by name, which of them a company's tables allow, and their words.

`catalog()` is every feature that revml declares; `available(facts)` is what these facts give, in the order of the
feature table, with the company's own static columns at the end.
"""

from __future__ import annotations

from functools import cache

from revml.features import (
    access,
    actions,
    adoption,
    assets,
    billing,
    deals,
    exports,
    family,
    feedback,
    offers,
    order_cycles,
    order_peers,
    orders,
    people,
    profile,
    room,
    subscriptions,
    support,
    touches,
    usage,
    usage_peers,
)
from revml.features.item import PAIR_FEATURES
from revml.features.own import PREFIX, own_columns
from revml.features.spec import Feature, Subject
from revml.locales import words
from revml.sources.known import Known

# Later subjects may read the tables of earlier ones.
SUBJECTS: tuple[Subject, ...] = (
    profile.SUBJECT,
    subscriptions.SUBJECT,
    people.SUBJECT,
    access.SUBJECT,
    room.SUBJECT,
    orders.SUBJECT,
    order_cycles.SUBJECT,
    order_peers.SUBJECT,
    usage.SUBJECT,
    exports.SUBJECT,
    usage_peers.SUBJECT,
    adoption.SUBJECT,
    billing.SUBJECT,
    support.SUBJECT,
    feedback.SUBJECT,
    touches.SUBJECT,
    deals.SUBJECT,
    offers.SUBJECT,
    actions.SUBJECT,
    assets.SUBJECT,
    family.SUBJECT,
)


@cache
def catalog() -> dict[str, Feature]:
    """Every declared feature by name."""
    return {f.name: f for subject in SUBJECTS for f in subject.features} | {f.name: f for f in PAIR_FEATURES}


def available_subjects(facts: Known) -> tuple[tuple[Subject, tuple[Feature, ...]], ...]:
    """The subjects these facts allow, each with the features they allow."""
    out = []
    for subject in SUBJECTS:
        if all(facts.has(table) for table in subject.tables):
            features = tuple(f for f in subject.features if all(facts.has(t, c) for t, c in f.needs))
            if features:
                out.append((subject, features))
    own = own_columns(facts)
    if own:
        out.append((own, own.features))
    return tuple(out)


def available(facts: Known) -> tuple[Feature, ...]:
    """The features these facts give, in the order of the feature table."""
    return tuple(f for _, features in available_subjects(facts) for f in features)


def feature_words(feature: Feature, language: str) -> str:
    """What a feature is, in words that stand well before a colon; a company's own column is called as it is there.

    >>> feature_words(catalog()["active_users_28d"], "en")
    'Active users in the last 28 days'
    """
    speak = words(language)
    if feature.label or feature.name not in catalog():
        return feature.label or feature.name.removeprefix(PREFIX).replace("_", " ")
    values = {"window": speak.days(feature.window_days)} if feature.window_days else {}
    return speak.text(feature.key, **values)
