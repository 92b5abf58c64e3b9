"""Create personas, each once, also when the answer is lost."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tavus_mcp.app import App
from tavus_mcp.checker.check import check, refusal
from tavus_mcp.checker.schema_check import UNKNOWN_FIELD
from tavus_mcp.errors import Refused, TavusError
from tavus_mcp.history.record import RecordedWrite, WriteIntent, recorded_write
from tavus_mcp.history.redactions import is_secret_path
from tavus_mcp.history.revivals import REVIVES, record_revived_as
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, info, sort_by_severity, warning
from tavus_mcp.models.json_patch import diff, pointer_of
from tavus_mcp.models.masking import is_masked
from tavus_mcp.models.receipt import Receipt, Undo
from tavus_mcp.personas import plans
from tavus_mcp.personas.conflicts import edited_meanwhile_findings
from tavus_mcp.personas.current_spelling import use_current_spelling
from tavus_mcp.personas.readback import verify_written
from tavus_mcp.personas.receipts import build_receipt
from tavus_mcp.personas.update import read_back_hint, refuse_masks
from tavus_mcp.tavus_api import pagination
from tavus_mcp.text import quote_foreign_names


@dataclass(frozen=True)
class CreateRequest:
    """A persona to create: its fields, merged into those of ``based_on``, the id of another one.

    ``allow`` names checker rules that may not block it; ``findings`` are passed on to the receipt.
    ``revives`` is the id of the deleted persona that it brings back. ``verify_all_fields`` reports
    every field that reads back differently, sent or not.
    """

    fields: JsonObject
    based_on: str | None = None
    dry_run: bool = False
    findings: Sequence[RuleFinding] = field(default_factory=tuple)
    tool: str = "create_persona"
    allow: frozenset[str] = frozenset()
    plan: plans.Plan | None = None
    revives: str = ""
    verify_all_fields: bool = False


async def create(app: App, request: CreateRequest) -> Receipt:
    """Create a persona and read it back, or store it as a plan when ``dry_run``.

    When the answer is lost, the account is searched for the new persona. Raises ``Refused`` with
    every reason when Tavus would reject it, ``Conflict`` when it is not known whether it exists,
    and the errors of the API.
    """
    body, original, findings = await build_body(app, request)
    leaves, expected = diff(_without_leaves(body), body), PersonaDocument(body)
    refuse_masks(leaves)
    listed = diff(original.data, body) if original.data else leaves
    if request.dry_run:
        plan = plans.build_creation_plan(app, request.tool, body, request.revives)
        plan = await plans.store_plan(app, plan)
        return build_receipt("planned", app, original, expected, listed, findings, plan=plan)
    if request.plan is not None:
        await plans.mark_used(app, request.plan)
    started_at = app.clock()
    detail = {REVIVES: request.revives} if request.revives else {}
    intent = WriteIntent("persona", request.tool, operations=leaves, after=body, detail=detail)
    created: JsonObject = {}
    async with recorded_write(app, intent) as write:
        created = await app.api.create_persona(body)
    if write.lost_response is not None:
        created = await _find_created(app, write, expected, started_at)
        findings.insert(0, _RESPONSE_LOST)
    persona_id = str(created["persona_id"])
    current = PersonaDocument({**body, "persona_id": persona_id})
    with write.read_back(read_back_hint(persona_id)):
        current = await app.api.get_persona(persona_id)
        write.mismatches = verify_written(expected, current, leaves, app.catalog)
    findings += [*write.mismatches, *await write.record_outcome("applied", current)]
    if request.verify_all_fields:
        findings += edited_meanwhile_findings(expected, current, app.catalog)
    if request.revives:
        new_id = current.persona_id
        findings += await record_revived_as(app, write.intent, request.revives, new_id)
    findings = sort_by_severity(findings)
    undo = Undo(tool="delete_persona", arguments={"persona_id": current.persona_id})
    return build_receipt("applied", app, original, current, listed, findings, undo=undo)


async def build_body(
    app: App, request: CreateRequest
) -> tuple[JsonObject, PersonaDocument, list[RuleFinding]]:
    """Return the body of the request, checked, the persona it copies, and findings.

    What is copied has no id, only the fields that can be; it is empty without ``based_on``.
    """
    base, copied = await _load_base(app, request.based_on)
    named = dict(base)
    if request.based_on is not None:
        named["persona_name"] = f"Copy of {base.get('persona_name') or request.based_on}"
    merged = SetFields({f"/{key}": value for key, value in request.fields.items()}).apply(named)
    body, respellings = use_current_spelling({}, merged, app.catalog)
    checked = _check_new_persona(app, body, base, request.allow)
    findings = sort_by_severity([*request.findings, *copied, *respellings, *checked])
    return body, PersonaDocument(base), findings


_RESPONSE_LOST = info(
    "answer-lost",
    "The answer to the creation was lost, but the persona was found; it is there once.",
)


async def _find_created(
    app: App, write: RecordedWrite, expected: PersonaDocument, started_at: datetime
) -> JsonObject:
    """Return the row of the one persona that this creation made.

    Raises ``Conflict`` when there is none, when it may be older, or when the search fails.
    """
    result = "No such persona is there now."
    try:
        rows = [
            row
            async for row in app.api.iter_all(pagination.PERSONAS)
            if await _is_candidate(app, row, expected)
        ]
    except TavusError as error:
        rows, result = [], f"That failed as well ({type(error).__name__})."
    new_rows = [row for row in rows if _is_new(row, started_at)]
    if len(new_rows) == 1:
        return new_rows[0]
    if rows:
        ids = quote_foreign_names(row.get("persona_id") for row in rows)
        result = f"Personas like it are there, which may be older: {ids}."
    raise await write.record_conflict(
        "unknown",
        f"{write.lost_response} It was looked for. {result} It is not known whether it was "
        "created, and it may still arrive; look with list_personas before you create it again.",
    )


async def _is_candidate(app: App, row: JsonObject, expected: PersonaDocument) -> bool:
    """Tell whether a row may be the lost persona: like it, and unknown to this journal."""
    persona_id = str(row.get("persona_id"))
    has_name = str(row.get("persona_name") or "") == expected.name
    if not has_name or await app.journal.latest_entry(persona_id):
        return False
    document = await app.api.get_persona(persona_id)
    leaves = diff(_without_leaves(expected.data), expected.data)
    return not verify_written(expected, document, leaves, app.catalog)


def _is_new(row: JsonObject, started_at: datetime) -> bool:
    try:
        created_at = datetime.fromisoformat(str(row.get("created_at")).replace("Z", "+00:00"))
    except ValueError:
        return False
    return created_at.tzinfo is not None and created_at >= started_at


async def _load_base(app: App, based_on: str | None) -> tuple[JsonObject, list[RuleFinding]]:
    """Return the fields to copy from another persona, and findings on those that cannot be."""
    if based_on is None:
        return {}, []
    source = await app.api.get_persona(based_on)
    fields, dropped = copyable_fields(
        source.writable_fields(), f"Not copied from {source.persona_id}"
    )
    message = (
        f"A copy of {source.persona_id}: changes lists only what differs from the original. "
        "Given layers were merged into the copied ones."
    )
    return fields, [*dropped, info("copied", message)]


def copyable_fields(
    document: JsonObject, message_prefix: str
) -> tuple[JsonObject, list[RuleFinding]]:
    """Return the fields that can be written into a new persona, and findings on the others."""
    fields = copy.deepcopy(document)
    dropped = _drop_masked(fields)
    layers = fields.get("layers")
    if isinstance(layers, dict) and layers.pop("conferencing", None):
        dropped.append(("/layers/conferencing", "a meeting identity belongs to one persona"))
    return _without_nulls(fields), [
        warning("not-copied", f"{message_prefix}: {reason}.", path=path, source="D:get-persona")
        for path, reason in dropped
    ]


def _drop_masked(node: JsonObject, parts: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Delete masked secrets in place; return the path and the reason of each."""
    dropped = []
    for key, value in list(node.items()):
        path = (*parts, key)
        if is_masked(value) and is_secret_path(path):
            del node[key]
            dropped.append((pointer_of(path), "Tavus never shows stored keys; give it again"))
        elif isinstance(value, dict):
            dropped += _drop_masked(value, path)
    return dropped


def _without_nulls(node: JsonObject) -> JsonObject:
    return {
        key: _without_nulls(value) if isinstance(value, dict) else value
        for key, value in node.items()
        if value is not None
    }


def _check_new_persona(
    app: App, body: JsonObject, base: JsonObject, allow: frozenset[str]
) -> list[RuleFinding]:
    """Check a new persona; an unknown field that the copied persona has too does not block it."""
    findings = check(PersonaDocument(body), app.catalog)
    copied = check(PersonaDocument(base), app.catalog) if base else []
    known = {(item.rule, item.path) for item in copied}
    blocking = [
        item
        for item in findings
        if item.blocks_write
        and item.rule not in allow
        and not (item.rule == UNKNOWN_FIELD and (item.rule, item.path) in known)
    ]
    if blocking:
        raise Refused(refusal(blocking))
    return findings


def _without_leaves(body: JsonObject) -> JsonObject:
    """Return the nested objects of a body without leaves, so that a diff lists every leaf."""
    return {key: _without_leaves(value) for key, value in body.items() if isinstance(value, dict)}
