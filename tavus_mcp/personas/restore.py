"""The way back: a persona, or some places of it, as they were at a revision."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tavus_mcp.app import App
from tavus_mcp.checker.check import PRIVATE_URLS, UNKNOWN_FIELDS
from tavus_mcp.errors import InvalidArgument, NotFound, Refused, TavusError
from tavus_mcp.history.redactions import (
    has_redaction,
    is_restorable,
    is_secret_path,
    redacted_paths,
    restore_visible,
)
from tavus_mcp.history.revisions import load_revision
from tavus_mcp.history.revivals import revived_id
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import PatchError, diff, get_at, outermost_list, pointer_tokens
from tavus_mcp.models.layers import LAYER_NAMES
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.persona import SERVER_FIELDS, WRITE_ONLY, Persona
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas import create
from tavus_mcp.personas.create import CreateRequest, copyable_fields
from tavus_mcp.personas.update import UpdateRequest, update


@dataclass(frozen=True)
class RestoreRequest:
    """A way back: to which revision, for which places, and how carefully."""

    persona_id: str
    revision: str
    only: Sequence[str] = ()
    dry_run: bool = False
    if_revision: str | None = None


async def restore(app: App, request: RestoreRequest) -> Receipt:
    """Bring a persona, or some places of it, back to a revision; a deleted one gets a new id.

    One that was brought back before lives on under its new id, and is what comes back then.
    Raises ``Refused`` when the journal does not hold the revision.
    """
    wanted = await load_revision(app, request.persona_id, request.revision)
    now = await _find_current(app, request.persona_id)
    if now is None:
        return await _revive(app, request, wanted)
    request, lost = _follow_revival(request, now)
    places = [_parse_path(name) for name in request.only]
    _refuse_unknown_paths(places, wanted, now)
    for _ in range(_MAX_ATTEMPTS):
        change = RestoreFields(wanted, tuple(places))
        put_back = UpdateRequest(
            "restore_revision",
            request.persona_id,
            change,
            dry_run=request.dry_run,
            if_revision=request.if_revision,
            allow=UNKNOWN_FIELDS | PRIVATE_URLS,
            findings=[*change.unrestored_findings(now.data), *lost],
            keep_legacy_spelling=True,
        )
        try:
            return await update(app, put_back)
        except TavusError as error:
            left = dict(wanted.data)
            lost += _drop_missing_reference(left, error)
            dropped = wanted.data.keys() - left.keys()
            stays = {name: now.data[name] for name in dropped if name in now.data}
            wanted = PersonaDocument({**left, **stays})
    raise Refused(_TOO_MANY_MISSING)


async def _find_current(app: App, persona_id: str) -> PersonaDocument | None:
    """Return the persona, or the one it was brought back as, as it is now; None when it is gone."""
    met: set[str] = set()
    while persona_id and persona_id not in met:
        met.add(persona_id)
        try:
            return await app.api.get_persona(persona_id)
        except NotFound:
            persona_id = await revived_id(app, persona_id)
    return None


def _follow_revival(
    request: RestoreRequest, current: PersonaDocument
) -> tuple[RestoreRequest, list[RuleFinding]]:
    """Return what is asked of the persona that lives, and say so when that is another one."""
    if current.persona_id == request.persona_id:
        return request, []
    lives_on = RuleFinding(
        severity="warning",
        path="/persona_id",
        message=f"Persona {request.persona_id!r} is gone; it was brought back as "
        f"{current.persona_id!r} before, and that one is meant here.",
        hint="Use the new id from now on.",
        rule="lives-on",
    )
    return replace(request, persona_id=current.persona_id), [lives_on]


@dataclass(frozen=True)
class RestoreFields:
    """Put fields back as they were in an earlier document; masked keys stay as they are."""

    target: PersonaDocument
    paths: tuple[str, ...] = ()

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy with the chosen places as they were; refuse to write a mask."""
        result = self._restore(data)
        for operation in diff(data, result):
            if has_redaction(operation.value, pointer_tokens(operation.path)):
                raise Refused(
                    f"{operation.path}: a secret was hidden here when the journal kept it; put "
                    "back like this it would be lost. Name other places in only."
                )
        return result

    def unrestored_findings(self, current: JsonObject) -> list[RuleFinding]:
        """Say what cannot come back, given the persona as it is now."""
        lost = [_redacted_finding(path) for path in self._redacted_paths(current)]
        unseen = [place for place in self.paths if _is_unknown_write_only(self.target, place)]
        return [*lost, *(_write_only_finding(place) for place in unseen)]

    def _restore(self, data: JsonObject) -> JsonObject:
        if self.paths:
            return _restore_paths(data, self.target, self.paths)
        kept_fields = {key: data[key] for key in data if key in SERVER_FIELDS}
        return {**kept_fields, **restore_visible(self.target.writable_fields(), data)}

    def _redacted_paths(self, current: JsonObject) -> list[str]:
        found = redacted_paths(self.target.writable_fields(), current)
        if not self.paths:
            return found
        return [path for path in found if any(_paths_overlap(path, place) for place in self.paths)]


NOT_RESTORED = "key-not-restored"
"""The rule of what is said of a place that cannot come back."""


def _redacted_finding(path: str) -> RuleFinding:
    return RuleFinding(
        severity="warning",
        path=path,
        message="This key cannot come back: Tavus never shows it, so it was never kept."
        if is_secret_path(pointer_tokens(path))
        else "This cannot come back: it held a secret, and secrets are never kept.",
        hint="What is stored now stays; if it is gone, give it again.",
        rule=NOT_RESTORED,
    )


