"""What is the same for every kind of object: deletion, recovery from the journal, and undo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, ToolFailure
from tavus_mcp.history.record import EXPECTED_VALUES, WriteOrigin, journal_id
from tavus_mcp.history.revisions import load_revision
from tavus_mcp.history.states import find_state, parse_state
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.json_patch import get_at, outermost_list, pointer_tokens
from tavus_mcp.models.masking import has_secret_at
from tavus_mcp.models.persona import is_unread
from tavus_mcp.models.receipt import LIVE_STATUSES, Receipt
from tavus_mcp.personas.delete import DeleteRequest, delete
from tavus_mcp.personas.lost_creations import adopt_creation, find_created
from tavus_mcp.personas.readback import is_equivalent_value
from tavus_mcp.personas.restore import RestoreRequest, restore
from tavus_mcp.personas.write_rules import PERSONA_RULES, WriteRules
from tavus_mcp.project.objects import WriteOptions, WriteResult


class StoredObjects:
    """The operations that need no more than the rules of a kind."""

    rules: WriteRules = PERSONA_RULES

    async def delete(self, app: App, document: Document, options: WriteOptions) -> None:
        """Delete an object."""
        request = DeleteRequest(
            document.object_id,
            document.digest,
            endpoint=self.rules.endpoint,
            origin=options.origin,
        )
        await delete(app, request)

    async def find_created(self, app: App, intent: JournalEntry) -> Document | None:
        """Look for the object that a creation may have made, and record it."""
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
        """Return the object that an outcome holds."""
        entry = await app.journal.entry(outcome.seq)
        if entry is None or not entry.body:
            return None
        return _with_id(parse_state(entry), entry.object_id)

    async def restore(
        self,
        app: App,
        intent: JournalEntry,
        outcome: JournalEntry,
        origin: WriteOrigin,
        replaced_ids: Mapping[str, str],
    ) -> WriteResult:
        """Restore the fields that a change touched, or a deleted object."""
        if not intent.paths:
            request = RestoreRequest(intent.persona_id, intent.revision, rules=self.rules)
        else:
            before = await load_revision(app, intent.persona_id, intent.revision)
            paths = dict.fromkeys(outermost_list(before.data, path) for path in intent.paths)
            request = RestoreRequest(
                intent.persona_id,
                intent.revision,
                tuple(paths),
                after_revision=outcome.revision,
                rules=self.rules,
            )
        request = replace(request, origin=origin, replaced_ids=replaced_ids)
        return await build_result(app, self.rules, await restore(app, request))

    def has_taken_effect(self, app: App, intent: JournalEntry, current: Document) -> bool:
        """Tell whether an object holds what was to be written, in the form that Tavus gives it.

        Masked secrets prove nothing; with nothing else to compare, the answer is False.
        """
        visible = app.masker.mask(current.data)
        expected: Mapping[str, object] = intent.detail.get(EXPECTED_VALUES, {})
        comparable = {
            path: value
            for path, value in expected.items()
            if not has_secret_at(pointer_tokens(path), value) and not is_unread(current.data, path)
        }
        return bool(comparable) and all(
            is_equivalent_value(value, get_at(visible, path), path, app.catalog)
            for path, value in comparable.items()
        )


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
