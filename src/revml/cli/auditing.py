"""Commands in the audit: exports, promotions and the way back, beside what the service writes there."""

from __future__ import annotations

from revml.cli.options import err
from revml.config import Workspace
from revml.errors import StoreError

WHO = "cli"


def audited(workspace: Workspace, action: str, target: str, outcome: str = "done") -> None:
    """Write down what a command did. Where the scores database is away it says so: what was done stays done."""
    from revml.store import Store
    from revml.store.audit import deed, record

    try:
        with Store.open(workspace.store_url) as store:
            record(store.database, [deed(WHO, action, target, outcome)])
    except StoreError as error:
        err.print(f"not written into the audit: {error.what}", style="yellow", markup=False, soft_wrap=True)
