"""Plans: changes that were computed and checked, and are carried out later, exactly and once.

A plan is a line of the journal. It is bound to the revision it was made for and expires after an
hour. Secrets do not reach the disk: they are held by this process, and a plan whose secrets are
gone with it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import PlanAlreadyApplied, Refused
from tavus_mcp.history.record import record_observed
from tavus_mcp.journal.entry import JournalEntry, plan_id_of
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import Operation, pointer_of, pointer_tokens

PLAN_LIFETIME = timedelta(hours=1)
BULK = "bulk"
"""The kind of a plan that has a part for each of many personas; ``fleet.parts`` knows them."""


def _ignore_start() -> None:
    """Take no note of the beginning."""


@dataclass(frozen=True)
class Plan:
    """A change that can be carried out: what kind, of which tool, on which revision.

    ``begun`` is called when it was claimed: from then on it is under way. ``claimed`` is the number
    of an earlier claim that came to nothing.
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
    on_started: Callable[[], None] = _ignore_start


def build_change_plan(
    app: App, tool: str, before: PersonaDocument, operations: Sequence[Operation]
) -> Plan:
    """Return the plan of a change of a persona."""
    wire = [operation.to_json() for operation in operations]
    return _without_secrets(
        app, Plan("change", tool, before.persona_id, before.revision, {"patch": wire})
    )


def build_creation_plan(app: App, tool: str, body: JsonObject, revives: str = "") -> Plan:
    """Return the plan of a new persona; ``revives`` is the deleted one that it brings back."""
    return _without_secrets(app, Plan("create", tool, "", "", {"body": body, "revives": revives}))


def build_deletion_plan(before: PersonaDocument) -> Plan:
    """Return the plan of deleting a persona."""
    return Plan("delete", "delete_persona", before.persona_id, before.revision, {})


async def store_plan(app: App, plan: Plan, base: PersonaDocument | None = None) -> Plan:
    """Write a plan down, and the persona it is for; return it with its id and its end."""
    if base is not None:
        await record_observed(app, base)
    expires = (app.clock() + PLAN_LIFETIME).isoformat(timespec="seconds")
    line = await app.journal.append(
        JournalEntry(
            kind="plan",
            persona_id=plan.persona_id,
            at=app.now(),
            tool=plan.tool,
            revision="",
            detail={
                "kind": plan.kind,
                "base": plan.revision,
                "expires_at": expires,
                "held": sorted(plan.secrets),
                **plan.detail,
            },
        )
    )
    made = _plan_from_entry(line, plan.secrets)
    if plan.secrets:
        app.plan_secrets[made.plan_id] = plan.secrets
    return made


async def load_plan(app: App, plan_id: str) -> Plan:
    """Return a plan, whatever became of it; refuse an id that is none."""
    number = plan_id.removeprefix("plan-").partition("-")[0]
    line = await app.journal.entry(int(number)) if number.isdecimal() and len(number) < 18 else None
    plan = (
        _plan_from_entry(line, app.plan_secrets.get(plan_id, {}))
        if line and line.kind == "plan"
        else None
    )
    if plan is None or plan.plan_id != plan_id:
        raise Refused(
            "There is no plan of that id in this journal. dry_run=true of a change tool, and "
            "delete_persona, answer with a plan_id."
        )
    return plan


async def load_applicable_plan(app: App, plan_id: str) -> Plan:
    """Return a plan that may be carried out; refuse one that is unknown, expired or bereft.

    A bulk plan is used persona by persona, so it may have been begun.
    """
    plan = await load_plan(app, plan_id)
    if plan.kind != BULK and await app.journal.is_used(plan.seq):
        raise PlanAlreadyApplied
    if app.clock() > datetime.fromisoformat(plan.expires_at):
        raise Refused(f"This plan expired at {plan.expires_at}; nothing was sent. Make it again.")
    if set(plan.detail["held"]) - set(plan.secrets):
        raise Refused(
            "This plan holds a key, and keys are not written to disk: the server that made the "
            "plan has ended. Make the plan again."
        )
    return plan


async def mark_used(app: App, plan: Plan) -> int:
    """Mark a plan as used, the moment before it is sent; return the number of that line.

    Raises ``Taken`` when it was used already.
    """
    used = JournalEntry("used", plan.persona_id, app.now(), plan.tool, ref=plan.seq)
    line = await app.journal.mark_used(used, previous_use_seq=plan.previous_use_seq)
    if line is None:
        raise PlanAlreadyApplied
    plan.on_started()
    return line.seq


def patch_of(plan: Plan) -> list[Operation]:
    """Return the operations of a change plan, its secrets in place."""
    return [
        Operation(item["op"], item["path"], item["value"])
        if "value" in item
        else Operation(item["op"], item["path"])
        for item in _insert_secrets(plan.detail["patch"], plan.secrets, "/patch")
    ]


def body_of(plan: Plan) -> JsonObject:
    """Return the body of a creation plan, its secrets in place."""
    return dict(_insert_secrets(plan.detail["body"], plan.secrets, "/body"))


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
    """Take the secrets out of a plan: what masking hides is held, by where it stands."""
    shown = dict(plan.detail)
    if "patch" in shown:
        shown["patch"] = [_mask_operation(app, item) for item in shown["patch"]]
    else:
        shown["body"] = app.masker.mask(shown["body"])
    held = dict(_iter_secrets(plan.detail, shown))
    return Plan(plan.kind, plan.tool, plan.persona_id, plan.revision, shown, held)


def _mask_operation(app: App, operation: JsonObject) -> JsonObject:
    # a name in a path may be a known secret as well
    shown: JsonObject = {
        key: app.masker.mask_text(text) for key, text in operation.items() if key != "value"
    }
    if "value" in operation:
        shown["value"] = app.masker.mask_at(pointer_tokens(operation["path"]), operation["value"])
    return shown


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
    """Yield where a masked copy differs from the value, and the value that it hides there.

    An object of which a name is hidden is held whole.
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
