"""Every feature has words in both languages, and every step of SQL is understood by other engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import ErrorLevel

from revml.features import catalog as all_features
from revml.features.catalog import SUBJECTS, catalog, feature_words
from revml.features.spec import CONCEPTS, Feature
from revml.locales import LANGUAGES, words
from tests.features.one_account import features_of

STEPS = [(name, sql) for subject in SUBJECTS for name, sql in (*subject.once, *subject.steps)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_feature_and_concept_has_words(language: str) -> None:
    """No placeholder is left open, and no two features read the same."""
    said = [feature_words(f, language) for f in catalog().values()]
    assert all(text and "{" not in text for text in said)
    assert len(set(said)) == len(said)
    assert all(words(language).text(f"concept.{concept}") for concept in CONCEPTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_window_is_told_where_there_is_one(language: str) -> None:
    """A feature with a window says how long it is."""
    for feature in catalog().values():
        if feature.window_days:
            assert words(language).days(feature.window_days) in feature_words(feature, language), feature.name


def test_no_words_without_a_feature() -> None:
    """The catalogues hold nothing that no feature uses, and the same keys in both languages."""
    used = {f.key for f in catalog().values()} | {f"concept.{c}" for c in CONCEPTS}
    for language in LANGUAGES:
        there = {k for k in sorted(words(language).keys()) if k.startswith(("feature.", "concept."))}
        assert there == used


def test_words_in_both_languages_read_like_this() -> None:
    """The label stands in front of a colon."""
    feature = catalog()["active_users_28d"]
    assert feature_words(feature, "en") == "Active users in the last 28 days"
    assert feature_words(feature, "cs") == "Aktivní uživatelé za posledních 28 dní"
    assert feature_words(Feature("static_key_account", "flag", "profile"), "en") == "key account"


def test_names_are_unique_and_concepts_known() -> None:
    """A feature belongs to one subject and one concept."""
    names = [f.name for subject in SUBJECTS for f in subject.features]
    assert len(names) == len(set(names))
    assert {f.concept for f in catalog().values()} == set(CONCEPTS)


def test_tables_of_steps_have_one_maker() -> None:
    """No step overwrites the table of another subject."""
    made = [name for name, _ in STEPS]
    assert len(made) == len(set(made))


@pytest.mark.parametrize("dialect", ["postgres", "spark", "snowflake", "bigquery"])
@pytest.mark.parametrize(("name", "sql"), STEPS, ids=[name for name, _ in STEPS])
def test_sql_is_portable(name: str, sql: str, dialect: str) -> None:
    """Each step becomes one statement of the other dialect, with nothing unsupported, and can be read back."""
    written = sqlglot.transpile(sql, read="duckdb", write=dialect, unsupported_level=ErrorLevel.RAISE)
    assert len(written) == 1
    assert sqlglot.parse_one(written[0], read=dialect) is not None


def test_the_page_on_adding_a_feature_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The subject of `docs/adding-a-feature.md`, listed with the others, gives its feature."""
    page = (Path(__file__).parents[2] / "docs/adding-a-feature.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    made: dict[str, Any] = {}
    exec(compile(code, "email.py", "exec"), made)  # noqa: S102
    monkeypatch.setattr(all_features, "SUBJECTS", (*SUBJECTS, made["SUBJECT"]))
    rows = [
        {"occurred_at": "2025-02-01", "channel": "email"},
        {"occurred_at": "2025-02-02", "channel": "phone"},
        {"occurred_at": "2025-02-03", "channel": "email", "known_at": "2025-03-02"},
    ]
    assert features_of(tmp_path, "2025-03-01", touches=rows)["email_share_84d"] == 0.5
