"""The `feedback` table: scores of surveys and what people wrote, in Czech where they speak it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revml.sources.samples.clock import MICROSECONDS, Floats, Ints
from revml.sources.samples.comments import COMMENTS, THEMES
from revml.sources.samples.draws import stream
from revml.sources.samples.people import Users
from revml.sources.samples.world import World
from revml.sources.samples.writing import coded, instants, make_table

KINDS = ("nps", "csat")


def feedback_table(world: World, users: Users, seed: int) -> pa.Table:
    """NPS of those who answer twice a year, satisfaction now and then."""
    served = world.served()
    rng = stream(seed, "feedback")
    calendar, n = world.calendar, world.accounts.size
    eager = rng.beta(1.3, 3.0, n)
    gentle = rng.normal(0, 1.1, n)
    turn = rng.integers(0, 6, n)
    asked = ((np.arange(calendar.months)[:, None] + turn) % 6 == 0) & served
    people = np.clip(np.sqrt(np.bincount(users.account, minlength=n) / 4), 1, 4)
    answers = rng.poisson(np.where(asked, eager * people, 0.012 * served))
    month, account = np.nonzero(answers)
    repeat = answers[month, account]
    month, account = np.repeat(month, repeat), np.repeat(account, repeat)
    m = len(month)
    kind = np.where(asked[month, account], 0, 1)
    at = rng.random(m)
    half = 2 * month + (at >= 0.5)
    state = {
        name: world.halves(name)[half, account] for name in ("mood", "depth", "pain", "champion", "budget", "rival")
    }
    feeling = (
        7.9 + 0.9 * state["mood"] - 2.2 * state["depth"] - 0.8 * state["pain"] - 0.7 * state["rival"] + gentle[account]
        + 0.5 * world.accounts.traits.fit[account] + rng.normal(0, 1.5, m)
    )  # fmt: skip
    score = np.where(kind == 0, np.clip(np.rint(feeling), 0, 10), np.clip(np.rint(feeling / 2), 1, 5))
    moment = calendar.starts[month] * MICROSECONDS + (at * calendar.lengths[month] * MICROSECONDS).astype(np.int64)
    known = world.before_end(month, account, moment // MICROSECONDS)
    half, account, moment, kind = half[known], account[known], moment[known], kind[known]
    score, feeling = score[known], feeling[known]
    state = {name: values[known] for name, values in state.items()}
    m = len(half)
    user = _who(users, account, moment, rng)
    demand: Floats = world.halves("demand")[half, account]
    theme = _themes(rng, feeling, state, demand)
    written = rng.random(m) < 0.42
    comments = _comments(world, rng, account, theme, written)
    by = np.lexsort((score, account, moment))
    return make_table(
        "feedback",
        {
            "account_id": coded(account[by], world.accounts.ids),
            "given_at": instants(moment[by]),
            "kind": coded(kind[by], KINDS),
            "score": score[by],
            "user_id": coded(user[by], users.ids) if len(users.ids) else pa.nulls(m, pa.string()),
            "comment": pa.array([comments[i] for i in by.tolist()], pa.string()),
        },
    )


def _who(users: Users, account: Ints, moment: Ints, rng: np.random.Generator) -> Ints:
    """Somebody of the account who was there at the time, -1 where nobody is named."""
    first = np.searchsorted(users.account, account)
    there = np.searchsorted(users.account, account, side="right") - first
    pick = first + (rng.random(len(account)) * there).astype(np.int64)
    pick = np.minimum(pick, max(len(users.ids) - 1, 0))
    if not len(users.ids):
        return np.full(len(account), -1)
    sound = (
        (there > 0) & (users.created[pick] <= moment) & (users.left[pick] > moment) & (rng.random(len(account)) < 0.9)
    )
    out: Ints = np.where(sound, pick, -1)
    return out


def _themes(rng: np.random.Generator, feeling: Floats, state: dict[str, Floats], demand: Floats) -> Ints:
    """What a comment is about: weights by the state, and a good deal of chance."""
    weights = np.stack(
        [
            2.0 * (feeling > 8),
            1.2 + 0 * feeling,
            0.1 + 2.5 * state["depth"],
            0.1 + 1.1 * state["pain"],
            0.25 + 0 * feeling,
            0.05 + 1.3 * state["budget"],
            0.03 + 1.2 * state["rival"],
            0.05 + 0.9 * (1 - state["champion"]),
            0.1 + 1.2 * np.clip(demand, 0, 1) * (feeling > 6),
        ]
    )
    sums = np.cumsum(weights, axis=0)
    out: Ints = (rng.random(len(feeling)) * sums[-1] >= sums).sum(axis=0)
    return out


def _comments(
    world: World, rng: np.random.Generator, account: Ints, theme: Ints, written: np.ndarray
) -> list[str | None]:
    czech = world.accounts.czech[account] & (rng.random(len(account)) < 0.9)
    things = [p.product.replace("-", " ") for p in (*world.kind.plans, *world.kind.goods)] or ["service"]
    pick, thing = rng.integers(0, 2**31, (2, len(account))).tolist()
    out: list[str | None] = []
    for i, says in enumerate(written.tolist()):
        if not says:
            out.append(None)
            continue
        texts = COMMENTS["cs" if czech[i] else "en"][THEMES[theme[i]]]
        out.append(texts[pick[i] % len(texts)].format(thing=things[thing[i] % len(things)]))
    return out
