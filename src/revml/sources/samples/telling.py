"""The README beside a sample's truth: what the columns mean and what may be concluded from them."""

from __future__ import annotations

from revml.sources.samples.kinds import Kind

COMMON = """# The truth behind this sample company

Written by `revml sample` ({name}, {accounts} accounts, {months} months, seed {seed}). Nothing here may be used as input: it is
what an oracle knows who sees the hidden state of every account, but not the future.

## account_months.parquet
One row an account and month start, from the first month start after the account came. `as_of` is 00:00 UTC.

| column | meaning |
|---|---|
| alive | {alive} |
{columns}| mood, depth, pain, demand | hidden state at `as_of`: satisfaction; how far it slid out of use (0 to 1); what incidents still hurt; log of need over what it has |
| champion, budget, rival, deal, helped | hidden state at `as_of`: champion there; money short; a rival being evaluated; a deal open; a play under way |

A probability is the mean over 128 imagined continuations of the same process that made the data, from the state at `as_of`. Ends
are not drawn but carried as chances. Measured errors of a probability (root mean square over accounts): churn 0.001, contraction 0.011,
lapse 0.006, upsell 0.016, growth 0.03. It is calibrated against the labels with the default definitions of the questions
(90 days, no gap), and as sharp as anybody can be who does not know the future: no model beats it but by luck, and its own
AUC is well below 1.

## events.parquet
`account_id, time, kind, cause, forewarned`: what happened and the true cause, where there is one. `forewarned` is false for causes that
nothing foretells (acquired, insolvent, other); what a company wrote down (`end_reason`) is not always the true cause.

| cause | what shows before, if anything |
|---|---|
| adoption | usage and active users (orders: product families, volumes) decline for months |
| fit | a little in surveys; low mood for long |
| support | tickets: more, more severe, slower, badly rated; usage does not move |
| champion | the champion's user is deactivated; fewer inbound contacts |
| budget | invoices paid late, seats cut |
| competitor | a few weeks: exports, now and then a comment |
| price | a renewal offer well above the old price, up to two months ahead (orders: the increase of January) |
| other, acquired, insolvent | nothing |

Plenty of accounts show these signs and stay.
"""  # noqa: E501

CONTRACT = """| hazard_churn, hazard_expansion | true chance that within the month (28 days) the contract ends, or grows by seats, plan or module |
| p_churn_90d, p_contraction_90d, p_upsell_90d | true chance of the label; empty where no contract runs |
"""  # noqa: E501
ORDERS = """| ordering | a positive order in the 180 days before |
| hazard_lapse, hazard_growth | true chance that the account begins to buy elsewhere or closes within the month, and that it buys a project or machine |
| p_lapse_90d, p_growth_90d | true chance of the label; empty for those who are not at risk |
| lost, closed | hidden state at `as_of`: buys elsewhere; exists no more |
"""  # noqa: E501


def readme(kind: Kind, accounts: int, months: int, seed: int) -> str:
    """The text of `truth/README.md`."""
    return COMMON.format(
        name=kind.name,
        accounts=accounts,
        months=months,
        seed=seed,
        alive="a contract runs at `as_of`" if kind.contracts else "ordered in the 180 days before `as_of`",
        columns=(CONTRACT if kind.contracts else "") + (ORDERS if kind.orders else ""),
    )
