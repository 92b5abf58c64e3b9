"""Undo the deletion of a part: create it again, and repair the personas that used it, in one plan.

The journal's entry of the deletion names the personas and the fields in which each referred to the
part. Calling it again after an interruption repairs what is left.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.checker.check import EVERY_RULE
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.deadlines import iter_in_time
from tavus_mcp.errors import NotFound, ToolFailure
from tavus_mcp.history.redactions import insert_secrets, redacted_paths, restore_visible
from tavus_mcp.history.revisions import load_revision
from tavus_mcp.history.revivals import revived_id
from tavus_mcp.journal.entry import split_journal_id
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import put_at
from tavus_mcp.models.document import PartKindName
from tavus_mcp.models.findings import APPLY_AFTER_YES, RuleFinding, warning
from tavus_mcp.models.json_patch import get_at
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.models.parts.tool import AUTH_FIELDS
from tavus_mcp.models.persona import is_unread
from tavus_mcp.models.receipt import FieldChange, PlanReceipt, Receipt, Undo
from tavus_mcp.parts.delete import TOOL as DELETION
from tavus_mcp.parts.delete import USERS
from tavus_mcp.parts.rules import RULES
from tavus_mcp.parts.users import PartUser, name_users
from tavus_mcp.personas import create, plans
from tavus_mcp.personas.create import CreateRequest
from tavus_mcp.personas.restore import find_current
from tavus_mcp.personas.revive import unrestored_finding
from tavus_mcp.personas.update import UpdateRequest, update

REVIVAL = "revive"
"""The kind of a plan that creates a part again and repairs references; a stored value."""
TOOL = "restore_revision"
DONE_STATUSES = frozenset({"applied", "unchanged", "unverified"})


async def plan_revival(
    app: App, part_id: str, revision: str, secrets: Mapping[str, Any] | None = None
) -> Receipt | None:
    """Return the plan that undoes a deletion; None if the part is there, and nothing to repair.

    ``part_id`` is KIND/ID; ``secrets`` are those that the caller knows, by pointer. Raises
    ``Refused`` when the journal does not hold the revision.
    """
    stored = cast("PartDocument", await load_revision(app, part_id, revision))
    target = insert_secrets(stored, secrets or {})
    current = await find_current(app, part_id)
    if current is not None and (current.journal_id == part_id or target.kind == "skill"):
        return None
    users = await _load_users(app, part_id)
    body, findings = _build_body(target)
    if current is not None:
        users = await _select_unrepaired(app, part_id, current.object_id, users)
        if not users:
            return None
        body, findings = {}, []
    plan = plans.build_creation_plan(app, target.kind, TOOL, body, part_id)
    plan = replace(plan, kind=REVIVAL, persona_id=part_id, revision=target.revision)
    rows = [user.to_json() for user in users]
    plan = await plans.store_plan(app, replace(plan, detail={**plan.detail, USERS: rows}))
    return Receipt(
        status="planned",
        part={"kind": target.kind, "id": target.object_id, "name": target.name},
        changes=[] if current else [FieldChange(path="", after=target.name)],
        findings=[*_plan_findings(users, is_new=current is None), *findings],
        plan_id=plan.plan_id,
        expires_at=plan.expires_at,
    )


def _plan_findings(users: Sequence[PartUser], *, is_new: bool) -> list[RuleFinding]:
    return [
        warning(
            "new-id" if is_new else "references-left",
            ("The plan creates it again, under a new id. " if is_new else "")
            + (
                f"It repairs the references in: {name_users(users)}."
                if users
                else "No persona used it."
            ),
            hint=APPLY_AFTER_YES,
        )
    ]


async def _load_users(app: App, part_id: str) -> list[PartUser]:
    """Return the personas that used a part when it was deleted."""
    for entry in await app.journal.entries_of_persona(part_id):  # newest first
        is_deletion = entry.tool == DELETION and entry.kind in ("outcome", "intent")
        if is_deletion and entry.status != "failed" and USERS in entry.detail:
            return [PartUser.from_json(row) for row in entry.detail[USERS]]
    return []


def _build_body(target: PartDocument) -> tuple[JsonObject, list[RuleFinding]]:
    """Return the fields with which a part is created again, and findings on the others."""
    stored = target.writable_fields()
    visible = target.with_data(restore_visible(stored, {}, target.masked))
    body = copy.deepcopy(visible.creatable_fields())
    lost = redacted_paths(stored, {}, target.masked)
    if target.kind == "tool":
        lost = _drop_incomplete_auth(body, lost)
    return body, [unrestored_finding(path, is_new=True) for path in lost]


def _drop_incomplete_auth(body: JsonObject, lost: list[str]) -> list[str]:
    """Drop the credentials of a tool that miss their secret, in place; return what is lost."""
    api = get_at(body, "/delivery/api")
    auth = get_at(api, "/auth")
    is_whole = isinstance(auth, dict) and all(
        auth.get(name) for name in ("type", *AUTH_FIELDS.get(str(auth.get("type")), ("?",)))
    )
    inside = [path for path in lost if path.startswith("/delivery/api/auth/")]
    if isinstance(api, dict) and not is_whole and (auth is not None or inside):
        api.pop("auth", None)
        return [*(path for path in lost if path not in inside), "/delivery/api/auth"]
    return lost


async def _unrestored_findings(app: App, plan: plans.Plan, body: JsonObject) -> list[RuleFinding]:
    """Return the findings on what the part had and ``body`` has not."""
    target = cast("PartDocument", await load_revision(app, plan.persona_id, plan.revision))
    _, findings = _build_body(target)
    return [item for item in findings if get_at(body, item.path) is None]


async def _select_unrepaired(
    app: App, part_id: str, new_id: str, users: Sequence[PartUser]
) -> list[PartUser]:
    """Return the personas that do not refer to the part under its new id in a field that did."""
    old_id, left = split_journal_id(part_id)[1], list[PartUser]()
    for user in users:
        try:
            persona = await app.api.get_persona(user.persona_id)
        except NotFound:
            continue
        repaired = ReplaceReferences(user.fields, old_id, new_id).apply(persona.data)
        if repaired != persona.data:
            left.append(user)
    return left


@dataclass(frozen=True)
class ReplaceReferences:
    """A change of a persona that refers to a part by its new id, where it did by the old one.

    ``fields`` are the values before the deletion, by pointer. An id that Tavus took out of a list
    comes back at its place; a field that names another part by now is left alone.
    """

    fields: JsonObject
    old_id: str
    new_id: str

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy with the references repaired."""
        result = copy.deepcopy(data)
        for pointer, stored in self.fields.items():
            if is_unread(data, pointer):
                continue
            live = get_at(data, pointer)
            if isinstance(stored, list):
                put_at(result, pointer, self.repair_list(stored, live))
            elif live in (None, "", self.old_id):
                put_at(result, pointer, self.new_id)
        return result

    def repair_list(self, stored: list[str], live: Any) -> list[str]:
        """Return a list of ids as it is now, with the new id where the old one was."""
        items = list(live) if isinstance(live, list) else []
        if self.new_id in items:
            return [item for item in items if item != self.old_id]
        if self.old_id in items:
            return [self.new_id if item == self.old_id else item for item in items]
        before = stored[: stored.index(self.old_id)] if self.old_id in stored else stored
        place = max((items.index(item) + 1 for item in before if item in items), default=0)
        return [*items[:place], self.new_id, *items[place:]]


