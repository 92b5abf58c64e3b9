"""Create personas and their parts, each once, also when the answer is lost."""

from __future__ import annotations

import copy
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker.check import check, refusal
from tavus_mcp.checker.schema_check import UNKNOWN_FIELD
from tavus_mcp.concurrency import for_each
from tavus_mcp.errors import CheckRefused, Conflict, NotFound, TavusError
from tavus_mcp.history.record import RecordedWrite, WriteIntent, WriteOrigin, recorded_write
from tavus_mcp.history.revivals import (
    REVIVES,
    RevivalResult,
    claim_revival,
    load_revival_claim,
    load_revival_result,
    record_revived_as,
)
from tavus_mcp.journal.entry import split_journal_id
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import Document, ObjectKind, PersonaDocument
from tavus_mcp.models.findings import RuleFinding, info, sort_by_severity, warning
from tavus_mcp.models.json_patch import Operation, diff, pointer_of
from tavus_mcp.models.masking import is_masked, is_secret_path
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas import plans
from tavus_mcp.personas.conflicts import edited_meanwhile_findings
from tavus_mcp.personas.current_spelling import use_current_spelling
from tavus_mcp.personas.lost_creations import adopt_creation, find_created
from tavus_mcp.personas.persona_check import check_persona
from tavus_mcp.personas.readback import verify_written
from tavus_mcp.personas.receipts import WriteReport, build_receipt
from tavus_mcp.personas.reference_lookup import find_new_missing_references
from tavus_mcp.personas.secret_receivers import receiver_findings
from tavus_mcp.personas.secret_references import KEY_FIELD
from tavus_mcp.personas.update import read_back_hint, refuse_masks
from tavus_mcp.personas.write_effect import unread_findings
from tavus_mcp.personas.write_rules import PERSONA_RULES, WriteRules
from tavus_mcp.tavus_api.endpoints import ENDPOINTS


@dataclass(frozen=True)
class CreateRequest:
    """An object to create: its fields.

    Those of a persona are merged into those of ``based_on``, the id of another one.

    ``allow`` names checker rules that may not block it; ``findings`` are passed on to the receipt.
    ``references`` are values, by JSON Pointer, whose ids are looked up while ``based_on`` is read.
    ``revives`` is the id of the deleted persona that it brings back. ``verify_all_fields`` reports
    every field that reads back differently, sent or not. ``revives`` is an id of the journal.
    """

    fields: JsonObject
    based_on: str | None = None
    dry_run: bool = False
    findings: Sequence[RuleFinding] = field(default_factory=tuple)
    references: Mapping[str, Any] = field(default_factory=dict)
    tool: str = "create_persona"
    allow: Container[str] = frozenset()
    plan: plans.Plan | None = None
    revives: str = ""
    verify_all_fields: bool = False
    rules: WriteRules = PERSONA_RULES
    origin: WriteOrigin = field(default_factory=WriteOrigin)

    def build_intent(
        self, leaves: Sequence[Operation], body: JsonObject, used_seq: int
    ) -> WriteIntent:
        """Return what is recorded before the object is created."""
        revived = {REVIVES: self.revives} if self.revives else {}
        return WriteIntent(
            self.rules.endpoint.kind,
            self.tool,
            operations=leaves,
            after=body,
            used_seq=used_seq,
            detail={**self.origin.detail, **revived},
        )


async def create(app: App, request: CreateRequest) -> Receipt:
    """Create an object and read it back, or store it as a plan when ``dry_run``.

    When the answer is lost, the account is searched for it. Raises ``Refused`` with
    every reason when Tavus would reject it, ``Conflict`` when it is not known whether it exists,
    and the errors of the API.
    """
    endpoint = request.rules.endpoint
    body, original, findings = await build_body(app, request)
    leaves, expected = list(_iter_leaves(body)), original.with_data(body)
    listed = diff(original.data, body) if original.data else leaves
    if plans.must_be_planned(app, dry_run=request.dry_run, plan=request.plan):
        findings = [*findings, *plans.protected_findings(app)]
        plan = plans.build_creation_plan(app, endpoint.kind, request.tool, body, request.revives)
        plan = await plans.store_plan(app, plan)
        report = WriteReport("planned", original, expected, listed, findings)
        return build_receipt(app, report, plan=plan)
    intent = request.build_intent(leaves, body, await _claim(app, request))
    object_id = ""
    async with recorded_write(app, intent) as write:
        object_id = await app.api.create_object(endpoint, body)
    if write.lost_response is not None:
        object_id = await _find_created(app, write)
        findings.insert(0, _response_lost(endpoint.noun))
    current = build_document(endpoint.kind, object_id, body)
    with write.read_back(read_back_hint(current)):
        current = await app.api.get_object(endpoint, object_id)
        write.mismatches = verify_written(expected, current, leaves, app.catalog)
    unread = unread_findings(current, leaves)
    status = "applied" if write.is_read_back and not unread else "unverified"
    findings += [*unread, *write.mismatches, *await write.record_outcome(status, current)]
    if request.verify_all_fields:
        findings += edited_meanwhile_findings(expected, current, app.catalog)
    if request.revives:
        new_id = current.journal_id
        findings += await record_revived_as(app, write.intent, request.revives, new_id)
    findings = sort_by_severity([item.for_saved(object_id) for item in findings])
    report = WriteReport(status, original, current, listed, findings)
    return build_receipt(app, report, undo=request.rules.build_creation_undo(current))


