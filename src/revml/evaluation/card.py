"""The model card: what a model was asked, learned from, achieved, looks at, and must not be used for.

Comes in: the manifest of a bundle, which holds all of it. Goes out: Markdown in English or Czech, from `cards.po`.
It holds no time of writing, so the same model always has the same card.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from revml.features.catalog import catalog, feature_words
from revml.locales import Words, words

SHARES = ("events_caught", "events_within_reach", "money_caught")
DIGITS = {"lift": 2, "calibration_ratio": 2, "roc_auc": 3, "pr_auc": 3}
TOP_FEATURES = 8


def card(language: str, manifest: Mapping[str, Any]) -> str:
    """The card of a bundle in a language."""
    say = words(language)
    question = manifest["question"]
    parts = [
        f"# {say.text(f'card.title.{question}')}: {manifest['data']['company']}",
        _verdict(say, manifest),
        _section(say, "card.question", _question(say, question, manifest)),
        _section(say, "card.data", *_data(say, manifest)),
        _section(say, "card.served", *_served(say, manifest)),
        _section(say, "card.figures", *_figures(say, manifest["figures"])),
        _section(say, "card.calibration", *_calibration(say, manifest)),
    ]
    if manifest["figures"]["segments"]:
        parts.append(_section(say, "card.segments", _segments(say, manifest)))
    if manifest["importance"]["features"]:
        parts.append(_section(say, "card.importance", *_importance(say, manifest)))
    limits = ["causes", "sudden", "same"]
    if not _dated(manifest):
        limits += ["held_out", "undated"]
    else:
        limits += ["test", *([] if manifest["data"]["by_time"] else ["account"])]
    events = say.number(manifest["figures"]["events"])
    parts.append(_section(say, "card.limits", _bullets(say.text(f"card.limits.{k}", events=events) for k in limits)))
    never = ("people", "credit", "other", "alone")
    parts.append(_section(say, "card.never", _bullets(say.text(f"card.never.{k}") for k in never)))
    notes = manifest["sheet"]["notes"]
    text = notes.get(language, "") if isinstance(notes, dict) else notes
    if text.strip():
        parts.append(_section(say, "card.notes", text.strip()))
    return "\n\n".join(parts) + "\n"


def _label(manifest: Mapping[str, Any], name: str, language: str) -> str:
    """A feature of this bundle in words; a column of a ready table keeps its name, whatever revml calls so."""
    return f"`{name}`" if manifest.get("ready") else feature_label(name, language)


def _dated(manifest: Mapping[str, Any]) -> bool:
    """Whether the test lies later than what was learned from."""
    return bool(manifest["data"].get("dated", True))


def feature_label(name: str, language: str) -> str:
    """A feature in words; a company's own column is called by its name."""
    declared = catalog().get(name)
    return feature_words(declared, language) if declared else f"`{name}`"


def _section(say: Words, key: str, *paragraphs: str) -> str:
    return "\n\n".join([f"## {say.text(key)}", *(p for p in paragraphs if p)])


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---", *["---:"] * (len(headers) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _verdict(say: Words, manifest: Mapping[str, Any]) -> str:
    verdict = manifest["verdict"]
    undated = "" if _dated(manifest) else f" {say.text('card.verdict.undated')}"
    if verdict["passed"]:
        borrowed = f" {say.text('card.verdict.borrowed')}" if verdict["borrowed"] else ""
        return f"> {say.text('card.verdict.passed')}{borrowed}{undated}"
    reasons = "; ".join(say.text(f"card.verdict.{r}") for r in verdict["reasons"])
    return f"> {say.text('card.verdict.failed')} {reasons}.{undated}"


def _question(say: Words, question: str, manifest: Mapping[str, Any]) -> str:
    definition = manifest["definition"]
    if manifest.get("ready"):
        return _own_question(say, manifest["ready"], definition)
    horizon = say.days(definition["horizon_days"])
    gap = definition["gap_days"]
    window = say.text("card.window_gap", horizon=horizon, gap=say.days(gap)) if gap else ""
    return say.text(
        f"card.question.{question}",
        window=window or say.text("card.window", horizon=horizon),
        horizon=horizon,
        grace=say.days(definition["grace_days"]),
        lookback=say.days(definition["lookback_days"]),
        uplift=say.percent(definition["uplift"]),
        ratio=say.number(definition["growth_ratio"], 2),
    )


