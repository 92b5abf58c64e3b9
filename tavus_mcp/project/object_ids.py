"""The ids that objects of projects had one after the other, as a journal records them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tavus_mcp.history.record import journal_id
from tavus_mcp.history.revivals import REVIVED_AS, REVIVES
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.base import JsonObject
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.objects import TOOL
from tavus_mcp.project.runs import OBJECT, STATE, Run

Owner = tuple[str, ObjectName]
"""The id of a state, and the name of an object in it."""


@dataclass
class ObjectIds:
    """The ids in a journal that belong to one object, each in the form of the journal.

    ``ids_by_owner`` are those that runs recorded, in the order of the journal, none for a run that
    wrote nothing. ``neighbours`` are the ids directly before and after one, as the object was
    brought back.
    """

    ids_by_owner: dict[Owner, list[str]] = field(default_factory=lambda: defaultdict(list))
    neighbours: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def from_entries(cls, entries: Iterable[JournalEntry]) -> ObjectIds:
        """Return the ids of all objects in the entries of a journal, which come oldest first."""
        result = cls()
        states: dict[int, str] = {}
        owners: dict[int, Owner] = {}
        for entry in entries:
            if entry.kind == "plan" and entry.tool == TOOL:
                states[entry.seq] = Run(entry).state_id
                result._add_items(Run(entry))
            elif entry.ref in states and (name := _find_name(entry.detail)):
                owners[entry.seq] = states[entry.ref], name
            if not entry.object_id:  # as in an intent to create
                continue
            if owner := owners.get(entry.seq) or owners.get(entry.ref):
                result.ids_by_owner[owner].append(entry.persona_id)
            for member in (REVIVED_AS, REVIVES):
                if member in entry.detail:
                    result.neighbours[entry.persona_id].append(entry.detail[member])
                    result.neighbours[entry.detail[member]].append(entry.persona_id)
        return result

    def _add_items(self, run: Run) -> None:
        for row in run.items:
            if name := _find_name(row):
                ids = self.ids_by_owner[run.state_id, name]
                if known := row.get(STATE):
                    ids.append(journal_id(name.kind.name, known["id"]))

    def find_names(self, state_id: str) -> list[ObjectName]:
        """Return the names of the objects that the runs of a state were about."""
        return [name for own_state_id, name in self.ids_by_owner if own_state_id == state_id]

    def find_of_name(self, owner: Owner, id_in_state: str) -> list[str]:
        """Return all ids that the object of a name had; ``id_in_state`` may be empty."""
        return self._follow([*self.ids_by_owner.get(owner, ()), *filter(None, [id_in_state])])

    def find_others(self, object_id: str) -> list[str]:
        """Return the other ids of the object that has or had an id."""
        owned = [ids for ids in self.ids_by_owner.values() if object_id in ids]
        found = self._follow([object_id, *(item for ids in owned for item in ids)])
        return [item for item in found if item != object_id]

    def _follow(self, ids: list[str]) -> list[str]:
        """Return ids, each once, with all that come before and after them."""
        found = list(dict.fromkeys(ids))
        for object_id in found:  # grows meanwhile
            near = dict.fromkeys(self.neighbours.get(object_id, ()))
            found += [item for item in near if item not in found]
        return found


def _find_name(row: JsonObject) -> ObjectName | None:
    """Return the name in an intent's detail or an item, None without one that is known here."""
    try:
        return ObjectName.parse(row[OBJECT])
    except (KeyError, ValueError):
        return None
