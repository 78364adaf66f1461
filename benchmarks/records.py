"""What long benchmarks have measured already, a line of JSON each, so that one that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Records:
    """Measured things by their keys; in a file where one is given, else for this run only."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: dict[str, list[Record]] = {}
        if file is not None and file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                told = json.loads(line)
                self._known[told["key"]] = told["records"]

    def __contains__(self, key: str) -> bool:
        """Whether something was measured under a key."""
        return key in self._known

    def once(self, key: str, measure: Callable[[], list[Record]]) -> list[Record]:
        """What was measured under a key, measured now if it was not yet."""
        if key not in self._known:
            self._known[key] = measure()
            if self._file is not None:
                with self._file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps({"key": key, "records": self._known[key]}) + "\n")
        return self._known[key]
