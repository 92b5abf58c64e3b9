"""Creating and deleting personas."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from tavus_mcp.app import App
from tavus_mcp.errors import Refused
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding, by_severity
from tavus_mcp.models.patch import Operation, diff
from tavus_mcp.models.receipt import Changed, Receipt, Undo, changes_of
from tavus_mcp.models.secrets import is_masked
from tavus_mcp.usecases.checking import check, refusal
from tavus_mcp.usecases.editing import expect, read_back
from tavus_mcp.usecases.spelling import respelled


@dataclass(frozen=True)
class NewPersona:
    """A persona to create: its own fields, over those of another when ``based_on`` names one."""

    fields: JsonObject
    based_on: str | None = None
    dry_run: bool = False
    remarks: Sequence[Finding] = field(default_factory=tuple)


async def create(app: App, asked: NewPersona) -> Receipt:
    """Create a persona and read it back, or show what would be created when ``dry_run``.

    Raises ``Refused`` with every reason when Tavus would reject it, and the errors of the API.
    """
    base, copied = await _base(app, asked.based_on)
    merged = SetFields({f"/{key}": value for key, value in asked.fields.items()}).apply(base)
    body, respellings = respelled({}, merged, app.catalog)
    findings = by_severity([*asked.remarks, *copied, *respellings, *_checked(app, body)])
    leaves = diff(_skeleton(body), body)
    if asked.dry_run:
        return _created("planned", app, Document(body), leaves, findings)
    answer = await app.api.create_persona(body)
    now, remarks = await read_back(app, Document(body), str(answer.get("persona_id")), leaves)
    findings = by_severity([*findings, *remarks])
    return _created("applied", app, now, leaves, findings)


async def delete(
    app: App,
    persona_id: str,
    confirm_name: str | None,
    *,
    dry_run: bool = False,
    if_revision: str | None = None,
) -> Receipt:
    """Delete a persona whose name was given exactly, or show what would go when ``dry_run``.

    Raises ``Refused`` when the name is not the persona's, ``Conflict`` when it changed meanwhile.
    """
    document = await app.api.get_persona(persona_id)
    expect(document, if_revision)
    name = document.name or document.persona_id
    if not dry_run and confirm_name != name:
        raise Refused(
            "Not deleted. Deleting cannot be undone: ask the person, then call again with "
            f"confirm_name={json.dumps(name)}, its exact name; dry_run=true only shows it."
        )
    if not dry_run:
        await app.api.delete_persona(persona_id)
    return Receipt(
        status="planned" if dry_run else "applied",
        persona_id=document.persona_id,
        persona_name=document.name,
        revision=document.revision if dry_run else None,
        previous_revision=None if dry_run else document.revision,
        changes=[Changed(path="", before=f"persona {name!r}")],
    )


async def _base(app: App, based_on: str | None) -> tuple[JsonObject, list[Finding]]:
    """Return what is copied of another persona, and what of it cannot be."""
    if based_on is None:
        return {}, []
    source = await app.api.get_persona(based_on)
    base = copy.deepcopy(source.written())
    base["persona_name"] = f"Copy of {source.name or source.persona_id}"
    left = [*_drop_masked(base), *_drop_conferencing(base)]
    return _without_nulls(base), [
        Finding(
            severity="warning",
            path=path,
            message=f"Not copied from {source.persona_id}: {reason}.",
            rule="not-copied",
            source="D:get-persona",
        )
        for path, reason in left
    ]


def _drop_masked(node: JsonObject, path: str = "") -> list[tuple[str, str]]:
    dropped = []
    for key, value in list(node.items()):
        if is_masked(value):
            del node[key]
            dropped.append((f"{path}/{key}", "Tavus never shows stored keys; give it again"))
        elif isinstance(value, dict):
            dropped += _drop_masked(value, f"{path}/{key}")
    return dropped


def _drop_conferencing(base: JsonObject) -> list[tuple[str, str]]:
    layers = base.get("layers")
    if isinstance(layers, dict) and layers.pop("conferencing", None):
        return [("/layers/conferencing", "a meeting identity belongs to one persona")]
    return []


def _without_nulls(node: JsonObject) -> JsonObject:
    return {
        key: _without_nulls(value) if isinstance(value, dict) else value
        for key, value in node.items()
        if value is not None
    }


def _checked(app: App, body: JsonObject) -> list[Finding]:
    findings = check(Document(body), app.catalog)
    blocking = [item for item in findings if item.blocks]
    if blocking:
        raise Refused(refusal(blocking))
    return findings


def _skeleton(body: JsonObject) -> JsonObject:
    """Return the body with its objects but without its leaves, so that a diff names the leaves."""
    return {key: _skeleton(value) for key, value in body.items() if isinstance(value, dict)}


def _created(
    status: str, app: App, now: Document, leaves: list[Operation], findings: list[Finding]
) -> Receipt:
    applied = status == "applied"
    undo = Undo(
        tool="delete_persona",
        arguments={"persona_id": now.persona_id, "confirm_name": now.name or now.persona_id},
    )
    return Receipt.model_validate(
        {
            "status": status,
            "persona_id": now.persona_id or None,
            "persona_name": now.name or None,
            "revision": now.revision if applied else None,
            "changes": changes_of({}, leaves, app.masker),
            "findings": findings,
            "undo": undo if applied else None,
        }
    )