def _own_question(say: Words, own: Mapping[str, Any], definition: Mapping[str, Any]) -> str:
    """What a ready table was asked: its label is its definition."""
    names = {k: f"`{own[k]}`" for k in ("table", "label")}
    key = "card.question.own" if own["positive"] is None else "card.question.own_value"
    asked = say.text(key, **names, value=f"`{own['positive']}`")
    if not definition["horizon_days"]:
        return f"{asked} {say.text('card.question.own_undated')}"
    window = {"horizon": say.days(definition["horizon_days"]), "gap": say.days(definition["gap_days"])}
    key = "card.question.own_gap" if definition["gap_days"] else "card.question.own_window"
    return f"{asked} {say.text(key, **window)}"


def _own_columns(say: Words, own: Mapping[str, Any]) -> list[str]:
    """Which columns of a ready table are not learned from, and which only in part."""
    told = []
    for key in ("held_back", "allowed", "left_out"):
        if own[key]:
            told.append(say.text(f"card.own.{key}", list=", ".join(f"`{name}`" for name in own[key])))
    if own["pooled"]:
        columns = ", ".join(
            say.text("card.own.pooled_column", name=f"`{name}`", n=say.number(n), all=say.number(every))
            for name, (n, every) in own["pooled"].items()
        )
        told.append(say.text("card.own.pooled", least=say.number(own["least"]), list=columns))
    return [_bullets(told)] if told else []


def _undated_data(say: Words, manifest: Mapping[str, Any]) -> list[str]:
    data, figures = manifest["data"], manifest["figures"]
    return [
        say.text(
            "card.data.learned_undated",
            accounts=say.count("card.accounts", data["accounts"]),
            events=say.number(data["events"]),
            rate=say.percent(data["events"] / data["rows"], 1),
        ),
        say.text("card.data.undated"),
        say.text(
            "card.data.test_undated",
            accounts=say.count("card.accounts", figures["accounts"]),
            events=say.number(figures["events"]),
            rate=say.percent(figures["base_rate"], 1),
        ),
        say.text("card.data.columns", n=say.number(data["features"]), fingerprint=f"`{data['fingerprint'][:12]}`"),
        *_own_columns(say, manifest["ready"]),
    ]


def _data(say: Words, manifest: Mapping[str, Any]) -> list[str]:
    if not _dated(manifest):
        return _undated_data(say, manifest)
    data, figures = manifest["data"], manifest["figures"]
    split = data["split"]
    learned = [*split["train"], *split["valid"]]
    by_time = (
        say.text("card.data.by_time", first=_date(say, split["valid"][0]), last=_date(say, split["valid"][-1]))
        if data["by_time"]
        else say.text("card.data.by_account")
    )
    return [
        say.text(
            "card.data.learned",
            rows=say.count("card.snapshots", data["rows"]),
            accounts=say.count("card.accounts", data["accounts"]),
            first=_date(say, learned[0]),
            last=_date(say, learned[-1]),
            events=say.number(data["events"]),
            rate=say.percent(data["events"] / data["rows"], 1),
        ),
        by_time,
        say.text(
            "card.data.test",
            rows=say.count("card.snapshots", figures["rows"]),
            accounts=say.count("card.accounts", figures["accounts"]),
            dates=", ".join(_date(say, at) for at in split["test"]),
            events=say.number(figures["events"]),
            rate=say.percent(figures["base_rate"], 1),
        ),
        say.text(
            "card.data.features",
            n=say.number(data["features"]),
            until=_date(say, data["observed_until"]),
            fingerprint=f"`{data['fingerprint'][:12]}`",
        ),
        *(_own_columns(say, manifest["ready"]) if manifest.get("ready") else []),
    ]


def _date(say: Words, at: str) -> str:
    return say.date(datetime.fromisoformat(at))


def _served(say: Words, manifest: Mapping[str, Any]) -> list[str]:
    served, rule = manifest["rung"], manifest["rule"]
    setting = next(row["setting"] for row in manifest["ladder"] if row["rung"] == served)
    minimum = manifest["sheet"]["min_events"]
    told = [
        say.text(
            f"card.served.{served}",
            feature=_label(manifest, rule["feature"], say.language) if rule else "",
            rounds=say.number(setting.get("rounds", 0)),
        )
    ]
    if not manifest["enough"]:
        told.append(
            say.text("card.served.small", train=say.number(minimum["train"]), valid=say.number(minimum["valid"]))
        )
    if rule:
        told.append(_rule(say, manifest, rule))
    told.append(say.text("card.served.how", **{k: say.percent(v) for k, v in manifest["rule_of_choice"].items()}))
    mark = f" (**{say.text('card.ladder.serves')}**)"
    rows = [
        (
            say.text(f"card.rung.{row['rung']}") + (mark if row["rung"] == served else ""),
            say.number(row["log_loss"], 4),
            *("" if row[k] is None else say.percent(row[k]) for k in ("better", "ranks")),
        )
        for row in manifest["ladder"]
    ]
    told.append(_table([say.text(f"card.ladder.{k}") for k in ("rung", "log_loss", "better", "ranks")], rows))
    return told


