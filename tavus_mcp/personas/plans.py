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
from tavus_mcp.errors import Refused, Taken
from tavus_mcp.history import record
from tavus_mcp.journal.entry import Entry, plan_id_of
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.json_patch import Operation, pointer_of, tokens

LIFETIME = timedelta(hours=1)
BULK = "bulk"
"""The kind of a plan that has a part for each of many personas; ``fleet.parts`` knows them."""


def _nothing() -> None:
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
    claimed: int = 0
    begun: Callable[[], None] = _nothing


def of_change(app: App, tool: str, before: Document, operations: Sequence[Operation]) -> Plan:
    """Return the plan of a change of a persona."""
    wire = [operation.wire() for operation in operations]
    return _masked(app, Plan("change", tool, before.persona_id, before.revision, {"patch": wire}))


def of_creation(app: App, tool: str, body: JsonObject, revives: str = "") -> Plan:
    """Return the plan of a new persona; ``revives`` is the deleted one that it brings back."""
    return _masked(app, Plan("create", tool, "", "", {"body": body, "revives": revives}))


def of_deletion(before: Document) -> Plan:
    """Return the plan of deleting a persona."""
    return Plan("delete", "delete_persona", before.persona_id, before.revision, {})


async def store(app: App, plan: Plan, base: Document | None = None) -> Plan:
    """Write a plan down, and the persona it is for; return it with its id and its end."""
    if base is not None:
        await record.seen(app, base)
    expires = (app.clock() + LIFETIME).isoformat(timespec="seconds")
    line = await app.diary.append(
        Entry(
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
    made = _of_line(line, plan.secrets)
    if plan.secrets:
        app.held[made.plan_id] = plan.secrets
    return made


async def known(app: App, plan_id: str) -> Plan:
    """Return a plan, whatever became of it; refuse an id that is none."""
    number = plan_id.removeprefix("plan-").partition("-")[0]
    line = await app.diary.entry(int(number)) if number.isdecimal() and len(number) < 18 else None
    plan = _of_line(line, app.held.get(plan_id, {})) if line and line.kind == "plan" else None
    if plan is None or plan.plan_id != plan_id:
        raise Refused(
            "There is no plan of that id in this journal. dry_run=true of a change tool, and "
            "delete_persona, answer with a plan_id."
        )
    return plan


async def find(app: App, plan_id: str) -> Plan:
    """Return a plan that may be carried out; refuse one that is unknown, expired or bereft.

    A bulk plan is used persona by persona, so it may have been begun.
    """
    plan = await known(app, plan_id)
    if plan.kind != BULK and await app.diary.is_used(plan.seq):
        raise Taken
    if app.clock() > datetime.fromisoformat(plan.expires_at):
        raise Refused(f"This plan expired at {plan.expires_at}; nothing was sent. Make it again.")
    if set(plan.detail["held"]) - set(plan.secrets):
        raise Refused(
            "This plan holds a key, and keys are not written to disk: the server that made the "
            "plan has ended. Make the plan again."
        )
    return plan


async def claim(app: App, plan: Plan) -> int:
    """Mark a plan as used, the moment before it is sent; return the number of that line.

    Raises ``Taken`` when it was used already.
    """
    used = Entry("used", plan.persona_id, app.now(), plan.tool, ref=plan.seq)
    line = await app.diary.claim(used, after=plan.claimed)
    if line is None:
        raise Taken
    plan.begun()
    return line.seq


def patch_of(plan: Plan) -> list[Operation]:
    """Return the operations of a change plan, its secrets in place."""
    return [
        Operation(item["op"], item["path"], item["value"])
        if "value" in item
        else Operation(item["op"], item["path"])
        for item in _unmasked(plan.detail["patch"], plan.secrets, "/patch")
    ]


def body_of(plan: Plan) -> JsonObject:
    """Return the body of a creation plan, its secrets in place."""
    return dict(_unmasked(plan.detail["body"], plan.secrets, "/body"))


def _of_line(line: Entry, secrets: Mapping[str, Any]) -> Plan:
    return Plan(
        kind=line.detail["kind"],
        tool=line.tool,
        persona_id=line.persona_id,
        revision=line.detail["base"],
        detail=line.detail,
        secrets=secrets,
        plan_id=plan_id_of(line),
        expires_at=line.detail["expires_at"],
        seq=line.seq,
    )


def _masked(app: App, plan: Plan) -> Plan:
    """Take the secrets out of a plan: what masking hides is held, by where it stands."""
    shown = dict(plan.detail)
    if "patch" in shown:
        shown["patch"] = [_shown(app, item) for item in shown["patch"]]
    else:
        shown["body"] = app.masker.mask(shown["body"])
    held = dict(_hidden(plan.detail, shown))
    return Plan(plan.kind, plan.tool, plan.persona_id, plan.revision, shown, held)


def _shown(app: App, item: JsonObject) -> JsonObject:
    # a name in a path may be a known secret as well
    shown: JsonObject = {
        key: app.masker.mask_text(text) for key, text in item.items() if key != "value"
    }
    if "value" in item:
        shown["value"] = app.masker.mask_at(tokens(item["path"]), item["value"])
    return shown


def _unmasked(value: Any, secrets: Mapping[str, Any], path: str) -> Any:
    if path in secrets:
        return secrets[path]
    if isinstance(value, dict):
        return {
            key: _unmasked(item, secrets, path + pointer_of([key])) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_unmasked(item, secrets, f"{path}/{i}") for i, item in enumerate(value)]
    return value


def _hidden(value: Any, shown: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield where a masked copy differs from the value, and the value that it hides there.

    An object of which a name is hidden is held whole.
    """
    if isinstance(value, dict) and isinstance(shown, dict) and value.keys() == shown.keys():
        for key, item in value.items():
            yield from _hidden(item, shown[key], path + pointer_of([key]))
    elif isinstance(value, list) and isinstance(shown, list):
        for index, (item, masked) in enumerate(zip(value, shown, strict=True)):
            yield from _hidden(item, masked, f"{path}/{index}")
    elif value != shown:
        yield path, value
