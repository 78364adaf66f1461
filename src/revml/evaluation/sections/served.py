"""What serves and why: the ladder, and a rule in full."""

from __future__ import annotations

from revml.evaluation.sections.markdown import Manifest, label, table
from revml.locales import Words


def serves(say: Words, manifest: Manifest) -> list[str]:
    """The rung that serves, why, and every rung beside it."""
    served, rule = manifest["rung"], manifest["rule"]
    setting = next(row["setting"] for row in manifest["ladder"] if row["rung"] == served)
    minimum = manifest["sheet"]["min_events"]
    told = [
        say.text(
            f"card.served.{served}",
            feature=label(manifest, rule["feature"], say.language) if rule else "",
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
    told.append(table([say.text(f"card.ladder.{k}") for k in ("rung", "log_loss", "better", "ranks")], rows))
    return told


def _rule(say: Words, manifest: Manifest, rule: Manifest) -> str:
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
    return table([label(manifest, rule["feature"], say.language), say.text("card.rule.rate")], rows)
