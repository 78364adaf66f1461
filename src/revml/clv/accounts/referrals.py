"""What referred accounts are worth, told of those who referred them.

Comes in: whom each account names in `referred_by`. Goes out: two things, of which neither adds to the company's total.
The referral value of an account is the CLV of those it brought: an allocation beside its CLV, never a part of it. Where
the economics name a share, that share of each referred account's margin moves to the referrer as the component
`referral`: less on one side, as much more on the other, month by month and in whole cents. Only direct referrals
count, and of what the referred account brings by itself; so chains and circles of referrals pass nothing on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from revml.clv.flows import RelationFlows
from revml.clv.value import Floats


@dataclass(frozen=True)
class Referrals:
    """Pairs of accounts: `referred[i]` was brought by `referrer[i]`; `unknown` name somebody who is no account."""

    referred: tuple[str, ...]
    referrer: tuple[str, ...]
    unknown: tuple[str, ...]

    def value(self, own: Mapping[str, float]) -> dict[str, float]:
        """By referrer, the CLV of all whom it brought; those worth less than nothing count as they are.

        >>> Referrals(("b", "c"), ("a", "a"), ()).value({"a": 1.0, "b": 2.0, "c": 3.0})
        {'a': 5.0}
        """
        out: dict[str, float] = {}
        for referred, referrer in zip(self.referred, self.referrer, strict=True):
            out[referrer] = out.get(referrer, 0.0) + own.get(referred, 0.0)
        return out


def referrals(referred_by: Mapping[str, str | None]) -> Referrals:
    """The pairs that can be used: a known referrer who is somebody else.

    Args:
        referred_by: by account its referrer's id, None where it has none.
    """
    pairs = [(account, by) for account, by in sorted(referred_by.items()) if by is not None]
    used = [(account, by) for account, by in pairs if by in referred_by and by != account]
    return Referrals(
        referred=tuple(account for account, _ in used),
        referrer=tuple(by for _, by in used),
        unknown=tuple(account for account, by in pairs if by not in referred_by),
    )


def share_referrals(
    relations: Sequence[RelationFlows], pairs: Referrals, share: float
) -> tuple[tuple[RelationFlows, ...], int]:
    """Move a share of each referred account's margin to its referrer.

    The referrer gets it in the same relation, or in its first one where it has no such. A referrer who has none at all
    gets nothing and takes nothing from anybody. Bands of CLV move by what was moved, since a share of what is expected
    is agreed.

    Args:
        share: of one.

    Returns:
        The relations, whose margins add up month by month to what they were, and how many accounts gave a share.
    """
    rows = [{account: i for i, account in enumerate(one.account_id)} for one in relations]
    moved = [np.zeros_like(one.margin) for one in relations]
    giving = 0
    for referred, referrer in zip(pairs.referred, pairs.referrer, strict=True):
        homes = [k for k, row in enumerate(rows) if referrer in row]
        gives = [k for k, row in enumerate(rows) if referred in row]
        if not homes or not gives:
            continue
        giving += 1
        for k in gives:
            part = np.rint(100 * share * relations[k].margin[rows[k][referred]]) / 100
            to = k if k in homes else homes[0]
            moved[k][rows[k][referred]] -= part
            moved[to][rows[to][referrer]] += part
    if not giving:
        return tuple(relations), 0
    return tuple(_moved(one, part) for one, part in zip(relations, moved, strict=True)), giving


def _moved(one: RelationFlows, part: Floats) -> RelationFlows:
    bands = {
        horizon: {name: np.asarray(band + part[:, :horizon].sum(axis=1)) for name, band in of.items()}
        for horizon, of in one.value_bands.items()
    }
    return replace(one, margin=one.margin + part, referral=one.referral + part, value_bands=bands)
