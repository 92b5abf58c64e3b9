"""What a project does with one kind of object in an account, for every kind the same."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tavus_mcp.app import App
from tavus_mcp.history.record import WriteOrigin
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.project.equivalence import FindDefault
from tavus_mcp.project.kinds import ProjectKind

TOOL = "apply_project"
"""The name of the tool in the journal when a project is applied."""


@dataclass(frozen=True)
class AccountRow:
    """An object in the list of an account: its id and its name."""

    object_id: str
    name: str


@dataclass(frozen=True)
class WriteOptions:
    """How an object is written.

    ``allow`` names rules of the checker that do not refuse it. ``accepts_unchecked`` says that a
    person accepts a write in which Tavus does not check for edits made in the same moment.
    """

    allow: Container[str] = frozenset()
    origin: WriteOrigin = field(default_factory=WriteOrigin)
    accepts_unchecked: bool = False


@dataclass(frozen=True)
class WriteResult:
    """What became of a write; ``document`` is the object as it was read back, None if it was not.

    ``problem`` says why the write is not live, and is empty if it is.
    """

    object_id: str
    document: Document | None = None
    findings: Sequence[Finding] = ()
    problem: str = ""


class ObjectAdapter(Protocol):
    """The operations on one kind of object; fields are those of the account, with ids.

    In fields that are written a secret is a reference, and a mask leaves the stored one as it is.
    """

    @property
    def kind(self) -> ProjectKind:
        """The kind."""

    def find_default(self, app: App) -> FindDefault:
        """Return the defaults of the fields."""

    async def list_rows(self, app: App) -> list[AccountRow]:
        """Return the objects of the account; raise the errors of the API."""

    async def read(self, app: App, object_id: str) -> Document:
        """Read an object; raise ``NotFound`` when it is not there."""

    def account_fields(self, app: App, document: Document) -> JsonObject:
        """Return the fields of an object that files hold, with secrets masked."""

    def unread_fields(self, document: Document) -> frozenset[str]:
        """Return the names of top-level fields whose value a read left unknown."""

    def check_update(
        self, app: App, document: Document, fields: JsonObject, allow: Container[str]
    ) -> list[Finding]:
        """Return findings on a change; raise ``ToolFailure`` when it would be refused."""

    async def check_creation(
        self, app: App, fields: JsonObject, allow: Container[str]
    ) -> list[Finding]:
        """Return findings on a new object; raise ``ToolFailure`` when it would be refused."""

    async def find_missing_references(
        self,
        app: App,
        document: Document | None,
        fields: JsonObject,
        known_ids: Container[str],
    ) -> list[str]:
        """Return a sentence for each id that is to be written and names nothing."""

    async def create(self, app: App, fields: JsonObject, options: WriteOptions) -> WriteResult:
        """Create an object."""

    async def update(
        self, app: App, document: Document, fields: JsonObject, options: WriteOptions
    ) -> WriteResult:
        """Make an object, which still is as it was read, what the fields say."""

    async def delete(self, app: App, document: Document, options: WriteOptions) -> None:
        """Delete an object that still is as it was read."""

    async def find_created(self, app: App, intent: JournalEntry) -> Document | None:
        """Return what a creation made whose answer never came, recorded now, or None."""

    async def load_outcome(self, app: App, outcome: JournalEntry) -> Document | None:
        """Return the state of an object that an entry of the journal holds, or None."""

    async def restore(
        self,
        app: App,
        intent: JournalEntry,
        outcome: JournalEntry,
        origin: WriteOrigin,
        replaced_ids: Mapping[str, str],
    ) -> WriteResult:
        """Take back a change or a deletion; raise ``Conflict`` when it was edited since.

        ``replaced_ids`` maps ids of deleted parts to those under which they were created again.
        """

    def has_taken_effect(self, app: App, intent: JournalEntry, current: Document) -> bool:
        """Tell whether an object holds what an intent without an outcome was to write."""
