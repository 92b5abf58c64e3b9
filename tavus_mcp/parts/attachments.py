"""Attach parts to a persona, and detach them: changes of the fields that hold their ids."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tavus_mcp.app import App
from tavus_mcp.concurrency import for_each
from tavus_mcp.errors import InvalidArgument, NotFound, Refused
from tavus_mcp.models.base import JsonObject, is_id
from tavus_mcp.models.changes import add_items, put_at, read_list, remove_at
from tavus_mcp.models.document import Document, PartKindName
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import get_at
from tavus_mcp.parts.kinds import KINDS
from tavus_mcp.parts.names import explain_part_name
from tavus_mcp.text import quote_foreign


@dataclass(frozen=True)
class PartIds:
    """Parts by kind: the ids to attach or to detach."""

    ids: Mapping[PartKindName, Sequence[str]] = field(default_factory=dict)

    def require_any(self) -> None:
        """Raise ``InvalidArgument`` when nothing is named."""
        if not any(self.ids.values()):
            raise InvalidArgument(["/: name at least one part."])

    async def read_existing(self, app: App, persona_id: str) -> list[Document]:
        """Return the parts; raise ``Refused`` when the account lacks one of them for a persona."""
        found: dict[tuple[PartKindName, str], Document] = {}

        async def read(pair: tuple[PartKindName, str]) -> None:
            kind, object_id = pair
            with suppress(NotFound):
                if is_id(object_id):
                    found[pair] = await app.api.get_object(KINDS[kind].endpoint, object_id)

        pairs = list(dict.fromkeys(self._pairs))
        await for_each(pairs, read)
        missing = [pair for pair in pairs if pair not in found]
        persona = await app.api.get_persona(persona_id) if missing else None
        reasons = [
            await explain_part_name(app, kind, object_id, persona)
            or f"This account has no {_describe(kind, object_id)}."
            for kind, object_id in missing
        ]
        _refuse_for(reasons)
        return [found[pair] for pair in pairs]

    async def require_attached(self, app: App, persona: Document) -> list[RuleFinding]:
        """Raise ``Refused`` when a persona lacks one of the parts; there are no findings."""
        data = copy.deepcopy(persona.data)
        missing = [pair for pair in self._pairs if not _detach(data, *pair)]
        reasons = [
            await explain_part_name(app, kind, object_id, persona)
            or f"Not attached to this persona: {_describe(kind, object_id)}."
            for kind, object_id in missing
        ]
        _refuse_for(reasons)
        return []

    @property
    def _pairs(self) -> Iterator[tuple[PartKindName, str]]:
        return ((kind, object_id) for kind, ids in self.ids.items() for object_id in ids)


def _describe(kind: PartKindName, object_id: str) -> str:
    """Return how a message names a part; a text that is no id may be a key and is not repeated."""
    noun = KINDS[kind].noun
    return f"{noun} {quote_foreign(object_id)}" if is_id(object_id) else f"{noun} of this name"


def _refuse_for(reasons: Sequence[str]) -> None:
    if reasons:
        raise Refused(f"Nothing was sent. {' '.join(reasons)}")


@dataclass(frozen=True)
class AttachParts:
    """A change of a persona that adds ids to its lists, and sets the fields that hold one id."""

    parts: PartIds

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy with the parts attached; those that are attached already stay in place."""
        result = copy.deepcopy(data)
        for name, ids in self.parts.ids.items():
            reference = KINDS[name].references[0]
            if not ids:
                continue
            if reference.is_list:
                attached = add_items(read_list(data, reference.pointer), ids)
                put_at(result, reference.pointer, attached)
            else:
                put_at(result, reference.pointer, ids[-1])
        return result


@dataclass(frozen=True)
class DetachParts:
    """A change of a persona that takes ids out of its fields."""

    parts: PartIds

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy without the parts; those that are not attached make no difference."""
        result = copy.deepcopy(data)
        for name, ids in self.parts.ids.items():
            for object_id in ids:
                _detach(result, name, object_id)
        return result


def _detach(data: JsonObject, name: PartKindName, object_id: str) -> bool:
    """Take an id out of the fields of a persona, in place; return False if it is in none."""
    found = False
    for reference in KINDS[name].references:
        if reference.skill_id:  # written by the endpoint of the skill
            continue
        if reference.is_list:
            attached = read_list(data, reference.pointer)
            if object_id in attached:
                found = True
                put_at(data, reference.pointer, [item for item in attached if item != object_id])
        elif get_at(data, reference.pointer) == object_id:
            found = True
            if name == "dictionary":  # "" removes it (docs: pronunciation-dictionaries)
                put_at(data, reference.pointer, "")
            else:
                remove_at(data, reference.pointer)
    return found