async def apply_revival(
    app: App, plan: plans.Plan, report_progress: ProgressCallback
) -> PlanReceipt:
    """Create a part again as planned, then repair the personas; each repair can fail on its own.

    Raises the errors of the creation; then nothing was repaired.
    """
    kind_name = cast("PartKindName", plan.object_kind)
    users = [PartUser.from_json(row) for row in plan.detail[USERS]]
    if plan.detail["body"]:
        body = plans.body_of(plan)
        creation = CreateRequest(
            body,
            tool=TOOL,
            findings=await _unrestored_findings(app, plan, body),
            plan=plan,
            allow=EVERY_RULE,
            rules=RULES[kind_name],
            revives=plan.persona_id,
        )
        receipt = await create.create(app, creation)
        new_id = str((receipt.part or {})["id"])
    else:
        await plans.mark_used(app, plan)
        new_id = split_journal_id(await revived_id(app, plan.persona_id))[1]
        receipt = Receipt(status="applied", part={"kind": kind_name, "id": new_id})
    repair = _Repair(app, plan.object_id, new_id, ProgressReporter(report_progress), len(users))
    await concurrency.for_each(iter_in_time(users), repair.apply)
    rows = [
        repair.rows.get(user.persona_id, _NOT_TRIED | {"persona_id": user.persona_id})
        for user in users
    ]
    left = [row for row in rows if row["status"] not in DONE_STATUSES]
    findings = [*receipt.findings, *([_left_finding(plan, len(left))] if left else [])]
    return PlanReceipt.model_validate(
        {
            "status": "partial" if left else receipt.status,
            "part": receipt.part,
            "revision": receipt.revision,
            "findings": findings,
            "plan_id": plan.plan_id,
            "personas": rows,
            "undo": Undo(tool=DELETION, arguments={"kind": kind_name, "id": new_id}),
        }
    )


_NOT_TRIED: JsonObject = {"status": "left", "error": "The time for one call was over."}


def _left_finding(plan: plans.Plan, count: int) -> RuleFinding:
    kind, object_id = split_journal_id(plan.persona_id)
    return warning(
        "references-left",
        f"Not repaired: {count} personas. Each row says why.",
        hint=f"restore_revision(persona_id='{kind}/{object_id}', revision='{plan.revision}') plans "
        "the rest.",
    )


@dataclass
class _Repair:
    """Repairs the references of one persona after the other, and collects a row for each."""

    app: App
    old_id: str
    new_id: str
    reporter: ProgressReporter
    total: int

    def __post_init__(self) -> None:
        self.rows: dict[str, JsonObject] = {}
        # a person accepted the plan, of which each repair is a part
        self.accepted = replace(self.app, protected=False)

    async def apply(self, user: PartUser) -> None:
        """Repair one persona: its own fields, and the configuration of its skills."""
        row: JsonObject = {"persona_id": user.persona_id, "persona_name": user.name}
        own = {path: item for path, item in user.fields.items() if not path.startswith("/skills/")}
        skills = {path: item for path, item in user.fields.items() if path not in own}
        try:
            statuses = [await self._write(user.persona_id, "", own)] if own else []
            for path, value in skills.items():
                _, _, skill_id, *inside = path.split("/")
                fields = {"/" + "/".join(inside): value}
                statuses.append(await self._write(user.persona_id, skill_id, fields))
            row["status"] = next((item for item in statuses if item != "unchanged"), "unchanged")
        except ToolFailure as error:
            row |= {"status": "failed", "error": str(error)}
        self.rows[user.persona_id] = row
        await self.reporter.advance(self.total)

    async def _write(self, persona_id: str, skill_id: str, fields: JsonObject) -> str:
        change = ReplaceReferences(fields, self.old_id, self.new_id)
        request = UpdateRequest(
            TOOL, persona_id, change, allow=EVERY_RULE, keep_legacy_spelling=True
        )
        if skill_id:
            object_id = f"{persona_id}:{skill_id}"
            request = replace(request, object_id=object_id, rules=RULES["skill"])
        return (await update(self.accepted, request)).status
