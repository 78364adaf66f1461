"""Configuration: what is wrong in a workspace file is said by name, with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from revml.config import QuestionSpec, Workspace, expand, load_workspace
from revml.errors import ConfigError
from revml.windows import instant


def _load(folder: Path, text: str) -> Workspace:
    (folder / "revml.yaml").write_text(text, encoding="utf-8")
    return load_workspace(folder)


def _refused(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as error:
        _load(folder, text)
    assert str(folder / "revml.yaml") in error.value.where
    assert error.value.do
    return error.value


@pytest.mark.parametrize(
    ("text", "where", "near"),
    [
        ("tabels: {}", "tabels", "tables"),
        ("questions: {churn: {horizont_days: 3}}", "questions.churn.horizont_days", "horizon_days"),
        ("tables: {accounts: {pth: a.csv}}", "tables.accounts.pth", "path"),
        ("snapshots: {befor_renewal_days: [30]}", "snapshots.befor_renewal_days", "before_renewal_days"),
    ],
)
def test_an_unknown_key_names_the_nearest(tmp_path: Path, text: str, where: str, near: str) -> None:
    """A misspelt key is named with its place and the key that was probably meant."""
    error = _refused(tmp_path, text)
    assert error.what.startswith("unknown key")
    assert error.where.endswith(f": {where}")
    assert error.do == f"did you mean {near!r}?"


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("tables: {acounts: {path: a.csv}}", "accounts"),
        ("tables: {subscription: {path: a.csv}}", "subscriptions"),
        ("questions: {chrun: {}}", "churn"),
        ("snapshots: {every: months}", "month"),
    ],
)
def test_an_unknown_name_names_the_nearest(tmp_path: Path, text: str, near: str) -> None:
    """A table, question or choice that does not exist is met with the one that was probably meant."""
    error = _refused(tmp_path, text)
    assert error.what.startswith("unknown name")
    assert error.do == f"did you mean {near!r}?"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("questions: {churn: {horizon_days: soon}}", "questions.churn.horizon_days", "valid integer"),
        ("questions: {churn: {horizon_days: 0}}", "questions.churn.horizon_days", "greater than or equal to 1"),
        ("company: {currency: euro}", "company.currency", "unknown currency"),
        ("snapshots: {before_renewal_days: 30}", "snapshots.before_renewal_days", "a list was expected"),
        ("snapshots: {before_renewal_days: [-5]}", "snapshots.before_renewal_days.0", "greater than or equal to 1"),
        ("snapshots: {first: 2026-02-01, last: 2026-01-01}", "snapshots", "'first' lies after 'last'"),
        ("snapshots: {every: none}", "snapshots", "give 'dates' or 'before_renewal_days'"),
        ("observed_until: soon", "observed_until", "not a date"),
        ("observed_until: 20260101", "observed_until", "ISO date"),
        ("tables: [accounts]", "tables", "a mapping was expected"),
        ("tables: {accounts: {}}", "tables.accounts", "exactly one of 'path' and 'url'"),
        (
            "tables: {accounts: {path: a, columns: {name: 5}}}",
            "tables.accounts.columns.name",
            "name of a source column",
        ),
        ("tables: {accounts: {path: a, columns: {name: {sq: x}}}}", "tables.accounts.columns.name", "{sql:"),
        ("tables:", "tables", "no value"),
        ("questions: {churn: }", "questions.churn", "no value"),
    ],
)
def test_a_wrong_value_names_its_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    """The place is the path of keys to the value, and the message says what was wanted there."""
    error = _refused(tmp_path, text)
    assert error.where.endswith(f": {place}")
    assert words in error.what


@pytest.mark.parametrize("text", ["company: {timezone: Prague}", "tables: {users: {path: u, timezone: Prague}}"])
def test_an_unknown_zone_says_the_form(tmp_path: Path, text: str) -> None:
    """A time zone must be an IANA name, in the company as in a table."""
    assert "unknown time zone 'Prague'; write an IANA name" in _refused(tmp_path, text).what


@pytest.mark.parametrize(
    ("field", "question"),
    [
        ("uplift: 0.2", "lapse"),
        ("grace_days: 5", "upsell"),
        ("lookback_days: 5", "churn"),
        ("growth_ratio: 2", "lapse"),
        ("price_changes: true", "upsell_seats"),
    ],
)
def test_a_field_that_the_question_does_not_use_is_refused(tmp_path: Path, field: str, question: str) -> None:
    """A definition that would be ignored is never accepted in silence."""
    error = _refused(tmp_path, f"questions: {{{question}: {{{field}}}}}")
    assert f"'{question}' does not use '{field.split(':')[0]}'" in error.what


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """YAML would let the last one win; the line of the second is named instead."""
    error = _refused(tmp_path, "questions: {churn: {}}\nseed: 1\nquestions: {lapse: {}}\n")
    assert "the key 'questions' stands twice" in error.got
    assert "line 3" in error.got


@pytest.mark.parametrize("text", ["a: b: c", "- tables", "observed_until: 2026-13-45", "'unclosed"])
def test_what_is_no_yaml_mapping_is_refused(tmp_path: Path, text: str) -> None:
    """Broken YAML, a list and an impossible date each end in a message about the file."""
    _refused(tmp_path, text)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A file in another encoding is no YAML."""
    (tmp_path / "revml.yaml").write_bytes(b"company: {name: \xe9\xff}")
    with pytest.raises(ConfigError, match="not YAML"):
        load_workspace(tmp_path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    """Without a workspace file the way out is `revml init`."""
    with pytest.raises(ConfigError) as error:
        load_workspace(tmp_path / "elsewhere.yaml")
    assert "revml init" in error.value.do


def test_all_errors_are_counted(tmp_path: Path) -> None:
    """The first error is told, and how many more there are."""
    assert "(1 more after this one)" in _refused(tmp_path, "tabels: {}\nsede: 1").what


def test_a_variable_of_a_url_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`${NAME}` is filled when the URL is asked for, and never when the file is read."""
    workspace = _load(tmp_path, "store: {url: 'postgresql://me:${REVML_TEST_PW}@db/scores'}")
    with pytest.raises(ConfigError) as error:
        workspace.store_url  # noqa: B018 - reading it is the point
    assert "REVML_TEST_PW" in error.value.wanted
    monkeypatch.setenv("REVML_TEST_PW", "secret")
    assert workspace.store_url == "postgresql://me:secret@db/scores"
    assert expand("no variable") == "no variable"


def test_an_empty_file_is_a_workspace_of_defaults(tmp_path: Path) -> None:
    """Nothing needs to be said that has a default; paths start at the file's folder; nothing is created."""
    workspace = _load(tmp_path, "")
    assert workspace.staged_dir == tmp_path / ".revml" / "staged"
    assert not workspace.work_dir.exists()
    assert workspace.question("churn") == QuestionSpec()


def test_a_workspace_is_frozen(tmp_path: Path) -> None:
    """Configuration does not change while it is used."""
    with pytest.raises(ValueError, match="frozen"):
        _load(tmp_path, "").seed = 1  # type: ignore[misc]


def test_times_with_a_zone_become_utc(tmp_path: Path) -> None:
    """An instant with an offset is the same instant in UTC."""
    assert _load(tmp_path, "observed_until: 2026-01-01T00:30:00+01:00").observed_until == instant("2025-12-31T23:30:00")


def test_only_churn_settles() -> None:
    """The grace period delays the label of churn and of nothing else."""
    spec = QuestionSpec(grace_days=30)
    assert spec.window("churn").settle_days == 30
    assert spec.window("upsell").settle_days == 0
