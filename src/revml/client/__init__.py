"""A thin client of the service, with nothing but the standard library behind it.

    from revml.client import Client

    with Client("http://127.0.0.1:3000", key="revml_ID_SECRET") as revml:
        for row in revml.list_accounts("churn", band="high"):
            print(row["account"]["account_id"], row["score"]["probability"])

A method is an operation of the service's API document, under its `operationId`. Lists are iterators that turn the pages
themselves; an answer that is an error is raised as `Refused`, with the problem as the service told it. It talks HTTP
and knows nothing of how the service is made.
"""

from __future__ import annotations

from revml.client.calls import Client
from revml.client.errors import ClientError, Interrupted, Refused, Unreachable

__all__ = ["Client", "ClientError", "Interrupted", "Refused", "Unreachable"]
