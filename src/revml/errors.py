"""Every error revml raises on purpose.

    RevmlError
    ├── ConfigError      the workspace, a sheet or a pipeline file is wrong          exit 2
    ├── DataError        a source cannot be read, or breaks the contract             exit 3
    │   └── QuarantineError  more rows were put aside than the workspace allows      exit 3
    ├── NotEnoughData    the data is fine but too little for what was asked          exit 4
    ├── BundleError      a model bundle is broken, altered or does not fit           exit 5
    ├── StoreError       the scores database refuses                                 exit 6
    ├── NotFound         an account, run, model or file that is not there            exit 7
    ├── TrackingError    MLflow is away or refuses                                   exit 8
    ├── ServiceError     the service did not start (`service.process`)               exit 9
    ├── GateError        a model may not be promoted                                 exit 10
    └── Busy             another process is at it                                    exit 11

An error tells four things: where, what was wanted, what came, what to do. It never repairs and is never
logged in place of being raised.
"""

from __future__ import annotations


class RevmlError(Exception):
    """The root of all errors that are meant for the user.

    Args:
        what: one sentence in the user's words.
        where: file, table, column or row concerned.
        wanted: what would have been right.
        got: what was found instead.
        do: the way out.

    >>> print(RevmlError("unknown key", where="revml.yaml", got="'tabels'", do="write 'tables'"))
    revml.yaml: unknown key
      got:    'tabels'
      to do:  write 'tables'
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", wanted: str = "", got: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.wanted, self.got, self.do = what, where, wanted, got, do

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        rows = (("wanted:", self.wanted), ("got:", self.got), ("to do:", self.do))
        return "\n".join([head, *(f"  {label:<7} {text}" for label, text in rows if text)])


class ConfigError(RevmlError):
    """The workspace file, a model sheet or a pipeline file is wrong."""

    exit_code = 2


class DataError(RevmlError):
    """A source cannot be read, or what it holds breaks the contract."""

    exit_code = 3


class QuarantineError(DataError):
    """More rows were quarantined than the workspace allows."""


class NotEnoughData(RevmlError):
    """The data is in order but too little for what was asked; says what is missing and what still works."""

    exit_code = 4


class BundleError(RevmlError):
    """A model bundle is broken, altered, or does not fit the data it is given."""

    exit_code = 5


class StoreError(RevmlError):
    """The scores database refuses or is not what it should be."""

    exit_code = 6


class NotFound(RevmlError):
    """An account, run, model or file that was asked for is not there."""

    exit_code = 7


class TrackingError(RevmlError):
    """MLflow is away or refuses; models and scores are safe without it."""

    exit_code = 8


class GateError(RevmlError):
    """A model may not be promoted; names the rows of the gate that it fails."""

    exit_code = 10


class Busy(RevmlError):
    """Another process is doing the same at this moment."""

    exit_code = 11
