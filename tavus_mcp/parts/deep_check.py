"""Check what a persona points at: read each part, and report what is wrong inside and what is gone.

Requests are bounded, and so is the time of the call; what was not read is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.checker.fixes import FixCall, set_at, unset_at
from tavus_mcp.checker.parts.check import check_part
from tavus_mcp.checker.rule import Violation
from tavus_mcp.deadlines import iter_in_time
from tavus_mcp.errors import InvalidKey, NotFound, TavusError
from tavus_mcp.models.base import indexed_texts, is_id
from tavus_mcp.models.document import PartKindName, PersonaDocument
from tavus_mcp.models.findings import RuleFinding, sort_by_severity, warning
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.parts.kinds import KINDS
from tavus_mcp.parts.tool_names import find_inline_names
from tavus_mcp.personas.reference_lookup import REFERENCE_MISSING
from tavus_mcp.text import quote_foreign

MAX_PARTS_READ = 100
"""Requests of one check; a persona has at most 50 tools, 50 guardrails and some others."""
_MAX_PARTS_OF_TAG = 100
"""One page of the list of the parts that a tag binds."""
TAG_UNUSED = "tag-binds-nothing"
INCOMPLETE = "deep-check-incomplete"


_Key = tuple[PartKindName, str, bool]
"""A kind, and an id or a tag; true for a tag."""


@dataclass(frozen=True)
class _Reference:
    """A field of a persona, or an item of it, that holds the id or the tag of parts."""

    kind: PartKindName
    name: str
    field: str
    path: str
    is_tag: bool = False

    @property
    def key(self) -> _Key:
        """What has to be read, once for all references to it."""
        return self.kind, self.name, self.is_tag


@dataclass
class _Progress:
    """What was read so far; ``errors`` are the texts of what could not be read."""

    parts: dict[tuple[str, str], PartDocument] = field(default_factory=dict)
    missing: set[_Key] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    read_count: int = 0


async def check_parts(app: App, persona: PersonaDocument) -> list[RuleFinding]:
    """Return the findings inside the parts of a persona, and on references to nothing.

    The path of a finding inside a part is KIND/ID and a JSON Pointer, such as
    ``tool/t123/parameters/type``. Raises ``InvalidKey``; other errors of reading a part are
    reported in a finding.
    """
    references = list(_iter_references(persona))
    keys = list(dict.fromkeys(item.key for item in references))
    progress = _Progress()

    async def read(key: _Key) -> None:
        await _read_parts(app, key, progress)

    await concurrency.for_each(iter_in_time(keys[:MAX_PARTS_READ]), read)
    findings = list(_missing_findings(persona, references, progress))
    for (_, object_id), part in progress.parts.items():
        findings += _findings_inside(app, part.kind, object_id, part, persona)
    for skill_id, skill in _iter_skills(persona):
        findings += _findings_inside(app, "skill", skill_id, skill, persona)
    findings += find_inline_names(persona, progress.parts.values())
    findings += _incomplete_findings(persona, len(keys), progress)
    return sort_by_severity(findings)


def _iter_references(persona: PersonaDocument) -> Iterator[_Reference]:
    """Yield each reference once per field; an id that none can have is for other rules."""
    for kind in KINDS.values():
        for reference in kind.references:
            value = persona.at(reference.pointer)
            if isinstance(value, str) and is_id(value):
                yield _Reference(kind.name, value, reference.pointer, reference.pointer)
            for index, item in indexed_texts(value):
                if is_id(item):
                    path = f"{reference.pointer}/{index}"
                    yield _Reference(kind.name, item, reference.pointer, path)
        for index, tag in indexed_texts(persona.at(kind.tag_reference, None)):
            path = f"{kind.tag_reference}/{index}"
            if tag and kind.tag_reference:
                yield _Reference(kind.name, tag, kind.tag_reference, path, is_tag=True)


def _iter_skills(persona: PersonaDocument) -> Iterator[tuple[str, PartDocument]]:
    """Yield the skills that the persona was read with; they need no request."""
    skills = persona.data.get("skills")
    for skill_id, skill in skills.items() if isinstance(skills, dict) else ():
        if isinstance(skill, dict):
            object_id = f"{persona.persona_id}:{skill_id}"
            yield str(skill_id), PartDocument("skill", object_id, {**skill, "skill_id": skill_id})


async def _read_parts(app: App, key: _Key, progress: _Progress) -> None:
    """Read the part that an id names, or the parts that a tag binds."""
    kind, name, is_tag = key
    try:
        parts = await (_list_parts if is_tag else _get_part)(app, kind, name)
    except InvalidKey:
        raise
    except NotFound:
        parts = []
    except TavusError as error:
        progress.errors.append(str(error))
        return
    progress.read_count += 1
    progress.parts |= {(kind, part.object_id): part for part in parts}
    if not parts:
        progress.missing.add(key)


async def _get_part(app: App, kind: PartKindName, object_id: str) -> list[PartDocument]:
    document = await app.api.get_object(KINDS[kind].endpoint, object_id)
    return [document] if isinstance(document, PartDocument) else []


async def _list_parts(app: App, kind: PartKindName, tag: str) -> list[PartDocument]:
    listing = KINDS[kind].endpoint.listing
    if listing is None:
        return []
    page = await app.api.fetch_page(listing, _MAX_PARTS_OF_TAG, tags=tag)
    return [PartDocument.parse(kind, row) for row in page.rows]


def _missing_findings(
    persona: PersonaDocument, references: list[_Reference], progress: _Progress
) -> Iterator[RuleFinding]:
    """Yield a finding for each id that names nothing, with the call that takes all of them out.

    A tag that binds nothing yet is a warning: parts can get it later.
    """
    for item in references:
        if item.key not in progress.missing:
            continue
        gone = {key[1] for key in progress.missing if key == (item.kind, key[1], item.is_tag)}
        noun, name = KINDS[item.kind].noun, quote_foreign(item.name)
        remedy = _take_out(persona, item.field, gone)
        if item.is_tag:
            message = f"No {noun} of this account has the tag {name}."
            violation = Violation(item.path, message, "Give it to one, or take it out: ", remedy)
            fields = {"rule": TAG_UNUSED, "source": "P:create-guardrails, P:create-pal"}
            yield violation.finding("warning", persona.persona_id, **fields)
        else:
            message = f"This account has no {noun} {name}."
            hint = f"Create the {noun} again, or take its id out: "
            violation = Violation(item.path, message, hint, remedy)
            fields = {"rule": REFERENCE_MISSING, "source": "P:delete-tool, V:recipes/knowledge.py"}
            yield violation.finding("error", persona.persona_id, **fields)


def _take_out(persona: PersonaDocument, pointer: str, gone: set[str]) -> FixCall | str:
    """Return the call that removes ids from a field."""
    if pointer.startswith("/skills/"):
        return "set_skill with other document_ids"
    value = persona.at(pointer)
    remaining = [item for item in value if item not in gone] if isinstance(value, list) else []
    return set_at(pointer, remaining) if remaining else unset_at(pointer)


def _findings_inside(
    app: App, kind: PartKindName, object_id: str, part: PartDocument, persona: PersonaDocument
) -> list[RuleFinding]:
    """Return the findings about a part, with its kind and id before their paths."""
    return [
        finding.model_copy(update={"path": f"{kind}/{object_id}{finding.path}"})
        for finding in check_part(kind, part, app.catalog, persona=persona)
    ]


def _incomplete_findings(
    persona: PersonaDocument, total: int, progress: _Progress
) -> Iterator[RuleFinding]:
    """Yield a finding if something was not read: for lack of time, or because of errors."""
    unread = total - progress.read_count
    if unread:
        first = f" First error: {progress.errors[0]}" if progress.errors else ""
        yield warning(
            INCOMPLETE,
            f"Only {progress.read_count} of the {total} parts of this persona were checked.{first}",
            hint="Check again later; get_part shows a single part.",
        )
    if persona.persona_id and "skills" not in persona.data:
        yield warning(
            INCOMPLETE,
            "The skills of this persona were not checked: Tavus did not show them.",
            hint="list_skills shows the skills that exist.",
        )
