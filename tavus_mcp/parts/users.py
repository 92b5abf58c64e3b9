"""Find the personas that use a part: no request of Tavus answers that, so each one is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback
from tavus_mcp.errors import TavusError
from tavus_mcp.fleet.selection import PersonaFilter, PersonaSelection
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, info, warning
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.parts.kinds import KINDS, PartKind
from tavus_mcp.text import count_personas, join_first, quote_foreign


@dataclass(frozen=True)
class PartUser:
    """A persona that uses a part: the fields that refer to it, by pointer, with their values."""

    persona_id: str
    name: str
    fields: JsonObject

    def to_json(self) -> JsonObject:
        """Return it as a plan and the journal store it."""
        return {"persona_id": self.persona_id, "name": self.name, "fields": self.fields}

    @classmethod
    def from_json(cls, row: JsonObject) -> PartUser:
        """Return it from what a plan or the journal stores."""
        return cls(row["persona_id"], row["name"], row["fields"])


@dataclass
class PartUsers:
    """The personas that use a part, as far as they could be read.

    ``tagged`` are those that a tag of the part binds; they need no repair.
    """

    users: list[PartUser] = field(default_factory=list)
    tagged: list[str] = field(default_factory=list)
    read_count: int = 0
    unread_count: int = 0
    stop_reason: str = ""

    @property
    def is_complete(self) -> bool:
        """True if every persona was read."""
        return not self.stop_reason and not self.unread_count


async def find_users(
    app: App, document: PartDocument, report_progress: ProgressCallback
) -> PartUsers:
    """Read every user persona of the account, and return those that use a part.

    It ends early when the time of the call is over; ``stop_reason`` says so. Raises the errors of
    the API when the list cannot be read at all.
    """
    kind, ids, result = KINDS[document.kind], part_ids(document), PartUsers()
    tags = {tag for tag in document.data.get("tags") or () if isinstance(tag, str)}
    selection = PersonaSelection(app, PersonaFilter("user"))
    found: dict[str, PartUser] = {}
    await selection.fetch_next_page()

    async def examine(persona_id: str, persona: PersonaDocument | TavusError) -> None:
        if isinstance(persona, TavusError):
            result.unread_count += 1
        else:
            result.read_count += 1
            if user := find_use(app, kind, ids, persona):
                found[persona_id] = user
            if tags.intersection(
                persona.at(kind.tag_reference) or () if kind.tag_reference else ()
            ):
                result.tagged.append(persona_id)

    await selection.read_each(examine, report_progress)
    result.users = [found[persona_id] for persona_id in sorted(found)]
    result.stop_reason = selection.stop_reason
    return result


def part_ids(document: PartDocument) -> list[str]:
    """Return the id of a part, and of the members of a legacy set of guardrails."""
    items = document.data["data"] if document.is_set_of_guardrails else []
    members = (item.get("uuid") for item in items if isinstance(item, dict))
    return [document.object_id, *(item for item in members if isinstance(item, str))]


def find_use(
    app: App, kind: PartKind, ids: Sequence[str], persona: PersonaDocument
) -> PartUser | None:
    """Return how a persona uses one of these parts, None if it does not."""
    pointers = dict.fromkeys(
        item.pointer for object_id in ids for item in kind.uses(persona, object_id)
    )
    fields: dict[str, Any] = {pointer: persona.at(pointer) for pointer in pointers}
    if not fields:
        return None
    return PartUser(persona.persona_id, app.masker.mask_text(persona.name), fields)


def describe_users(kind: PartKind, found: PartUsers) -> list[RuleFinding]:
    """Return the findings that say which personas use a part, and what they lose with it."""
    findings = [_used_finding(kind, found.users)] if found.users else []
    if not found.users and found.is_complete:
        findings.append(info("not-used", f"No persona of the account uses this {kind.noun}."))
    if found.tagged:
        findings.append(
            info(
                "used-by-tag",
                f"A tag of it binds it to {count_personas(len(found.tagged))}: "
                f"{join_first(found.tagged)}. One "
                "with the same tag, created again, is bound to them again.",
            )
        )
    if not found.is_complete:
        rest = found.stop_reason or f"{count_personas(found.unread_count)} could not be read."
        findings.append(
            warning(
                "scan-incomplete",
                f"Not every persona was read, only {found.read_count}: {rest} Others may use this "
                f"{kind.noun} too; an undo will not repair those.",
            )
        )
    return findings


def _used_finding(kind: PartKind, users: Sequence[PartUser]) -> RuleFinding:
    pointers = {pointer for user in users for pointer in user.fields}
    left_alone = [
        item.pointer
        for item in kind.references
        if item.pointer in pointers and item.after_deletion != "removed"
    ]
    effect = "Tavus takes it out of them."
    if left_alone:
        effect = f"Tavus leaves the dead id in {', '.join(left_alone)}; detach_parts takes it out."
    return warning(
        "in-use",
        f"{count_personas(len(users))} {_verb(users)} this {kind.noun}: {name_users(users)}. "
        f"{effect}",
    )


def name_users(users: Sequence[PartUser]) -> str:
    """Return the ids and names of personas as a list; those after the first are only counted."""
    return join_first([f"{user.persona_id} ({quote_foreign(user.name)})" for user in users])


def _verb(users: Sequence[PartUser]) -> str:
    return "uses" if len(users) == 1 else "use"
