"""Samples of HubSpot and Salesforce: prospects who became customers, deals that moved, tickets that came back.

Oddities: deleted records and duplicates, deals that return to a stage, amounts that changed, a won stage without the
word won, tickets opened again, two companies at one ticket, meetings that are only planned, calls written down days
later, tasks that are only to-dos, times with a zone (+0000) in Salesforce.
"""

# ruff: noqa: DTZ001 - naive means UTC in revml
from __future__ import annotations

from datetime import datetime, timedelta

from tests.mappings.sample_files import CUSTOMERS, NOW, Rows, Tables, text

FIRST = datetime(2023, 11, 1, 9)


def _created(n: int) -> datetime:
    return FIRST + timedelta(days=n % 20, minutes=n)


# deal -> company, amounts over time, and stages over time
_T = datetime(2024, 9, 1, 10)
_DEALS = {
    501: (1, ((0, 12000), (20, 9000)), ((0, "1"), (10, "2"), (31, "won"))),
    502: (2, ((0, 4000),), ((0, "1"), (5, "2"), (12, "1"), (30, "2"))),
    503: (3, ((0, 8000),), ((0, "1"), (14, "lost"))),
    504: (4, (), ((0, "1"),)),
}


def hubspot() -> Tables:
    """HubSpot's tables as Fivetran writes them."""
    companies = [
        {
            "id": 9000 + n, "is_deleted": "false", "property_name": f"Company {n:02d}",
            "property_createdate": text(_created(n)), "property_industry": ("RETAIL", "BANKING")[n % 2],
            "property_country": ("United States", "Germany", "United Kingdom")[n % 3],
            "property_numberofemployees": 10 * n, "property_hubspot_owner_id": 70 + n % 3,
            "property_hs_parent_company_id": 9001 if n == 2 else "",
            "property_stripe_customer_id": f"cus_{n:03d}", "property_segment_group_id": f"acct-{n:02d}",
            "_fivetran_synced": text(NOW),
        }
        for n in range(1, CUSTOMERS + 1)
    ]  # fmt: skip
    companies.append({**companies[0], "id": 9999, "is_deleted": "true", "property_name": "Company 01 (copy)"})
    history = [
        {"company_id": 9000 + n, "name": name, "value": value, "timestamp": text(_created(n) + timedelta(days=days))}
        for n, name, value, days in (
            (1, "numberofemployees", "5", 0), (1, "numberofemployees", "8", 100), (1, "numberofemployees", "10", 300),
            (2, "industry", "RETAIL", -0.0001), (2, "hubspot_owner_id", "71", 30), (2, "hubspot_owner_id", "72", 200),
            (3, "lifecyclestage", "customer", 60), (3, "notes_last_updated", "2024-01-01", 60),
            (9, "industry", "BANKING", 50), (999, "industry", "RETAIL", 0),
        )
    ]  # fmt: skip
    stages = (("1", "Proposal", "0.4", "false"), ("2", "Negotiation", "0.7", "false"),
              ("won", "Contract signed", "1.0", "true"), ("lost", "Closed lost", "0.0", "false"))  # fmt: skip
    deals, moves, amounts, links = Rows(), Rows(), Rows(), Rows()
    for deal, (company, worth, path) in _DEALS.items():
        deals.append(
            {
                "deal_id": deal, "is_deleted": "false", "owner_id": 70 + company % 3, "deal_pipeline_id": "default",
                "deal_pipeline_stage_id": path[-1][1], "property_amount": worth[-1][1] if worth else "",
                "property_createdate": text(_T),
            }
        )  # fmt: skip
        links.append({"deal_id": deal, "company_id": 9000 + company, "category": "HUBSPOT_DEFINED"})
        for days, value in worth:
            amounts.append(
                {"deal_id": deal, "name": "amount", "value": value, "timestamp": text(_T + timedelta(days=days))}
            )
        for days, stage in path:
            moves.append({"deal_id": deal, "value": stage, "date_entered": text(_T + timedelta(days=days))})
    deals.append({**deals[0], "deal_id": 599, "is_deleted": "true"})
    moves.append({"deal_id": 599, "value": "1", "date_entered": text(_T)})
    links += [{"deal_id": 599, "company_id": 9001, "category": "HUBSPOT_DEFINED"},
              {"deal_id": 501, "company_id": 9020, "category": "USER_DEFINED"}]  # fmt: skip
    tickets, ticket_links = _tickets()
    return {
        "company.csv": companies,
        "company_property_history.csv": history,
        "deal.csv": deals,
        "deal_stage.csv": moves,
        "deal_company.csv": links,
        "deal_pipeline_stage.csv": [
            {"stage_id": s, "pipeline_id": "default", "label": label, "probability": p, "closed_won": won}
            for s, label, p, won in stages
        ],
        "deal_property_history.csv": amounts,
        "ticket.csv": tickets,
        "ticket_company.csv": ticket_links,
        **_engagements(),
    }


