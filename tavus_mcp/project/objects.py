"""What a project does with one kind of object in an account, for every kind the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, ToolFailure
from tavus_mcp.history.cancelled_writes import has_taken_effect
from tavus_mcp.history.record import WriteOrigin, journal_id
from tavus_mcp.history.states import find_state, parse_state
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import LIVE_STATUSES, NO_DEFAULTS, FieldDefaults, Receipt
from tavus_mcp.personas.delete import DeleteRequest, delete
from tavus_mcp.personas.lost_creations import adopt_creation, find_created
from tavus_mcp.personas.readback import is_equivalent_value
from tavus_mcp.personas.reference_lookup import Reference
from tavus_mcp.personas.restore import RestoreRequest, find_current, restore
from tavus_mcp.personas.undo import undo_request_of
from tavus_mcp.personas.write_rules import WriteRules
from tavus_mcp.project.equivalence import FindDefault, build_equivalence
from tavus_mcp.project.kinds import ProjectKind
from tavus_mcp.project.merge import IsSame

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
class UndoOptions:
    """How a write is taken back.

    ``replaced_ids`` maps ids of deleted parts to those under which they were created again;
    ``secrets`` are those that the file named before the write, by pointer in the account.
    """

    origin: WriteOrigin
    replaced_ids: Mapping[str, str]
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class WriteResult:
    """What became of a write; ``document`` is the object as it was read back, None if it was not.

    ``problem`` says why the write is not live, and is empty if it is.
    """

    object_id: str
    document: Document | None = None
    findings: Sequence[Finding] = ()
    problem: str = ""


class ObjectAdapter(ABC):
    """The operations on one kind of object; fields are those of the account, with ids.

    In fields that are written a secret is a reference, and a mask leaves the stored one as it is.
    """

    @property
    @abstractmethod
    def rules(self) -> WriteRules:
        """The rules of the write path."""

    @property
    @abstractmethod
    def kind(self) -> ProjectKind:
        """The kind."""

    @abstractmethod
    def find_default(self, app: App) -> FindDefault:
        """Return the defaults of the fields."""

    def defaults_of_change(self, app: App, before: JsonObject, after: JsonObject) -> FieldDefaults:
        """Return the defaults that are in effect before and after a change of the fields."""
        find_default = self.find_default(app)
        return FieldDefaults(find_default if before else NO_DEFAULTS.before, find_default)

    def build_equivalence(self, app: App) -> IsSame:
        """Return the comparison of the values of a field of this kind."""
        return build_equivalence(self.find_default(app))

    @abstractmethod
    async def list_rows(self, app: App) -> list[AccountRow]:
        """Return the objects of the account; raise the errors of the API."""

    @abstractmethod
    async def read(self, app: App, object_id: str) -> Document:
        """Read an object; raise ``NotFound`` when it is not there."""

    @abstractmethod
    def account_fields(self, app: App, document: Document) -> JsonObject:
        """Return the fields of an object that files hold, with secrets masked."""

    def unread_fields(self, document: Document) -> frozenset[str]:
        """Return the names of top-level fields whose value a read left unknown."""
        return frozenset()

    @abstractmethod
    def check_update(
        self, app: App, document: Document, fields: JsonObject, allow: Container[str]
    ) -> list[Finding]:
        """Return findings on a change; raise ``ToolFailure`` when it would be refused."""

    @abstractmethod
    async def check_creation(
        self, app: App, fields: JsonObject, allow: Container[str]
    ) -> list[Finding]:
        """Return findings on a new object; raise ``ToolFailure`` when it would be refused."""

    def list_references(
        self, app: App, document: Document | None, fields: JsonObject
    ) -> list[Reference]:
        """Return the ids that are new in an object; ``document`` is None for a new object."""
        return []

    @abstractmethod
    async def create(self, app: App, fields: JsonObject, options: WriteOptions) -> WriteResult:
        """Create an object."""

    @abstractmethod
    async def update(
        self, app: App, document: Document, fields: JsonObject, options: WriteOptions
    ) -> WriteResult:
        """Make an object, which still is as it was read, what the fields say."""

    @abstractmethod
    def describe_loss(self, app: App, document: Document) -> Finding:
        """Return the finding that says what of an object an undo of its deletion cannot restore."""

    async def delete(self, app: App, document: Document, options: WriteOptions) -> None:
        """Delete an object that still is as it was read."""
        request = DeleteRequest(
            document.object_id,
            document.digest,
            endpoint=self.rules.endpoint,
            origin=options.origin,
        )
        await delete(app, request)

    async def find_created(self, app: App, intent: JournalEntry) -> Document | None:
        """Return what a creation made whose answer never came, recorded now, or None."""
        documents = await find_created(app, intent)
        if len(documents) > 1:
            ids = ", ".join(item.object_id for item in documents)
            raise Conflict(
                f"A creation was interrupted, and several new objects like it are there: {ids}. "
                "Delete those that are not wanted, then apply again. Nothing was sent."
            )
        for document in documents:
            await adopt_creation(app, intent, document)
            return document
        return None

    async def load_outcome(self, app: App, outcome: JournalEntry) -> Document | None:
        """Return the state of an object that an entry of the journal holds, or None."""
        entry = await app.journal.entry(outcome.seq)
        if entry is None or not entry.body:
            return None
        return _with_id(parse_state(entry), entry.object_id)

    async def restore(
        self,
        app: App,
        intent: JournalEntry,
        outcome: JournalEntry,
        options: UndoOptions,
    ) -> WriteResult:
        """Take back a change or a deletion; raise ``Conflict`` when it was edited since.

        An object that was created again before is left as it is: others may have changed it.
        """
        request = RestoreRequest(intent.persona_id, intent.revision)
        if not intent.paths and (revived := await find_current(app, intent.persona_id)):
            return WriteResult(revived.object_id, revived)
        if intent.paths:
            request = await undo_request_of(app, intent, outcome)
        request = replace(
            request,
            rules=self.rules,
            origin=options.origin,
            replaced_ids=options.replaced_ids,
            secrets=options.secrets,
        )
        return await build_result(app, self.rules, await restore(app, request))

    def has_taken_effect(self, app: App, intent: JournalEntry, current: Document) -> bool:
        """Tell whether an object holds what was to be written, in the form that Tavus gives it."""
        is_same = partial(is_equivalent_value, catalog=app.catalog)
        return has_taken_effect(app, intent, current, is_same)


async def build_result(app: App, rules: WriteRules, receipt: Receipt) -> WriteResult:
    """Return the result of a write by its receipt, with the object as it was read back.

    Raises ``ToolFailure`` for a receipt that no write of a project leads to.
    """
    object_id = (receipt.part or {}).get("id") or receipt.persona_id or ""
    problem = ""
    if receipt.status == "drafted":
        problem = (
            "Tavus put the change into a draft, so it is not live. Publish it with apply_plan("
            f"plan_id={receipt.plan_id!r}) of the server, or in the dashboard; then apply again."
        )
    elif receipt.status == "planned":
        problem = (
            "Tavus refuses to check, in the same request, that no one edits it meanwhile, so "
            "nothing was written. --yes writes without that check."
        )
    elif receipt.status not in (*LIVE_STATUSES, "unchanged"):
        raise ToolFailure(f"The write ended as {receipt.status}.")
    document: Document | None = None
    if receipt.revision:
        own_id = journal_id(rules.endpoint.kind, object_id)
        state = await find_state(app, own_id, receipt.revision)
        document = _with_id(state, object_id) if state else None
    return WriteResult(object_id, document, receipt.findings, problem)


def _with_id(state: Document, object_id: str) -> Document:
    """Return a recorded state as an object that was read."""
    if state.kind == "persona":
        return PersonaDocument({**state.data, "persona_id": object_id})
    return state