async def build_body(
    app: App, request: CreateRequest
) -> tuple[JsonObject, Document, list[RuleFinding]]:
    """Return the body of the request, checked, the persona it copies, and findings.

    What is copied has no id, only the fields that can be; it is empty without ``based_on``. Raises
    ``Refused`` for masks, for what Tavus would reject, and for a secret that may not go there.
    """
    body, original, findings = await _build_checked_body(app, request)
    leaves = list(_iter_leaves(body))
    refuse_masks(leaves)
    findings += receiver_findings(app, original.with_data({}), original.with_data(body), leaves)
    return body, original, findings


async def _build_checked_body(
    app: App, request: CreateRequest
) -> tuple[JsonObject, Document, list[RuleFinding]]:
    kind = request.rules.endpoint.kind
    if kind != "persona":
        empty, body = build_document(kind, "", {}), copy.deepcopy(request.fields)
        new, leaves = empty.with_data(body), diff({}, body)
        found = request.rules.check_change(app, empty, new, leaves, request.allow)
        return body, empty, sort_by_severity([*request.findings, *found])
    if request.revives:  # what Tavus had stored is sent back as it was
        body = copy.deepcopy(request.fields)
        found = check(PersonaDocument(body), app.catalog)
        return body, PersonaDocument({}), sort_by_severity([*request.findings, *found])
    request, base, copied = await _look_up(app, request)
    named = dict(base)
    if request.based_on is not None:
        named["persona_name"] = f"Copy of {base.get('persona_name') or request.based_on}"
    merged = SetFields({f"/{key}": value for key, value in request.fields.items()}).apply(named)
    body, respellings = use_current_spelling({}, merged, app.catalog)
    checked = _check_new_persona(app, body, base, request)
    findings = sort_by_severity([*request.findings, *copied, *respellings, *checked])
    return body, PersonaDocument(base), findings


def build_document(kind: ObjectKind, object_id: str, fields: JsonObject) -> Document:
    """Return an object with these fields, as it is expected to be read."""
    if kind == "persona":
        return PersonaDocument({**fields, "persona_id": object_id} if object_id else fields)
    return PartDocument(kind, object_id, fields)


def _response_lost(noun: str) -> RuleFinding:
    return info(
        "answer-lost",
        f"The answer to the creation was lost, but the {noun} was found; it is there once.",
    )


async def _claim(app: App, request: CreateRequest) -> int:
    """Claim the plan and the revival of a creation; return the number of the claim, or 0.

    Raises ``PlanAlreadyApplied`` when the plan was used, ``Conflict`` when the persona was brought
    back by a call whose answer was lost, or another call is doing it.
    """
    revival_seq = await _claim_revival(app, request) if request.revives else 0
    used_seq = await plans.mark_used(app, request.plan) if request.plan is not None else 0
    return revival_seq or used_seq or request.origin.seq


async def _claim_revival(app: App, request: CreateRequest) -> int:
    """Claim to bring a persona back; raise ``Conflict`` when an earlier claim did or may."""
    previous = await load_revival_claim(app, request.revives)
    result = await load_revival_result(app, previous) if previous else RevivalResult()
    if result.new_id:
        with suppress(NotFound):  # it was deleted again
            kind, new_id = split_journal_id(result.new_id)
            await app.api.get_object(request.rules.endpoint, new_id)
            raise Conflict(
                f"{kind.capitalize()} {split_journal_id(request.revives)[1]!r} was brought back as "
                f"{new_id!r} already. "
                "Nothing was sent. Use that id; restore_revision restores it too."
            )
    if result.intent is not None:
        for document in await find_created(app, result.intent):
            reports = await adopt_creation(app, result.intent, document)
            raise Conflict(f"Nothing was sent. {' '.join(item.message for item in reports)}")
    return (await claim_revival(app, request.tool, request.revives, previous)).seq


