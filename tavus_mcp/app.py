"""The collaborators that every operation may use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.deadlines import CallLimits
from tavus_mcp.errors import InvalidArgument, InvalidSettings, NotFound
from tavus_mcp.journal.accounts import Credentials
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import Journal
from tavus_mcp.keys import SECRET_PREFIX, without_bearer
from tavus_mcp.models.document import PersonaDocument, is_stock_persona
from tavus_mcp.models.masking import Masker
from tavus_mcp.tavus_api.client import TavusApi
from tavus_mcp.text import quote_foreign_names, quote_path, suggestion_or_period


def _now() -> datetime:
    return datetime.now(UTC)


# Words of letters: what else stands where a name belongs may be the key itself.
_PLAIN_NAME = re.compile(r"[a-z]{1,12}(?:_[a-z]{1,12}){0,3}")


def _describe_variable(name: str) -> str:
    """Return the variable that holds the secret of a name, without repeating a possible key."""
    if _PLAIN_NAME.fullmatch(name):
        return SECRET_PREFIX + name.upper()
    return f"{SECRET_PREFIX}<NAME> of that name"


@dataclass
class LostCreations:
    """The intents of creations whose answer never came, by the number of their entry.

    ``own`` are the numbers of those of this process; ``is_loaded`` is set when those of ended
    processes have been read from the journal.
    """

    intents: dict[int, JournalEntry] = field(default_factory=dict)
    own: set[int] = field(default_factory=set)
    is_loaded: bool = False

    def add(self, intent: JournalEntry) -> None:
        """Add a creation of this process."""
        self.intents[intent.seq] = intent
        self.own.add(intent.seq)


WriteObserver = Callable[[str, PersonaDocument | None], None]
"""Called after a write that may have had an effect, with the id of the object in the journal, and
with the persona as it was read back, if it is one and was."""


@dataclass(frozen=True)
class ProjectPlace:
    """The folder of a project, and the environment of it whose account a server works on."""

    folder: Path
    environment: str


@dataclass(frozen=True)
class App:
    """The API client, catalog, journal and masker of one server, and the state of its process.

    ``problems`` are the lines about wrong settings; while there is one, nothing is sent.
    While it is ``protected``, a write needs a plan that a person accepted.
    ``secrets`` maps names to the values of ``TAVUS_SECRET_<NAME>``, or of the variables to which a
    project maps them in ``secret_variables``; ``secret_hosts`` maps them to the hosts that may get
    them. ``plan_secrets`` holds, by plan id, the secrets that may not reach the disk.
    ``answered_forms`` are the confirmation forms that were answered, so that none is used twice.
    ``cancelled_writes`` are the intents of cancelled writes by the id of their object, until the
    next read reports them; ``lost_creations`` are those that have no id yet. ``running_plans`` are
    the ids of the bulk plans that this process is applying. ``is_sandbox`` is True if ``api`` is
    the embedded sandbox. ``project`` is the one that the server was started with. ``limits`` are
    the seconds that a call may take. ``write_observers`` are called after each write.
    """

    api: TavusApi
    catalog: Catalog
    journal: Journal
    masker: Masker = field(default_factory=Masker)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_variables: Mapping[str, str] = field(default_factory=dict)
    secret_hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    protected: bool = False
    clock: Callable[[], datetime] = _now
    plan_secrets: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict, repr=False)
    answered_forms: set[str] = field(default_factory=set, repr=False)
    cancelled_writes: dict[str, JournalEntry] = field(default_factory=dict, repr=False)
    lost_creations: LostCreations = field(default_factory=LostCreations, repr=False)
    running_plans: set[str] = field(default_factory=set, repr=False)
    is_sandbox: bool = False
    project: ProjectPlace | None = None
    limits: CallLimits = field(default_factory=CallLimits)
    write_observers: list[WriteObserver] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        """Connect the API and the journal.

        The API masks its errors with the same secrets, and refuses with wrong settings. The journal
        keeps to the account of the API, and asks it which personas are there.
        """
        self.api.masker = self.masker
        for name, value in self.secrets.items():
            self.masker.name_secret(value, SECRET_PREFIX + name.upper())
            self.masker.name_secret(without_bearer(value), SECRET_PREFIX + name.upper())
        self.api.problems = self.problems
        if self.journal.credentials is None:
            self.journal.credentials = Credentials(self.api.base_url, self.api.key)
        self.journal.is_live = self._is_live

    def require_valid_settings(self) -> None:
        """Raise ``InvalidSettings`` while a setting is wrong."""
        if self.problems:
            raise InvalidSettings(self.problems)

    def now(self) -> str:
        """Return the time as the journal stores it: UTC, ISO 8601, in milliseconds."""
        return self.clock().isoformat(timespec="milliseconds")

    def secret(self, reference: str, *, argument_path: str) -> str:
        """Return the secret that a reference names.

        Raises ``InvalidArgument``, naming ``argument_path``, when the environment has none.
        """
        name = reference.lower().removeprefix(SECRET_PREFIX.lower())
        value = self.secrets.get(name)
        if value is None and name in self.secret_variables:
            unset = [
                f"{variable} (secret {known})"
                for known, variable in self.secret_variables.items()
                if known not in self.secrets
            ]
            raise InvalidArgument(
                [f"{quote_path(argument_path)}: these variables are not set: {', '.join(unset)}."]
            )
        if value is None:
            names = "It has none at all."
            if self.secrets:
                names = f"It has: {quote_foreign_names(sorted(self.secrets))}."
            raise InvalidArgument(
                [
                    f"{quote_path(argument_path)}: this server's environment has no "
                    f"{_describe_variable(name)}"
                    f"{suggestion_or_period(reference, self.secrets)} {names} "
                    "The person who runs the server sets it and restarts the server."
                ]
            )
        return value

    def secret_key(self, reference: str, *, argument_path: str) -> str:
        """Return the secret that a reference names as a key: without ``Bearer`` in front.

        In a header the scheme may be part of the value, so that ``secret`` leaves it.
        """
        return without_bearer(self.secret(reference, argument_path=argument_path))

    async def _is_live(self, persona_id: str) -> bool:
        """Tell whether a user persona is in the account of this server; a part proves nothing."""
        if "/" in persona_id:
            return False
        try:
            document = await self.api.get_persona(persona_id)
        except NotFound:
            return False
        return not is_stock_persona(document)

    async def aclose(self) -> None:
        """Close the connections and the journal."""
        await self.api.aclose()
        self.journal.close()
