"""The engine that a build is asked to run on, with what is known of its facts.

Comes in: a workspace and a name. Goes out: a `Chosen`: DuckDB and Spark read the staged folder, PostgreSQL the
company's own tables where they stand. Who is at risk is asked of the same place (`snapshots.population(place=...)`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from revml.config import Workspace
from revml.contract.report import CheckReport
from revml.errors import ConfigError
from revml.features.engines import Engine
from revml.features.engines.local import DuckDBEngine
from revml.features.engines.postgres import PostgresEngine
from revml.features.engines.pushdown import one_server, push_down
from revml.features.engines.spark import SparkEngine
from revml.progress import Progress
from revml.sources.facts import Facts
from revml.sources.known import Known

EngineName = Literal["duckdb", "postgres", "spark"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@dataclass(frozen=True)
class Chosen:
    """An engine, ready to build; `build_features` closes it, or `engine.close()` does.

    Attributes:
        facts: what is known of the tables; a `Facts` where they are staged here.
        report: what became of the rows that were judged on a server; None where `revml check` told it.
    """

    engine: Engine
    facts: Known
    report: CheckReport | None = None

    @property
    def place(self) -> Engine | None:
        """Where to ask who is at risk; None means the facts themselves."""
        return None if isinstance(self.engine, DuckDBEngine) else self.engine


def open_engine(workspace: Workspace, name: str, *, progress: Progress | None = None) -> Chosen:
    """Open an engine over the facts of a workspace.

    Raises:
        ConfigError: no such engine; a package, Java or a variable is missing; the tables are not on one server; or the
            mapping says what the server cannot.
        DataError: the server or a table cannot be read, or lacks what is required.
        QuarantineError: on the server, more rows break the contract than the workspace allows.
        NotFound: nothing was staged yet, for an engine that reads the staged folder.
    """
    if name == "postgres":
        session = PostgresEngine(one_server(workspace))
        try:
            known = push_down(workspace, session, progress=progress)
        except BaseException:
            session.close()
            raise
        return Chosen(session, known, known.report)
    if name not in ENGINES:
        raise ConfigError(
            "there is no such engine", where="--engine", wanted=", ".join(ENGINES), got=name, do="name one of them"
        )
    facts = Facts.open(workspace.staged_dir)
    return Chosen(SparkEngine(facts) if name == "spark" else DuckDBEngine(facts), facts)