def _write_only_finding(path: str) -> RuleFinding:
    return RuleFinding(
        severity="warning",
        path=path,
        message="This cannot come back: Tavus never shows it, so it is not known what was there.",
        hint="What is stored now stays; set it anew if need be.",
        rule=NOT_RESTORED,
    )


def _is_unknown_write_only(target: PersonaDocument, path: str) -> bool:
    return pointer_tokens(path)[0] in WRITE_ONLY and target.at(path) is None


def _paths_overlap(left: str, right: str) -> bool:
    """Tell whether one of two places is the other, or stands inside it."""
    return left == right or left.startswith(right + "/") or right.startswith(left + "/")


_FIELDS = frozenset(Persona.model_fields)


def _refuse_unknown_paths(
    paths: Sequence[str], target: PersonaDocument, current: PersonaDocument
) -> None:
    """Refuse a place that neither state of the persona has: it is a slip, not a success."""
    nowhere = object()
    for place in paths:
        there = (get_at(one.data, place, nowhere) is not nowhere for one in (target, current))
        first, *inside = pointer_tokens(place)
        known = inside[0] in LAYER_NAMES if first == "layers" and inside else first in _FIELDS
        if not known and not any(there):
            raise InvalidArgument(["/only: one of these is nowhere in this persona, then or now."])


async def _revive(app: App, request: RestoreRequest, target: PersonaDocument) -> Receipt:
    lost = [_redacted_finding(path) for path in redacted_paths(target.writable_fields(), {})]
    fields, uncopied = copyable_fields(
        restore_visible(target.writable_fields(), {}), "Not brought back"
    )
    lost += uncopied
    lost += _drop_custom_llm(fields)
    new_id = RuleFinding(
        severity="warning",
        path="/persona_id",
        message=f"Persona {request.persona_id!r} is gone, so this is a new one with a new id.",
        hint="Point whatever used the old id to the new one.",
        rule="new-id",
    )
    for _ in range(_MAX_ATTEMPTS):
        revived = CreateRequest(
            fields,
            dry_run=request.dry_run,
            findings=(new_id, *lost),
            tool="restore_revision",
            revives=request.persona_id,
        )
        try:
            return await create.create(app, revived)
        except TavusError as error:
            lost += _drop_missing_reference(fields, error)
    raise Refused(_TOO_MANY_MISSING)


def _drop_custom_llm(fields: JsonObject) -> list[RuleFinding]:
    """Drop a custom LLM whose key is not known: Tavus takes address and key together only."""
    llm = fields.get("layers", {}).get("llm", {})
    if not llm.get("base_url") or "api_key" in llm:
        return []
    dropped = [name for name in ("base_url", "model") if llm.pop(name, None)]
    return [
        RuleFinding(
            severity="warning",
            path=f"/layers/llm/{name}",
            message="Not brought back: a custom LLM needs its key, and the key was never kept.",
            hint="configure_llm(persona_id, model=..., base_url=..., api_key_ref=...).",
            rule="not-copied",
        )
        for name in dropped
    ]


def _drop_missing_reference(fields: JsonObject, error: TavusError) -> list[RuleFinding]:
    """Drop the reference that Tavus calls invalid; raise the error when it is about none."""
    said = str(error).lower()
    name = next(
        (name for name, word in _REFERENCE_ERRORS.items() if word in said and name in fields), None
    )
    if error.status != 400 or name is None:
        raise error
    return [
        RuleFinding(
            severity="warning",
            path=f"/{name}",
            message=f"Not brought back: Tavus knows no such id any more ({fields.pop(name)}).",
            rule="gone-reference",
        )
    ]


# What a persona points at, and how Tavus calls it when it is gone.
_REFERENCE_ERRORS = {
    "default_replica_id": "invalid replica",
    "objectives_id": "invalid objectives",
    "guardrails_id": "invalid guardrails_id",
    "guardrail_ids": "invalid guardrail_ids",
    "document_ids": "invalid document",
}
_TOO_MANY_MISSING = "Too much of what this persona points at is gone; set it anew."
_MAX_ATTEMPTS = len(_REFERENCE_ERRORS) + 1


def _parse_path(name: str) -> str:
    """Return the JSON Pointer of a layer's name or a pointer; refuse what is no place."""
    pointer = f"/layers/{name}" if name in LAYER_NAMES else name
    try:
        parts = pointer_tokens(pointer)
    except PatchError as error:
        raise InvalidArgument([f"/only: {error}; or give the name of a layer."]) from None
    if not parts or parts[0] in SERVER_FIELDS:
        raise InvalidArgument(["/only: this cannot be restored; name a field or a layer."])
    return pointer


def _restore_paths(data: JsonObject, target: PersonaDocument, paths: Sequence[str]) -> JsonObject:
    result = copy.deepcopy(data)
    for asked in paths:
        if MASK in asked:
            continue
        place = outermost_list(target.data, outermost_list(data, asked))
        old, live = target.at(place), get_at(result, place)
        if _is_unknown_write_only(target, place) or not is_restorable(
            old, live, pointer_tokens(place)
        ):
            continue
        result = SetFields({}, (place,)).apply(result)
        if old is not None:
            result = SetFields({place: restore_visible(old, live, pointer_tokens(place))}).apply(
                result
            )
    return result
