"""Plans: changes that were computed and checked, to be applied later, exactly and once.

A plan is an entry of the journal and expires after ``PLAN_LIFETIME``. The plan of a change is bound
to fields (``plan_binding``), that of a deletion to the revision it was made for. Secrets do not
reach the disk: this process holds them in memory, and a plan whose secrets ended with their process
is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import PlanAlreadyApplied, PlanDiscarded, Refused, UnknownPlan
from tavus_mcp.history.accounts import require_own_plan
from tavus_mcp.history.record import journal_id, record_observed
from tavus_mcp.journal.entry import JournalEntry, plan_id_of, split_journal_id
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document, ObjectKind, is_stock_persona
from tavus_mcp.models.findings import APPLY_AFTER_YES, RuleFinding, info
from tavus_mcp.models.json_patch import Operation, pointer_of, pointer_tokens
from tavus_mcp.text import quote_foreign

PLAN_LIFETIME = timedelta(hours=1)
MAX_SEQ_DIGITS = 18
"""A number with as many digits may be too large for SQLite, so it names no entry."""
PUBLICATION = "publish"
"""The kind of a plan that makes the draft of a persona live."""
BULK = "bulk"
"""The kind of a plan with an item for each of many personas (``fleet.plan_items``)."""
PROJECT = "project"
"""The kind of a plan of a project, and of the entry of a run of one (``project.runs``)."""


_DISCARDS = "discard_editor_changes"
DISCARDED = "discarded"
"""The status of the ``used`` entry of a plan that a person discarded; a stored value."""


@dataclass(frozen=True)
class Plan:
    """A change that can be applied: its kind, the tool that made it, and the revision it is for.

    ``persona_id`` is the id of its object in the journal: a bare one of a persona, else KIND/ID.
    ``detail`` is what the journal stores, ``secrets`` the values left out of it, by JSON Pointer.
    ``seq`` is the number of the journal entry. ``on_started`` is called once the plan is marked as
    used. ``previous_use_seq`` is the number of an earlier ``used`` entry whose write was not
    carried out.
    """

    kind: str
    tool: str
    persona_id: str
    revision: str
    detail: JsonObject
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    plan_id: str = ""
    expires_at: str = ""
    seq: int = 0
    previous_use_seq: int = 0
    on_started: Callable[[], None] = lambda: None

    @property
    def object_kind(self) -> str:
        """The kind of its object."""
        return split_journal_id(self.persona_id)[0]

    @property
    def object_id(self) -> str:
        """The id of its object in the account, empty for a creation."""
        return split_journal_id(self.persona_id)[1]


def must_be_planned(app: App, *, dry_run: bool = False, plan: Plan | None = None) -> bool:
    """Tell whether a write is only planned: on request, or while the server is protected.

    ``plan`` is the plan that the write carries out, if any.
    """
    return dry_run or (app.protected and plan is None)


def protected_findings(app: App) -> list[RuleFinding]:
    """Return the finding that says how to write while the server is protected."""
    return [_PROTECTED] if app.protected else []


def refuse_stock_persona(document: Document) -> None:
    """Raise ``Refused`` for a stock persona of Tavus, which Tavus lets no account change."""
    if is_stock_persona(document):
        name = quote_foreign(document.name or document.object_id)
        raise Refused(
            f"{name} is a stock persona of Tavus and cannot be changed. Nothing was sent. Make a "
            f"copy that you can change: create_persona(based_on={document.object_id!r}, name=...)."
        )


_PROTECTED = info(
    "protected",
    "Nothing was written. TAVUS_MCP_PROTECTED=1 is set for this server: every write needs a plan "
    "that a person accepted.",
    hint=APPLY_AFTER_YES,
)


def build_change_plan(
    app: App,
    tool: str,
    before: Document,
    operations: Sequence[Operation],
    **detail: Any,
) -> Plan:
    """Return the plan of a change of one object; ``detail`` is stored with its patch."""
    wire = [operation.to_json() for operation in operations]
    return _without_secrets(
        app, Plan("change", tool, before.journal_id, before.revision, {"patch": wire, **detail})
    )


def build_creation_plan(
    app: App, kind: ObjectKind, tool: str, body: JsonObject, revives: str = ""
) -> Plan:
    """Return the plan of a creation; ``revives`` is the id of the object that it brings back."""
    detail = {"body": body, "revives": revives}
    return _without_secrets(app, Plan("create", tool, journal_id(kind, ""), "", detail))


def build_deletion_plan(before: Document, tool: str, **detail: Any) -> Plan:
    """Return the plan of a deletion; ``detail`` is stored with it."""
    return Plan("delete", tool, before.journal_id, before.revision, {**detail})


def build_publication_plan(live: Document, discard_editor_changes: bool) -> Plan:
    """Return the plan of a publication of the draft of a persona, which is live as it was read."""
    detail = {_DISCARDS: discard_editor_changes}
    return Plan(PUBLICATION, "publish_persona", live.journal_id, live.revision, detail)


def discards_editor_changes(plan: Plan) -> bool:
    """Tell whether a publication may discard unpublished edits of the dashboard."""
    return bool(plan.detail[_DISCARDS])


async def store_plan(
    app: App, plan: Plan, base: Document | None = None, *, cause_seq: int = 0
) -> Plan:
    """Store a plan, and the persona it is for; return it with its id and expiry.

    ``cause_seq`` is the number of the entry that led to it: a plan that could not be carried out,
    or a write that went to a draft. What it does then counts as done by that.
    """
    if base is not None:
        await record_observed(app, base)
    detail = {
        "kind": plan.kind,
        "base": plan.revision,
        "expires_at": (app.clock() + PLAN_LIFETIME).isoformat(timespec="seconds"),
        "held": sorted(plan.secrets),
        **plan.detail,
    }
    entry = JournalEntry(
        "plan", plan.persona_id, app.now(), plan.tool, ref=cause_seq, detail=detail
    )
    stored = _plan_from_entry(await app.journal.append(entry), plan.secrets)
    if plan.secrets:
        _remember_secrets(app, stored)
    return stored


def _remember_secrets(app: App, plan: Plan) -> None:
    """Remember the secrets of a plan until it expires, and forget those of expired plans."""
    for plan_id, (expires_at, _) in list(app.plan_secrets.items()):
        if app.clock() > datetime.fromisoformat(expires_at):
            del app.plan_secrets[plan_id]
    app.plan_secrets[plan.plan_id] = (plan.expires_at, plan.secrets)


async def load_plan(app: App, plan_id: str) -> Plan:
    """Return a plan, also one that was used or has expired.

    Raises ``UnknownPlan`` if there is none, ``Refused`` for one of another account.
    """
    number = plan_id.removeprefix("plan-").partition("-")[0]
    if number.isdecimal() and len(number) < MAX_SEQ_DIGITS:
        entry = await app.journal.entry(int(number))
        if entry is not None and entry.kind == "plan" and plan_id_of(entry) == plan_id:
            await require_own_plan(app, entry)
            _require_contents(entry)
            return _plan_from_entry(entry, app.plan_secrets.get(plan_id, ("", {}))[1])
    raise UnknownPlan(
        "There is no plan of that id in this journal. dry_run=true of a change tool, and "
        "delete_persona, answer with a plan_id."
    )


async def load_applicable_plan(app: App, plan_id: str) -> Plan:
    """Return a plan that can be applied.

    Raises ``Refused`` if it is unknown, expired, discarded, already applied, or its secrets were
    lost with the process that made it. A bulk plan is used persona by persona, so it may have been
    started.
    """
    plan = await load_plan(app, plan_id)
    await _require_unused(app, plan)
    if app.clock() > datetime.fromisoformat(plan.expires_at):
        raise Refused(f"This plan expired at {plan.expires_at}; nothing was sent. Make it again.")
    if set(plan.detail["held"]) - set(plan.secrets):
        raise Refused(
            "This plan holds a key, and keys are not written to disk: the server that made the "
            "plan has ended. Make the plan again."
        )
    return plan


async def mark_used(app: App, plan: Plan, *, status: str = "") -> int:
    """Mark a plan as used, just before it is sent; return the number of that entry.

    ``status`` is stored with the entry, and empty if the plan is to be carried out.
    Raises ``PlanAlreadyApplied`` when it was used before.
    """
    used = JournalEntry("used", plan.persona_id, app.now(), plan.tool, status, ref=plan.seq)
    entry = await app.journal.mark_used(used, previous_use_seq=plan.previous_use_seq)
    if entry is None:
        raise PlanAlreadyApplied
    plan.on_started()
    return entry.seq


async def discard_plan(app: App, plan_id: str) -> Plan:
    """Discard a plan, so that it cannot be applied any more; return it.

    A bulk plan that was started is stopped: what is left of it cannot be applied. Raises
    ``Refused`` if the plan cannot be applied anyway, or is being applied.
    """
    plan = await load_applicable_plan(app, plan_id)
    if plan.plan_id in app.running_plans:
        raise Refused("Another call is applying this plan right now. Wait for its answer.")
    await mark_used(app, plan, status=DISCARDED)
    return plan


async def _require_unused(app: App, plan: Plan) -> None:
    """Raise ``PlanDiscarded`` or ``PlanAlreadyApplied`` if the plan was used."""
    entries = await app.journal.descendants(plan.seq)
    uses = [entry for entry in entries if entry.kind == "used" and entry.ref == plan.seq]
    if any(entry.status == DISCARDED for entry in uses):
        raise PlanDiscarded
    if uses and plan.kind != BULK:
        raise PlanAlreadyApplied


def patch_of(plan: Plan) -> list[Operation]:
    """Return the operations of a change plan, with its secrets inserted."""
    return [
        Operation(**item) for item in _insert_secrets(plan.detail["patch"], plan.secrets, "/patch")
    ]


def body_of(plan: Plan) -> JsonObject:
    """Return the body of a creation plan, with its secrets inserted."""
    return dict(_insert_secrets(plan.detail["body"], plan.secrets, "/body"))


def _require_contents(entry: JournalEntry) -> None:
    """Raise ``UnknownPlan`` for a plan that was erased, or all of whose personas were."""
    if not entry.detail or entry.detail.get("parts") == []:
        raise UnknownPlan(
            "The contents of this plan were erased from the journal: it cannot be used. Nothing "
            "was sent."
        )


def _plan_from_entry(entry: JournalEntry, secrets: Mapping[str, Any]) -> Plan:
    return Plan(
        kind=entry.detail["kind"],
        tool=entry.tool,
        persona_id=entry.persona_id,
        revision=entry.detail["base"],
        detail=entry.detail,
        secrets=secrets,
        plan_id=plan_id_of(entry),
        expires_at=entry.detail["expires_at"],
        seq=entry.seq,
    )


def _without_secrets(app: App, plan: Plan) -> Plan:
    """Return a plan whose detail is masked, and whose secrets are what the masks stand for."""
    masked = dict(plan.detail)
    if "patch" in masked:
        masked["patch"] = [_mask_operation(app, item) for item in masked["patch"]]
    else:
        masked["body"] = app.masker.mask(masked["body"])
    return replace(plan, detail=masked, secrets=dict(_iter_secrets(plan.detail, masked)))


def _mask_operation(app: App, operation: JsonObject) -> JsonObject:
    if "value" not in operation:
        return operation
    value = app.masker.mask_at(pointer_tokens(operation["path"]), operation["value"])
    return {**operation, "value": value}


def _insert_secrets(value: Any, secrets: Mapping[str, Any], path: str) -> Any:
    if path in secrets:
        return secrets[path]
    if isinstance(value, dict):
        return {
            key: _insert_secrets(item, secrets, path + pointer_of([key]))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_insert_secrets(item, secrets, f"{path}/{i}") for i, item in enumerate(value)]
    return value


def _iter_secrets(value: Any, masked_value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each path at which a masked copy differs from a value, and the value there.

    An object with a masked name is yielded whole.
    """
    if (
        isinstance(value, dict)
        and isinstance(masked_value, dict)
        and value.keys() == masked_value.keys()
    ):
        for key, item in value.items():
            yield from _iter_secrets(item, masked_value[key], path + pointer_of([key]))
    elif isinstance(value, list) and isinstance(masked_value, list):
        for index, (item, masked) in enumerate(zip(value, masked_value, strict=True)):
            yield from _iter_secrets(item, masked, f"{path}/{index}")
    elif value != masked_value:
        yield path, value