def _rule(say: Words, manifest: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    rows = []
    for row in rule["bins"]:
        if row.get("category") is not None:
            name = str(row["category"])
        elif row.get("upto") is not None:
            name = say.text("card.rule.upto", value=say.number(row["upto"], 2))
        elif row.get("above") is not None:
            name = say.text("card.rule.above", value=say.number(row["above"], 2))
        else:
            name = say.text("card.rule.missing")
        rows.append((name, say.percent(row["rate"], 1)))
    return _table([_label(manifest, rule["feature"], say.language), say.text("card.rule.rate")], rows)


def _figures(say: Words, figures: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, figure in figures["values"].items():
        value, low, high = (_number(say, name, figure[k]) for k in ("value", "low", "high"))
        interval = say.text("card.figures.between", low=low, high=high) if figure["low"] is not None else ""
        rows.append((say.text(f"card.figure.{name}"), value, interval))
    headers = [say.text(f"card.figures.{k}") for k in ("name", "value", "interval")]
    capacity = say.count("card.accounts", figures["capacity"])
    return [_table(headers, rows), say.text("card.figures.how", capacity=capacity)]


def _number(say: Words, name: str, value: float | None) -> str:
    if value is None:
        return say.text("card.figures.unknown")
    return say.percent(value, 1) if name in SHARES else say.number(value, DIGITS.get(name, 4))


def _calibration(say: Words, manifest: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            say.number(k),
            say.number(row["n"]),
            say.percent(row["predicted"], 1),
            say.percent(row["observed"], 1),
        )
        for k, row in enumerate(manifest["figures"]["reliability"], start=1)
    ]
    headers = [say.text(f"card.calibration.{k}") for k in ("tenth", "n", "predicted", "observed")]
    return [say.text(f"card.calibration.{manifest['calibration']}"), _table(headers, rows)]


def _segments(say: Words, manifest: Mapping[str, Any]) -> str:
    rows = [
        (
            _segment(say, manifest, row),
            say.number(row["n"]),
            say.percent(row["predicted"], 1),
            say.percent(row["observed"], 1),
            "" if row["roc_auc"] is None else say.number(row["roc_auc"], 3),
        )
        for row in manifest["figures"]["segments"]
    ]
    headers = [say.text("card.segments.segment")]
    headers += [say.text(f"card.calibration.{k}") for k in ("n", "predicted", "observed")]
    return _table([*headers, "ROC-AUC"], rows)


def _segment(say: Words, manifest: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    name = _label(manifest, row["column"], say.language)
    if row["column"] == "industry":
        return f"{name}: {row['value']}"
    return f"{name}: {say.text('card.segments.third', n=int(row['value']) + 1)}"


def _importance(say: Words, manifest: Mapping[str, Any]) -> list[str]:
    told = manifest["importance"]
    rows = [
        (say.text(f"concept.{name}"), say.percent(share)) for name, share in told["concepts"].items() if share >= 0.005
    ]
    if manifest.get("ready"):
        # Columns of a table of its own belong to no concept: each is shown with its own share.
        shares = [(f"`{name}`", say.percent(share)) for name, share in told["features"].items() if share >= 0.005]
        return [
            say.text("card.importance.own"),
            _table([say.text("card.importance.column"), say.text("card.importance.share")], shares),
        ]
    top = "; ".join(feature_label(name, say.language) for name in list(told["features"])[:TOP_FEATURES])
    out = [
        say.text("card.importance.how"),
        _table([say.text("card.importance.concept"), say.text("card.importance.share")], rows),
        say.text("card.importance.features", list=top),
    ]
    held = [name for name in manifest["sheet"]["monotone"] if name in manifest["held"]]
    if held:
        out.append(say.text("card.monotone", list="; ".join(feature_label(n, say.language) for n in held)))
    return out
