"""Tools, objective sets, guardrails, documents and dictionaries as objects of a project."""

from __future__ import annotations

import copy
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from tavus_mcp.app import App
from tavus_mcp.checker.parts.check import check_part, check_part_change
from tavus_mcp.concurrency import ignore_progress
from tavus_mcp.errors import Conflict, Refused, TavusError, UnchangeableField
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import put_at
from tavus_mcp.models.document import Document, PartKindName
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.json_patch import get_at
from tavus_mcp.models.parts.part_document import PartDocument, find_part_default
from tavus_mcp.models.parts.tool import AUTH_SECRETS
from tavus_mcp.parts.delete import USERS, loss_finding
from tavus_mcp.parts.kinds import KINDS, PartKind
from tavus_mcp.parts.revive import apply_revival, plan_revival
from tavus_mcp.parts.rules import RULES
from tavus_mcp.parts.tool_secrets import resolve_tool_secrets
from tavus_mcp.parts.users import find_users, name_users
from tavus_mcp.personas import plans
from tavus_mcp.personas.create import CreateRequest, build_body, create
from tavus_mcp.personas.delete import DeleteRequest, delete
from tavus_mcp.personas.restore import find_current
from tavus_mcp.personas.secret_receivers import SECRET_RECEIVER
from tavus_mcp.personas.update import UpdateRequest, compute_update, update
from tavus_mcp.personas.write_rules import WriteRules
from tavus_mcp.project.equivalence import FindDefault
from tavus_mcp.project.kinds import ProjectKind
from tavus_mcp.project.objects import (
    TOOL,
    AccountRow,
    ObjectAdapter,
    UndoOptions,
    WriteOptions,
    WriteResult,
    build_result,
)

_AUTH = "/delivery/api/auth"


