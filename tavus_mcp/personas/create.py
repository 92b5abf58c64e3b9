"""Creating personas: once each, also when the answer is lost."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tavus_mcp.app import App
from tavus_mcp.checker.check import check, refusal
from tavus_mcp.checker.schema_check import UNKNOWN_FIELD
from tavus_mcp.errors import Conflict, Failure, Refused, TavusError, Unavailable
from tavus_mcp.history import record
from tavus_mcp.history.redactions import is_secret_place
from tavus_mcp.journal.entry import Entry
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding, by_severity
from tavus_mcp.models.json_patch import Operation, diff, pointer_of
from tavus_mcp.models.masking import is_masked
from tavus_mcp.models.receipt import Receipt, Undo
from tavus_mcp.personas import plans
from tavus_mcp.personas.conflicts import edited_meanwhile
from tavus_mcp.personas.current_spelling import respelled
from tavus_mcp.personas.readback import elsewhere, not_stuck
from tavus_mcp.personas.receipts import receipt_of
from tavus_mcp.personas.update import refuse_masks, unread
from tavus_mcp.tavus_api import pagination


@dataclass(frozen=True)
class NewPersona:
    """A persona to create: its own fields, over those of another when ``based_on`` names one.

    ``revives`` is the id of the deleted persona that it brings back; ``whole`` asks for a finding
    wherever the persona reads otherwise than it was sent.
    """

    fields: JsonObject
    based_on: str | None = None
    dry_run: bool = False
    remarks: Sequence[Finding] = field(default_factory=tuple)
    tool: str = "create_persona"
    allow: frozenset[str] = frozenset()
    plan: plans.Plan | None = None
    revives: str = ""
    whole: bool = False


async def create(app: App, asked: NewPersona) -> Receipt:
    """Create a persona and read it back, or make a plan of it when ``dry_run``.

    When the answer is lost, the persona is looked for before anything else is said. Raises
    ``Refused`` with every reason when Tavus would reject it, and the errors of the API.
    """
    base, copied = await _base(app, asked.based_on)
    merged = SetFields({f"/{key}": value for key, value in asked.fields.items()}).apply(base)
    body, respellings = respelled({}, merged, app.catalog)
    findings = by_severity(
        [*asked.remarks, *copied, *respellings, *_checked(app, body, base, asked.allow)]
    )
    leaves, wanted = diff(_skeleton(body), body), Document(body)
    refuse_masks(leaves)
    if asked.dry_run:
        plan = await plans.store(app, plans.of_creation(app, asked.tool, body, asked.revives))
        return receipt_of("planned", app, Document({}), wanted, leaves, findings, plan=plan)
    if asked.plan is not None:
        await plans.claim(app, asked.plan)
    started = app.clock()
    intent = await _intend(app, asked, leaves)
    try:
        answer = await app.api.create_persona(body)
    except Unavailable as lost:
        answer = await _found(app, intent, wanted, started, lost)
        findings = [_ANSWER_LOST, *findings]
    except Failure:
        await record.settle(app, intent, "failed")
        raise
    made = str(answer.get("persona_id"))
    try:
        now = await app.api.get_persona(made)
        remarks = not_stuck(wanted, now, leaves, app.catalog)
    except TavusError as error:
        now, remarks = unread(wanted, made, error)
    unrecorded = await record.settle(app, intent, "applied", now)
    if asked.whole:
        unrecorded += edited_meanwhile(elsewhere(wanted, now, app.catalog))
    if asked.revives:
        unrecorded += await record.revived(app, intent, asked.revives, now)
    findings = by_severity([*findings, *remarks, *unrecorded])
    undo = Undo(tool="delete_persona", arguments={"persona_id": now.persona_id})
    return receipt_of("applied", app, Document({}), now, leaves, findings, undo=undo)


_ANSWER_LOST = Finding(
    severity="info",
    path="",
    message="The answer to the creation was lost, but the persona was found; it is there once.",
    rule="answer-lost",
)


async def _intend(app: App, asked: NewPersona, leaves: Sequence[Operation]) -> Entry:
    """Write the creation down before it is sent; it has no id yet."""
    detail = {record.REVIVES: asked.revives} if asked.revives else {}
    paths = tuple(item.path for item in leaves)
    return await app.diary.append(
        Entry("intent", "", app.now(), asked.tool, paths=paths, detail=detail)
    )


async def _found(
    app: App, intent: Entry, wanted: Document, started: datetime, lost: Unavailable
) -> JsonObject:
    """Look for the one persona that this creation made; raise when it is not certain."""
    told = "No such persona is there now."
    try:
        rows = [
            row async for row in app.api.every(pagination.PERSONAS) if await _fits(app, row, wanted)
        ]
    except TavusError as error:
        rows, told = [], f"That failed as well ({type(error).__name__})."
    made = [row for row in rows if _is_new(row, started)]
    if len(made) == 1:
        return made[0]
    await record.settle(app, intent, "unknown")
    if rows:
        ids = ", ".join(str(row.get("persona_id")) for row in rows)
        told = f"Personas like it are there, which may be older: {ids}."
    raise Conflict(
        f"{lost} It was looked for. {told} It is not known whether it was created, and it may "
        "still arrive; look with list_personas before you create it again."
    ) from lost


async def _fits(app: App, row: JsonObject, wanted: Document) -> bool:
    """Tell whether a row is a persona like the lost one that this journal does not know."""
    persona_id = str(row.get("persona_id"))
    if str(row.get("persona_name") or "") != wanted.name or await app.diary.latest(persona_id):
        return False
    return await _is_it(app, row, wanted)


def _is_new(row: JsonObject, started: datetime) -> bool:
    try:
        made = datetime.fromisoformat(str(row.get("created_at")).replace("Z", "+00:00"))
    except ValueError:
        return False
    return made.tzinfo is not None and made >= started


async def _is_it(app: App, row: JsonObject, wanted: Document) -> bool:
    document = await app.api.get_persona(str(row.get("persona_id")))
    leaves = diff(_skeleton(wanted.data), wanted.data)
    return not not_stuck(wanted, document, leaves, app.catalog)


async def _base(app: App, based_on: str | None) -> tuple[JsonObject, list[Finding]]:
    """Return what is copied of another persona, and what of it cannot be."""
    if based_on is None:
        return {}, []
    source = await app.api.get_persona(based_on)
    base = {**source.written(), "persona_name": f"Copy of {source.name or source.persona_id}"}
    return copyable(base, f"Not copied from {source.persona_id}")


def copyable(document: JsonObject, said: str) -> tuple[JsonObject, list[Finding]]:
    """Return what of a persona can be written into a new one, and a finding for what cannot."""
    base = copy.deepcopy(document)
    left = [*_drop_masked(base), *_drop_conferencing(base)]
    return _without_nulls(base), [
        Finding(
            severity="warning",
            path=path,
            message=f"{said}: {reason}.",
            rule="not-copied",
            source="D:get-persona",
        )
        for path, reason in left
    ]


def _drop_masked(node: JsonObject, parts: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    dropped = []
    for key, value in list(node.items()):
        here = (*parts, key)
        if is_masked(value) and is_secret_place(here):
            del node[key]
            dropped.append((pointer_of(here), "Tavus never shows stored keys; give it again"))
        elif isinstance(value, dict):
            dropped += _drop_masked(value, here)
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


def _checked(app: App, body: JsonObject, base: JsonObject, allow: frozenset[str]) -> list[Finding]:
    """Check what is to be created; what a copied persona has as well does not stop it."""
    findings = check(Document(body), app.catalog)
    copied = check(Document(base), app.catalog) if base else []
    known = {(item.rule, item.path) for item in copied}
    blocking = [
        item
        for item in findings
        if item.blocks
        and item.rule not in allow
        and not (item.rule == UNKNOWN_FIELD and (item.rule, item.path) in known)
    ]
    if blocking:
        raise Refused(refusal(blocking))
    return findings


def _skeleton(body: JsonObject) -> JsonObject:
    """Return the body with its objects but without its leaves, so that a diff names the leaves."""
    return {key: _skeleton(value) for key, value in body.items() if isinstance(value, dict)}
