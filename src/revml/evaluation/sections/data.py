"""The data: what was learned from, what it was chosen on, what it was tested on."""

from __future__ import annotations

from revml.evaluation.sections.markdown import Manifest, bullets, dated, day
from revml.locales import Words


def learned_from(say: Words, manifest: Manifest) -> list[str]:
    """Rows, accounts, events and spans of each part."""
    if not dated(manifest):
        return _undated_data(say, manifest)
    data, figures = manifest["data"], manifest["figures"]
    split = data["split"]
    learned = [*split["train"], *split["valid"]]
    by_time = (
        say.text("card.data.by_time", first=day(say, split["valid"][0]), last=day(say, split["valid"][-1]))
        if data["by_time"]
        else say.text("card.data.by_account")
    )
    return [
        say.text(
            "card.data.learned",
            rows=say.count("card.snapshots", data["rows"]),
            accounts=say.count("card.accounts", data["accounts"]),
            first=day(say, learned[0]),
            last=day(say, learned[-1]),
            events=say.number(data["events"]),
            rate=say.percent(data["events"] / data["rows"], 1),
        ),
        by_time,
        say.text(
            "card.data.test",
            rows=say.count("card.snapshots", figures["rows"]),
            accounts=say.count("card.accounts", figures["accounts"]),
            dates=", ".join(day(say, at) for at in split["test"]),
            events=say.number(figures["events"]),
            rate=say.percent(figures["base_rate"], 1),
        ),
        say.text(
            "card.data.features",
            n=say.number(data["features"]),
            until=day(say, data["observed_until"]),
            fingerprint=f"`{data['fingerprint'][:12]}`",
        ),
        *(_own_columns(say, manifest["ready"]) if manifest.get("ready") else []),
    ]


def _undated_data(say: Words, manifest: Manifest) -> list[str]:
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


def _own_columns(say: Words, own: Manifest) -> list[str]:
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
    return [bullets(told)] if told else []
