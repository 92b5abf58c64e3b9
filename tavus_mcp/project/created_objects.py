"""Tell whether an object is still as a run created it, so that the undo of the run may delete it.

Later changes count unless they were taken back. What an undo cannot restore exactly is no change by
anybody: objects that it creates again have new ids, also where others refer to them, and may lack a
secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.history.record import DELETIONS
from tavus_mcp.history.revivals import REVIVES, replace_ids, revived_id
from tavus_mcp.history.states import find_state
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.document import Document
from tavus_mcp.project.objects import ObjectAdapter
from tavus_mcp.project.persona_skills import SKILLS


@dataclass(frozen=True)
class CreatedObject:
    """An object by the outcome of its creation; ``new_ids`` are those of what was brought back."""

    app: App
    adapter: ObjectAdapter
    outcome: JournalEntry
    new_ids: Mapping[str, str]

    async def is_unchanged(self, current: Document) -> bool:
        """Tell whether the object, as it was just read, is as it was created.

        If it was brought back under another id, it may also be as that left it, provided that it
        was deleted as it was created.
        """
        if current.digest == self.outcome.revision_digest:
            return True
        created = await self.adapter.load_outcome(self.app, self.outcome)
        if created is None:
            return False
        return self._is_same(created, current) or await self._is_as_brought_back(created, current)

    async def _is_as_brought_back(self, state: Document, current: Document) -> bool:
        journal_id = self.outcome.persona_id
        while journal_id != current.journal_id:
            deleted = await self._load_deleted(journal_id)
            journal_id = await revived_id(self.app, journal_id)
            revived = await self._load_revived(journal_id)
            if deleted is None or revived is None or not self._is_same(state, deleted):
                return False
            state = revived
        return self._is_same(state, current)

    async def _load_deleted(self, journal_id: str) -> Document | None:
        """Return an object as it was when it was deleted, None if that was not recorded."""
        for entry in await self.app.journal.entries_of_persona(journal_id):  # newest first
            if entry.kind == "intent" and entry.tool in DELETIONS:
                return await find_state(self.app, journal_id, entry.revision)
        return None

    async def _load_revived(self, journal_id: str) -> Document | None:
        """Return an object as it was when it was brought back, None if that was not recorded."""
        for entry in await self.app.journal.entries_of_persona(journal_id):
            if entry.kind == "outcome" and REVIVES in entry.detail:
                return await self.adapter.load_outcome(self.app, entry)
        return None

    def _is_same(self, earlier: Document, later: Document) -> bool:
        """Tell whether two states are the same, of which the second may have another id."""
        is_same_id = earlier.object_id == later.object_id
        fields = [self._fields(item, is_whole=is_same_id) for item in (earlier, later)]
        return bool(fields[0] == fields[1])

    def _fields(self, document: Document, *, is_whole: bool) -> Any:
        """Return the fields to compare: all, or those that objects with other ids have as well."""
        document = document.with_data(replace_ids(document.data, self.new_ids))
        if is_whole:
            return self.app.masker.mask(document.stable_fields())
        skills = document.data.get(SKILLS) or {}
        configurations = {key: (row or {}).get("config") for key, row in skills.items()}
        return self.adapter.account_fields(self.app, document), configurations
