"""Check what a persona points at: read each part, and report what is wrong inside and what is gone.

Requests are bounded, and so is the time of the call; what was not read is said.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.checker.fixes import FixCall, set_at, unset_at
from tavus_mcp.checker.function_fixes import iter_functions, name_of
from tavus_mcp.checker.parts.check import check_part
from tavus_mcp.checker.rule import Violation
from tavus_mcp.deadlines import has_time_for_more
from tavus_mcp.errors import InvalidKey, NotFound, TavusError
from tavus_mcp.models.base import indexed_texts, is_id
from tavus_mcp.models.document import PartKindName, PersonaDocument
from tavus_mcp.models.findings import RuleFinding, sort_by_severity, warning
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.parts.kinds import KINDS
from tavus_mcp.text import quote_foreign

MAX_PARTS_READ = 100
"""Requests of one check; a persona has at most 50 tools, 50 guardrails and some others."""
REFERENCE_MISSING = "reference-missing"
INCOMPLETE = "deep-check-incomplete"
NAME_OF_FUNCTION = "tool-name-inline"
DEEP_RULES = (REFERENCE_MISSING, INCOMPLETE, NAME_OF_FUNCTION)
"""The rules that only a deep check has."""


@dataclass(frozen=True)
class _Reference:
    """A field of a persona, or an item of it, that holds the id of a part."""

    kind: PartKindName
    object_id: str
    field: str
    path: str


@dataclass
class _Progress:
    """What was read so far; ``errors`` are the texts of what could not be read."""

    parts: dict[tuple[str, str], PartDocument] = field(default_factory=dict)
    missing: set[tuple[str, str]] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    read_count: int = 0


async def check_parts(app: App, persona: PersonaDocument) -> list[RuleFinding]:
    """Return the findings inside the parts of a persona, and on references to nothing.

    The path of a finding inside a part is KIND/ID and a JSON Pointer, such as
    ``tool/t123/parameters/type``. Raises ``InvalidKey``; other errors of reading a part are
    reported in a finding.
    """
    references = list(_iter_references(persona))
    keys = list(dict.fromkeys((item.kind, item.object_id) for item in references))
    progress = _Progress()

    async def read(key: tuple[PartKindName, str]) -> None:
        await _read_part(app, key, progress)

    await concurrency.for_each(_iter_in_time(keys), read)
    findings = list(_missing_findings(persona, references, progress))
    for (_, object_id), part in progress.parts.items():
        findings += _findings_inside(app, part.kind, object_id, part, persona)
    for skill_id, skill in _iter_skills(persona):
        findings += _findings_inside(app, "skill", skill_id, skill, persona)
    findings += _name_findings(persona, progress)
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


def _iter_skills(persona: PersonaDocument) -> Iterator[tuple[str, PartDocument]]:
    """Yield the skills that the persona was read with; they need no request."""
    skills = persona.data.get("skills")
    for skill_id, skill in skills.items() if isinstance(skills, dict) else ():
        if isinstance(skill, dict):
            object_id = f"{persona.persona_id}:{skill_id}"
            yield str(skill_id), PartDocument("skill", object_id, {**skill, "skill_id": skill_id})


async def _iter_in_time(
    keys: list[tuple[PartKindName, str]],
) -> AsyncIterator[tuple[PartKindName, str]]:
    """Yield parts to read while there is time for more."""
    for key in keys[:MAX_PARTS_READ]:
        if not has_time_for_more():
            return
        yield key


async def _read_part(app: App, key: tuple[PartKindName, str], progress: _Progress) -> None:
    kind, object_id = key
    try:
        document = await app.api.get_object(KINDS[kind].endpoint, object_id)
    except InvalidKey:
        raise
    except NotFound:
        progress.missing.add(key)
    except TavusError as error:
        progress.errors.append(str(error))
        return
    else:
        if isinstance(document, PartDocument):
            progress.parts[key] = document
    progress.read_count += 1


def _missing_findings(
    persona: PersonaDocument, references: list[_Reference], progress: _Progress
) -> Iterator[RuleFinding]:
    """Yield a finding for each id that names nothing, with the call that takes all of them out."""
    for item in references:
        if (item.kind, item.object_id) not in progress.missing:
            continue
        gone = {object_id for kind, object_id in progress.missing if kind == item.kind}
        noun = KINDS[item.kind].noun
        violation = Violation(
            item.path,
            f"This account has no {noun} {quote_foreign(item.object_id)}.",
            f"Create the {noun} again, or take its id out: ",
            _take_out(persona, item.field, gone),
        )
        yield violation.finding(
            "error",
            persona.persona_id,
            rule=REFERENCE_MISSING,
            source="P:delete-tool, V:recipes/knowledge.py",
        )


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


def _name_findings(persona: PersonaDocument, progress: _Progress) -> Iterator[RuleFinding]:
    """Yield a finding for each tool with the name of an inline function of the persona."""
    inline = {name_of(function): path for path, function in iter_functions(persona)}
    for (kind, object_id), part in progress.parts.items():
        if kind == "tool" and part.name in inline:
            yield warning(
                NAME_OF_FUNCTION,
                "The persona has an inline function of the same name; which of both is called is "
                "not documented.",
                path=f"tool/{object_id}/name",
                hint="Keep one of them.",
                source="P:pal/tools",
            )


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
