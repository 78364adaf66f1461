"""Samples of Segment and PostHog: the same people at work in the product.

Oddities: deliveries that come twice, events that arrive days later, users who change their group, who act before they
are in one, or are anonymous, a client clock that runs ahead, events that a library writes for itself, dollar signs and
colons in names and ids.
"""

# ruff: noqa: DTZ001 - naive means UTC in revml
from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tests.mappings.sample_files import CUSTOMERS, Rows, Tables, text

_FEATURES = ("Report Viewed", "Export Made", "Invite Sent")


def _work() -> Iterator[tuple[int, int, str, datetime]]:
    """Account, user (1 or 2), event and time: fewer and fewer in account 3, none in account 24."""
    for account in range(1, CUSTOMERS):
        start = datetime(2024, 2, 1, 8, account) + timedelta(days=9 * account)
        for step in range(8):
            gap = 40 if account != 3 else 12
            yield account, step % 2 + 1, _FEATURES[(account + step) % 3], start + timedelta(days=gap * step, hours=step)


def segment() -> Tables:
    """A Segment source's tables."""
    groups: Rows = []
    identifies: Rows = []
    tracks: Rows = []
    for account in range(1, CUSTOMERS + 1):
        for person in (1, 2):
            joined = datetime(2024, 1, 20, 8, account) + timedelta(days=person)
            groups.append(
                {
                    "id": f"g-{account}-{person}", "user_id": f"u{account}-{person}", "anonymous_id": f"an-{account}",
                    "group_id": f"acct-{account:02d}", "name": f"Company {account:02d}",
                    "timestamp": text(joined), "received_at": text(joined + timedelta(seconds=2)),
                }
            )  # fmt: skip
            identifies.append(
                {
                    "id": f"i-{account}-{person}", "user_id": f"u{account}-{person}",
                    "role": "" if account == 5 else ("admin", "member")[person - 1],
                    "timestamp": text(joined), "received_at": text(joined + timedelta(seconds=2)),
                }
            )  # fmt: skip
    for number, (account, person, event, at) in enumerate(_work()):
        tracks.append(_track(f"m-{number}", f"u{account}-{person}", event, at))
    late = {**tracks[0], "id": "m-late", "received_at": text(datetime(2024, 2, 14, 8))}
    twice = {**tracks[1], "received_at": text(datetime(2024, 6, 1, 8))}
    moved = datetime(2024, 5, 1, 8)
    groups.append({**groups[2], "id": "g-moved", "group_id": "acct-09", "name": "Company 09", "timestamp": text(moved)})
    tracks += [
        late,
        twice,
        _track("m-own", "u1-1", "Export Made", datetime(2024, 7, 1, 9), group="acct-08"),
        _track("m-moved", "u2-1", "Export Made", datetime(2024, 5, 2, 9)),
        _track("m-before", "u6-1", "Report Viewed", datetime(2024, 1, 2, 9)),
        _track("m-nobody", "", "Report Viewed", datetime(2024, 3, 2, 9)),
        _track("m-stranger", "u99", "Report Viewed", datetime(2024, 3, 2, 9)),
    ]
    return {"tracks.csv": tracks, "identifies.csv": identifies, "groups.csv": groups}


def _track(number: str, user: str, event: str, at: datetime, *, group: str = "") -> dict[str, object]:
    return {
        "id": number, "anonymous_id": f"an-{number}", "user_id": user, "event": event.lower().replace(" ", "_"),
        "event_text": event, "context_group_id": group, "timestamp": text(at), "original_timestamp": text(at),
        "received_at": text(at + timedelta(seconds=1)),
    }  # fmt: skip


def posthog() -> Tables:
    """A PostHog batch export: Parquet files of a day each in the system, of all days here."""
    rows: Rows = []
    for account in range(1, CUSTOMERS + 1):
        first = datetime(2024, 1, 20, 8, account)
        named = {
            "$group_type": "company",
            "$group_key": f"org:{account}",
            "$group_set": {"name": f"Company {account:02d}"},
        }
        rows.append(_event(f"g{account}", "$groupidentify", f"p{account}-1", first, named))
    for number, (account, person, event, at) in enumerate(_work()):
        told = {
            "$groups": {"company": f"org:{account}"},
            "$group_0": f"org:{account}",
            "plan": "team",
            "quote": 'a "b"',
        }
        if number % 10 == 0:
            del told["$group_0"]
        rows.append(_event(f"e{number}", event, f"p{account}-{person}", at, told))
    base = {"$group_0": "org:1"}
    day = datetime(2024, 4, 1, 8, tzinfo=UTC).replace(tzinfo=None)
    rows += [
        _event("auto", "$autocapture", "p1-1", day, base),
        _event("page", "$pageview", "p1-1", day, base),
        _event("late", "Export Made", "p1-1", day, base, ingested=day + timedelta(days=4)),
        _event("ahead", "Export Made", "p1-1", day + timedelta(hours=5), base, ingested=day),
        _event("alone", "Export Made", "p1-9", day, {}),
    ]
    rows.append({**rows[-2]})
    half = len(rows) // 2
    return {"events/part-0.parquet": rows[:half], "events/part-1.parquet": rows[half:]}


def _event(
    number: str, event: str, person: str, at: datetime, properties: dict[str, object], ingested: datetime | None = None
) -> dict[str, object]:
    return {
        "uuid": number, "event": event, "distinct_id": f"d-{person}", "person_id": person,
        "properties": json.dumps(properties), "person_properties": json.dumps({"plan_today": "gone"}),
        "elements_chain": "", "timestamp": at.replace(tzinfo=UTC),
        "created_at": (ingested or at + timedelta(seconds=2)).replace(tzinfo=UTC),
    }  # fmt: skip
