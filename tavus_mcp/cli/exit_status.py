"""Which exit status an error has, and a command with several parts."""

from __future__ import annotations

from collections.abc import Iterable

from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.errors import (
    Conflict,
    InvalidArgument,
    InvalidKey,
    InvalidSettings,
    NotConfigured,
    NotFound,
    OutOfCredits,
    Refused,
    RequestRejected,
    WrongUsage,
)
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.persona_files.yaml_reader import BadFile

_STATUS_BY_ERROR: tuple[tuple[type[Exception], ExitStatus], ...] = (
    (Conflict, ExitStatus.CONFLICT),
    (InvalidArgument, ExitStatus.INVALID),
    (WrongUsage, ExitStatus.WRONG_USAGE),
    (BadFile, ExitStatus.INVALID),
    (Refused, ExitStatus.INVALID),
    (NotFound, ExitStatus.INVALID),
    (InvalidSettings, ExitStatus.WRONG_USAGE),
    (NotConfigured, ExitStatus.REFUSED),
    (InvalidKey, ExitStatus.REFUSED),
    (OutOfCredits, ExitStatus.REFUSED),
    (RequestRejected, ExitStatus.REFUSED),
)
_WORST_FIRST = (
    ExitStatus.INVALID,
    ExitStatus.CONFLICT,
    ExitStatus.REFUSED,
    ExitStatus.FAILURE,
    ExitStatus.CHANGES,
)


def status_of(error: Exception) -> ExitStatus:
    """Return the exit status of a command that ended with an error."""
    statuses = (status for kind, status in _STATUS_BY_ERROR if isinstance(error, kind))
    return next(statuses, ExitStatus.FAILURE)


def status_of_receipt(receipt: Receipt) -> ExitStatus:
    """Return the exit status of a command with this receipt: whether the change is live."""
    return ExitStatus.CHANGES if receipt.status in ("planned", "drafted") else ExitStatus.DONE


def worst_status(statuses: Iterable[ExitStatus]) -> ExitStatus:
    """Return the exit status of a command with several parts: that of the most serious one."""
    present = set(statuses)
    return next((status for status in _WORST_FIRST if status in present), ExitStatus.DONE)