async def _find_created(app: App, write: RecordedWrite) -> str:
    """Return the id of the one object that this creation made.

    Raises ``Conflict`` when there is none or more than one, or when the search fails; then it is
    looked for again at the next reads.
    """
    endpoint = ENDPOINTS[write.intent.object_kind]
    result = f"No such {endpoint.noun} is there now."
    try:
        documents = await find_created(app, write.intent)
    except TavusError as error:
        documents, result = [], f"That failed as well ({type(error).__name__})."
    if len(documents) == 1:
        return documents[0].object_id
    if documents:
        ids = ", ".join(document.object_id for document in documents)
        result = f"Several new {endpoint.plural} like it are there: {ids}."
    app.lost_creations.add(write.intent)
    reader = "list_personas" if endpoint.kind == "persona" else f"the list of {endpoint.plural}"
    raise await write.record_conflict(
        "unknown",
        f"{write.lost_response} It was looked for. {result} It is not known whether it was "
        f"created, and it may still arrive; look with {reader} before you create it again.",
    )


async def _look_up(
    app: App, request: CreateRequest
) -> tuple[CreateRequest, JsonObject, list[RuleFinding]]:
    """Return what ``_load_base`` does, and the request with findings on ids that name nothing."""
    base: list[tuple[JsonObject, list[RuleFinding]]] = []
    missing: list[RuleFinding] = []

    async def load_base() -> None:
        base.append(await _load_base(app, request))

    async def find_missing() -> None:
        empty = PersonaDocument({})
        missing.extend(await find_new_missing_references(app, empty, request.references))

    await for_each([load_base, find_missing], lambda read: read())
    return replace(request, findings=[*request.findings, *missing]), *base[0]


async def _load_base(app: App, request: CreateRequest) -> tuple[JsonObject, list[RuleFinding]]:
    """Return the fields to copy from another persona, and findings on those that cannot be."""
    if request.based_on is None:
        return {}, []
    source = await app.api.get_persona(request.based_on)
    fields, dropped = copyable_fields(
        source.writable_fields(), f"Not copied from {source.persona_id}"
    )
    message = f"A copy of {source.persona_id}: changes lists only what differs from the original."
    if request.fields.get("layers"):
        message += " Given layers were merged into the copied ones."
    return fields, [*dropped, info("copied", message)]


def copyable_fields(
    document: JsonObject, message_prefix: str, *, keeps_nulls: bool = False
) -> tuple[JsonObject, list[RuleFinding]]:
    """Return the fields that can be written into a new persona, and findings on the others."""
    fields = copy.deepcopy(document)
    dropped = _drop_masked(fields)
    layers = fields.get("layers")
    if fields.get("tool_ids") == []:  # nothing to attach, and docs name no tool_ids for a creation
        del fields["tool_ids"]
    if isinstance(layers, dict) and layers.pop("conferencing", None):
        dropped.append(("/layers/conferencing", "a meeting identity belongs to one persona"))
    return fields if keeps_nulls else _without_nulls(fields), [
        warning("not-copied", f"{message_prefix}: {reason}.", path=path, source="D:get-persona")
        for path, reason in dropped
    ]


def _drop_masked(node: Any, parts: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Delete masked secrets in place; return the path and the reason of each.

    An ``api_key`` is a mask whatever it looks like: Tavus never returns one (live report).
    """
    dropped = []
    members = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(members):
        path = (*parts, str(key))
        if isinstance(value, (dict, list)):
            dropped += _drop_masked(value, path)
        elif (
            isinstance(node, dict)
            and is_secret_path(path)
            and (is_masked(value) or (key == KEY_FIELD and value))
        ):
            del node[key]
            dropped.append((pointer_of(path), "Tavus never shows stored keys; give it again"))
    return dropped


def _without_nulls(node: JsonObject) -> JsonObject:
    return {
        key: _without_nulls(value) if isinstance(value, dict) else value
        for key, value in node.items()
        if value is not None
    }


def _check_new_persona(
    app: App, body: JsonObject, base: JsonObject, request: CreateRequest
) -> list[RuleFinding]:
    """Check a new persona; an unknown field that the copied persona has too does not block it.

    Raises ``CheckRefused``, also for what blocks it among the findings of the request.
    """
    findings = check_persona(app, PersonaDocument(body))
    copied = check(PersonaDocument(base), app.catalog) if base else []
    known = {(item.rule, item.path) for item in copied}
    blocking = [
        item
        for item in [*findings, *request.findings]
        if item.blocks_write
        and item.rule not in request.allow
        and not (item.rule == UNKNOWN_FIELD and (item.rule, item.path) in known)
    ]
    if blocking:
        raise CheckRefused(partial(refusal, blocking))
    return findings


def _iter_leaves(body: JsonObject, path: str = "") -> Iterator[Operation]:
    """Yield an operation for each leaf of a body, in the order of its members."""
    for key, value in body.items():
        member_path = path + pointer_of([key])
        if isinstance(value, dict):
            yield from _iter_leaves(value, member_path)
        else:
            yield Operation("add", member_path, value)