class PartObjects(ObjectAdapter):
    """The operations on one kind of part."""

    def __init__(self, kind: ProjectKind) -> None:
        self._kind = kind

    @property
    def kind(self) -> ProjectKind:
        """The kind in projects."""
        return self._kind

    @property
    def part_kind(self) -> PartKind:
        """The kind of part."""
        return KINDS[cast(PartKindName, self._kind.name)]

    @property
    def rules(self) -> WriteRules:
        """The rules of the write path."""
        return RULES[self.part_kind.name]

    def find_default(self, app: App) -> FindDefault:
        """Return the values that Tavus stores where a request leaves a field out."""
        return find_part_default

    async def list_rows(self, app: App) -> list[AccountRow]:
        """Return the parts of the user, without those of Tavus itself."""
        listing = self.part_kind.endpoint.listing
        if listing is None:
            return []
        return [
            AccountRow(listing.row_id(row), str(row.get(self._kind.name_field) or ""))
            async for row in app.api.iter_all(listing)
            if not row.get("is_system_tool") and row.get("owner_id", 0) is not None
        ]

    async def read(self, app: App, object_id: str) -> Document:
        """Read a part."""
        return await app.api.get_object(self.part_kind.endpoint, object_id)

    def account_fields(self, app: App, document: Document) -> JsonObject:
        """Return the fields of a part that a request can hold, with secrets masked."""
        part = cast(PartDocument, document)
        fields = part.creatable_fields()
        masked: JsonObject = app.masker.mask(fields)
        auth = get_at(fields, _AUTH)
        if isinstance(auth, dict):  # its type and names are no secrets, though masked with them
            open_members = {key: auth[key] for key in auth if key not in AUTH_SECRETS.values()}
            put_at(masked, _AUTH, {**get_at(masked, _AUTH), **open_members})
        return masked

    def check_update(
        self, app: App, document: Document, fields: JsonObject, allow: Container[str]
    ) -> list[Finding]:
        """Check a change: its shape, and the part as a whole."""
        request = self._build_update(app, document, fields, WriteOptions(allow))
        try:
            after, _, findings = compute_update(app, document, request)
        except UnchangeableField as error:
            raise Refused(
                f"{error} For another {self._kind.noun} rename the file, also where personas name "
                "it: apply then creates the new one, and apply --prune deletes this one."
            ) from None
        before_part, after_part = cast(PartDocument, document), cast(PartDocument, after)
        return [
            *findings,
            *check_part_change(before_part, after_part, app.catalog, allow=allow),
        ]

    async def check_creation(
        self, app: App, fields: JsonObject, allow: Container[str]
    ) -> list[Finding]:
        """Check a new part."""
        request = self._build_creation(app, fields, WriteOptions(allow))
        _, _, found = await build_body(app, request)
        receivers = [finding for finding in found if finding.rule == SECRET_RECEIVER]
        return [*receivers, *check_part(self.part_kind.name, fields, app.catalog)]

    async def create(self, app: App, fields: JsonObject, options: WriteOptions) -> WriteResult:
        """Create a part."""
        receipt = await create(app, self._build_creation(app, fields, options))
        return await self._read_again(app, await build_result(app, self.rules, receipt))

    async def update(
        self, app: App, document: Document, fields: JsonObject, options: WriteOptions
    ) -> WriteResult:
        """Write a part."""
        receipt = await update(app, self._build_update(app, document, fields, options))
        return await self._read_again(app, await build_result(app, self.rules, receipt))

    async def load_outcome(self, app: App, outcome: JournalEntry) -> Document | None:
        """Return the part that an outcome holds, as it is read while it is still the same."""
        document = await super().load_outcome(app, outcome)
        if document is None:
            return None
        found = await self._read_again(app, WriteResult(document.object_id, document))
        return found.document

    def describe_loss(self, app: App, document: Document) -> Finding:
        """Return the finding of the tool that deletes parts."""
        finding = loss_finding(app, self.part_kind, cast(PartDocument, document))
        return finding.model_copy(update={"hint": None})

    async def delete(self, app: App, document: Document, options: WriteOptions) -> None:
        """Delete a part that no persona uses; raise ``Conflict`` if one does."""
        found = await find_users(app, cast(PartDocument, document), ignore_progress)
        if found.users:
            names = name_users(found.users)
            raise Conflict(
                f"The {self._kind.noun} {document.object_id} is used by personas: {names}. Take it "
                "out of them first; it was not deleted."
            )
        if not found.is_complete:
            raise Refused(
                f"Whether a persona uses the {self._kind.noun} {document.object_id} could not be "
                "found out, so it was not deleted."
            )
        request = DeleteRequest(
            document.object_id,
            document.digest,
            endpoint=self.part_kind.endpoint,
            detail={USERS: []},
            origin=options.origin,
        )
        await delete(app, request)

    async def restore(
        self,
        app: App,
        intent: JournalEntry,
        outcome: JournalEntry,
        options: UndoOptions,
    ) -> WriteResult:
        """Restore the fields that a change touched, or create a deleted part again."""
        receipt = None
        if not intent.paths and await find_current(app, intent.persona_id) is None:
            receipt = await plan_revival(app, intent.persona_id, intent.revision, options.secrets)
        if receipt is None or receipt.plan_id is None:
            restored = await super().restore(app, intent, outcome, options)
            return await self._read_again(app, restored)
        plan = await plans.load_applicable_plan(app, receipt.plan_id)
        applied = await apply_revival(app, plan, ignore_progress)
        return await self._read_again(app, await build_result(app, self.rules, applied))

    async def _read_again(self, app: App, result: WriteResult) -> WriteResult:
        """Return a result with the part as it is read, which the journal masks further.

        It stays as it was recorded if it cannot be read, or has changed since.
        """
        if result.document is None:
            return result
        with suppress(TavusError):
            current = await self.read(app, result.object_id)
            if current.digest == result.document.digest:
                return replace(result, document=current)
        return result

    def _build_creation(self, app: App, fields: JsonObject, options: WriteOptions) -> CreateRequest:
        return CreateRequest(
            _resolve_secrets(app, self.part_kind, fields),
            tool=TOOL,
            allow=options.allow,
            rules=self.rules,
            origin=options.origin,
        )

    def _build_update(
        self, app: App, document: Document, fields: JsonObject, options: WriteOptions
    ) -> UpdateRequest:
        change = _MakeEqual(
            _resolve_secrets(app, self.part_kind, fields), cast(PartDocument, document).fields
        )
        return UpdateRequest(
            TOOL,
            document.object_id,
            change,
            if_revision=document.digest,
            allow=options.allow,
            rules=self.rules,
            origin=options.origin,
        )


@dataclass(frozen=True)
class _MakeEqual:
    """A change that makes a part what fields say; a mask leaves the stored secret as it is."""

    wanted: JsonObject
    writable: frozenset[str]

    def apply(self, data: JsonObject) -> JsonObject:
        """Return the changed part; what is not writable stays."""
        own = {key: value for key, value in data.items() if key not in self.writable}
        return {**own, **copy.deepcopy(self.wanted)}


def _resolve_secrets(app: App, kind: PartKind, fields: JsonObject) -> JsonObject:
    """Return fields with the secrets that they refer to; only tools have any."""
    return resolve_tool_secrets(app, fields) if kind.name == "tool" else dict(fields)
