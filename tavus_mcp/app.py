"""The wired things that one call may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import Journal
from tavus_mcp.models.masking import Masker
from tavus_mcp.settings import SECRET_PREFIX
from tavus_mcp.tavus_api.client import TavusApi
from tavus_mcp.text import suggestion_or_period


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class App:
    """One world: an API to talk to, a journal, what is known about Tavus, what stays hidden.

    ``held`` keeps, for the plans of this process, the secrets that may not reach the disk;
    ``answered`` the questions to the person that were answered, so that none is answered twice;
    ``unsettled`` the writes that were cancelled on the way, until the next read tells of them;
    ``running`` the bulk plans that are being carried out by this process right now.
    """

    api: TavusApi
    catalog: Catalog
    journal: Journal
    masker: Masker = field(default_factory=Masker)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    clock: Callable[[], datetime] = _now
    plan_secrets: dict[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    answered_forms: set[str] = field(default_factory=set, repr=False)
    cancelled_writes: dict[str, JournalEntry] = field(default_factory=dict, repr=False)
    running_plans: set[str] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        """Let the API hide in its errors what is secret in this world."""
        self.api.masker = self.masker

    def now(self) -> str:
        """Return the time as it is written down: UTC, ISO 8601, to the millisecond."""
        return self.clock().isoformat(timespec="milliseconds")

    def secret(self, reference: str, *, argument_path: str) -> str:
        """Return the secret that ``api_key_ref`` names; ``where`` is that argument's path."""
        value = self.secrets.get(reference.lower().removeprefix(SECRET_PREFIX.lower()))
        if value is None:
            there = ", ".join(sorted(self.secrets)) or "none"
            raise InvalidArgument(
                [
                    f"{argument_path}: this server's environment has no {SECRET_PREFIX}<NAME> "
                    f"of that name"
                    f"{suggestion_or_period(reference, self.secrets)} Set: {there}. The person "
                    f"who runs "
                    "the server sets it and restarts the server."
                ]
            )
        return value

    async def aclose(self) -> None:
        """Close what is open."""
        await self.api.aclose()
        self.journal.close()