def _tickets() -> tuple[Rows, Rows]:
    """Ticket 1 was closed, opened again and closed for good; ticket 2 is open; ticket 3 was deleted."""
    tickets, links = Rows(), Rows()
    for number in range(1, 61):
        opened = datetime(2024, 3, 1, 8) + timedelta(days=7 * number, minutes=number)
        closed = None if number % 9 == 2 else opened + timedelta(days=number % 6 + 1)
        if closed and closed > NOW:
            closed = None
        tickets.append(
            {
                "id": number, "is_deleted": str(number == 3).lower(), "property_createdate": text(opened),
                "property_closed_date": text(closed), "property_hs_pipeline_stage": 4 if closed else 1,
                "property_hs_ticket_priority": ("LOW", "MEDIUM", "HIGH")[number % 3],
                "property_hs_ticket_category": ("PRODUCT_ISSUE", "BILLING_ISSUE")[number % 2],
            }
        )  # fmt: skip
        if number != 60:
            links.append({"ticket_id": number, "company_id": 9000 + (number - 1) % CUSTOMERS + 1})
    links.append({"ticket_id": 1, "company_id": 9015})
    return tickets, links


def _engagements() -> Tables:
    emails, calls, meetings, links = Rows(), Rows(), Rows(), Rows()
    for number in range(1, 81):
        at = datetime(2024, 2, 1, 12) + timedelta(days=6 * number)
        common = {
            "engagement_id": 300 + number, "property_hs_timestamp": text(at),
            "property_hs_createdate": text(at + timedelta(days=3 if number % 10 == 0 else 0)),
            "property_hubspot_owner_id": 70 + number % 3, "_fivetran_synced": text(NOW),
        }  # fmt: skip
        if number % 3 == 0:
            direction = "INCOMING_EMAIL" if number % 2 else "EMAIL"
            emails.append({**common, "property_hs_email_direction": direction})
        elif number % 3 == 1:
            calls.append({**common, "property_hs_call_direction": ("OUTBOUND", "INBOUND")[number % 2]})
        else:
            meetings.append({**common, "property_hs_meeting_title": "Review"})
        links.append({"engagement_id": 300 + number, "company_id": 9000 + number % CUSTOMERS + 1})
    meetings.append({**meetings[-1], "engagement_id": 399, "property_hs_timestamp": text(NOW + timedelta(days=9))})
    links.append({"engagement_id": 399, "company_id": 9001})
    return {
        "engagement_email.csv": emails,
        "engagement_call.csv": calls,
        "engagement_meeting.csv": meetings,
        "engagement_company.csv": links,
    }


