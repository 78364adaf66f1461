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
            **(_mean(say, manifest, setting) if served == "blend" else {}),
        )
    ]
    if not manifest["enough"]:
        told.append(
            say.text("card.served.small", train=say.number(minimum["train"]), valid=say.number(minimum["valid"]))
        )
    if rule:
        told.append(_rule(say, manifest, rule))
    told.append(say.text("card.served.how", **{k: say.percent(v) for k, v in manifest["rule_of_choice"].items()}))
    if less := _asked_less(manifest):
        named = ", ".join(say.text(f"card.rung.{row['rung']}") for row in less)
        told.append(say.text("card.served.less", asked=say.percent(min(row["asked"] for row in less)), rungs=named))
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


def _asked_less(manifest: Manifest) -> list[Manifest]:
    """Rows of the ladder that serve unless the figures refute them."""
    clearly = manifest["rule_of_choice"]["clearly"]
    return [row for row in manifest["ladder"] if row["better"] is not None and row.get("asked", clearly) < clearly]


def _mean(say: Words, manifest: Manifest, setting: Manifest) -> dict[str, str]:
    """What a mean holds, the largest share first, and where its weights come from."""
    trees, rule = setting["share"], setting.get("rule", 0.0)
    shares = {"lightgbm": trees, "logistic": (1 - trees) * (1 - rule), "rule": (1 - trees) * rule}
    parts = (
        f"{say.percent(share)} {say.text(f'card.rung.{rung}')}"
        for rung, share in sorted(shares.items(), key=lambda one: -one[1])
        if share > 0
    )
    few = any(row["rung"] == "logistic" for row in _asked_less(manifest))
    return {"parts": ", ".join(parts), "weights": say.text(f"card.served.blend.{'given' if few else 'found'}")}


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