def _zoned(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+0000") if time else ""


def salesforce() -> Tables:
    """Salesforce's objects under their API names; the billing customer's id stands in a custom field."""
    accounts = [
        {
            "Id": f"001{n:012d}", "IsDeleted": "false", "Name": f"Company {n:02d}", "CreatedDate": _zoned(_created(n)),
            "ParentId": f"001{1:012d}" if n == 2 else "", "Industry": ("Retail", "Banking")[n % 2],
            "BillingCountry": ("USA", "Germany")[n % 2], "NumberOfEmployees": 10 * n, "OwnerId": f"005{n % 3}",
            "Billing_Customer_Id__c": f"b-{n:02d}",
        }
        for n in range(1, CUSTOMERS + 1)
    ]  # fmt: skip
    accounts.append({**accounts[0], "Id": f"001{999:012d}", "IsDeleted": "true"})
    opportunities, history = Rows(), Rows()
    for deal, (company, worth, path) in _DEALS.items():
        names = {"1": "Proposal", "2": "Negotiation", "won": "Closed Won", "lost": "Closed Lost"}
        opportunities.append(
            {
                "Id": f"006{deal}", "IsDeleted": "false", "AccountId": f"001{company:012d}", "OwnerId": "0051",
                "StageName": names[path[-1][1]], "Amount": worth[-1][1] if worth else "",
                "CreatedDate": _zoned(_T), "CloseDate": "2024-12-31",
            }
        )  # fmt: skip
        changes = sorted({days for days, _ in (*worth, *path)})
        for number, days in enumerate(changes):
            history.append(
                {
                    "Id": f"008{deal}{number}", "IsDeleted": "false", "OpportunityId": f"006{deal}",
                    "StageName": names[[s for d, s in path if d <= days][-1]],
                    "Amount": [a for d, a in worth if d <= days][-1] if worth else "",
                    "CreatedDate": _zoned(_T + timedelta(days=days)),
                }
            )  # fmt: skip
    opportunities.append({**opportunities[0], "Id": "006599", "IsDeleted": "true"})
    history.append({**history[0], "Id": "0085990", "OpportunityId": "006599"})
    cases = [
        {
            "Id": f"500{row['id']}", "IsDeleted": row["is_deleted"], "Type": row["property_hs_ticket_category"],
            "AccountId": "" if number == 59 else f"001{number % CUSTOMERS + 1:012d}", "Status": "Closed",
            "Priority": str(row["property_hs_ticket_priority"]).capitalize(),
            "CreatedDate": str(row["property_createdate"]).replace(" ", "T") + ".000+0000",
            "ClosedDate": str(row["property_closed_date"]).replace(" ", "T") + ".000+0000"
            if row["property_closed_date"] else "",
        }
        for number, row in enumerate(_tickets()[0])
    ]  # fmt: skip
    return {
        "Account.csv": accounts,
        "Opportunity.csv": opportunities,
        "OpportunityHistory.csv": history,
        "Case.csv": cases,
        **_activities(),
    }


def _activities() -> Tables:
    tasks, events = Rows(), Rows()
    for number in range(1, 61):
        day = datetime(2024, 2, 1, 12) + timedelta(days=8 * number)
        kind = ("Call", "Email", "Task")[number % 3]
        tasks.append(
            {
                "Id": f"00T{number}", "IsDeleted": str(number == 7).lower(), "OwnerId": f"005{number % 3}",
                "AccountId": "" if number == 9 else f"001{number % CUSTOMERS + 1:012d}", "TaskSubtype": kind,
                "CallType": "Outbound" if kind == "Call" else "", "IsClosed": str(number != 10).lower(),
                "Status": "Completed", "ActivityDate": f"{day:%Y-%m-%d}",
                "CompletedDateTime": _zoned(day) if kind == "Email" else "",
                "CreatedDate": _zoned(day - timedelta(days=2)), "SystemModstamp": _zoned(NOW),
            }
        )  # fmt: skip
    for number in range(1, 16):
        start = datetime(2024, 3, 5, 14) + timedelta(days=33 * number)
        events.append(
            {
                "Id": f"00U{number}", "IsDeleted": "false", "AccountId": f"001{number:012d}", "OwnerId": "0051",
                "StartDateTime": _zoned(start), "EndDateTime": _zoned(start + timedelta(hours=1)),
                "CreatedDate": _zoned(start - timedelta(days=14)), "Subject": "Review",
            }
        )  # fmt: skip
    return {"Task.csv": tasks, "Event.csv": events}
