"""The way back: a persona, or some places of it, as they were at a revision."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tavus_mcp.app import App
from tavus_mcp.checker.check import PRIVATE_URLS, UNKNOWN_FIELDS
from tavus_mcp.errors import InvalidArgument, NotFound, Refused, TavusError
from tavus_mcp.history import record
from tavus_mcp.history.redactions import filled, has_hole, holes, is_secret_place, returns
from tavus_mcp.history.revisions import kept
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.json_patch import PatchError, diff, find, outermost_list, tokens
from tavus_mcp.models.layers import LAYER_NAMES
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.persona import SERVER_FIELDS, WRITE_ONLY, Persona
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas import create
from tavus_mcp.personas.create import NewPersona, copyable
from tavus_mcp.personas.update import Edit, edit


@dataclass(frozen=True)
class Return:
    """A way back: to which revision, for which places, and how carefully."""

    persona_id: str
    revision: str
    only: Sequence[str] = ()
    dry_run: bool = False
    if_revision: str | None = None


async def restore(app: App, asked: Return) -> Receipt:
    """Bring a persona, or some places of it, back to a revision; a deleted one gets a new id.

    One that was brought back before lives on under its new id, and is what comes back then.
    Raises ``Refused`` when the journal does not hold the revision.
    """
    wanted = await kept(app, asked.persona_id, asked.revision)
    now = await _living(app, asked.persona_id)
    if now is None:
        return await _revive(app, asked, wanted)
    asked, lost = _followed(asked, now)
    places = [_place(name) for name in asked.only]
    _refuse_nowhere(places, wanted, now)
    for _ in range(_REFERENCES):
        change = PutBack(wanted, tuple(places))
        put_back = Edit(
            "restore_revision",
            asked.persona_id,
            change,
            dry_run=asked.dry_run,
            if_revision=asked.if_revision,
            allow=UNKNOWN_FIELDS | PRIVATE_URLS,
            remarks=[*change.remarks(now.data), *lost],
            verbatim=True,
        )
        try:
            return await edit(app, put_back)
        except TavusError as error:
            left = dict(wanted.data)
            lost += _drop_gone(left, error)
            dropped = wanted.data.keys() - left.keys()
            stays = {name: now.data[name] for name in dropped if name in now.data}
            wanted = Document({**left, **stays})
    raise Refused(_TOO_MUCH_GONE)


async def _living(app: App, persona_id: str) -> Document | None:
    """Return the persona, or the one it was brought back as, as it is now; None when it is gone."""
    met: set[str] = set()
    while persona_id and persona_id not in met:
        met.add(persona_id)
        try:
            return await app.api.get_persona(persona_id)
        except NotFound:
            persona_id = await record.lives_as(app, persona_id)
    return None


def _followed(asked: Return, now: Document) -> tuple[Return, list[Finding]]:
    """Return what is asked of the persona that lives, and say so when that is another one."""
    if now.persona_id == asked.persona_id:
        return asked, []
    lives_on = Finding(
        severity="warning",
        path="/persona_id",
        message=f"Persona {asked.persona_id!r} is gone; it was brought back as {now.persona_id!r} "
        "before, and that one is meant here.",
        hint="Use the new id from now on.",
        rule="lives-on",
    )
    return replace(asked, persona_id=now.persona_id), [lives_on]


@dataclass(frozen=True)
class PutBack:
    """Put fields back as they were in an earlier document; masked keys stay as they are."""

    wanted: Document
    only: tuple[str, ...] = ()

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy with the chosen places as they were; refuse to write a mask."""
        result = self._put_back(data)
        for operation in diff(data, result):
            if has_hole(operation.value, tokens(operation.path)):
                raise Refused(
                    f"{operation.path}: a secret was hidden here when the journal kept it; put "
                    "back like this it would be lost. Name other places in only."
                )
        return result

    def remarks(self, live: JsonObject) -> list[Finding]:
        """Say what cannot come back, given the persona as it is now."""
        lost = [_not_kept(path) for path in self._holes(live)]
        unseen = [place for place in self.only if _never_shown(self.wanted, place)]
        return [*lost, *(_not_seen(place) for place in unseen)]

    def _put_back(self, data: JsonObject) -> JsonObject:
        if self.only:
            return _with_places(data, self.wanted, self.only)
        kept_fields = {key: data[key] for key in data if key in SERVER_FIELDS}
        return {**kept_fields, **filled(self.wanted.written(), data)}

    def _holes(self, live: JsonObject) -> list[str]:
        found = holes(self.wanted.written(), live)
        if not self.only:
            return found
        return [path for path in found if any(_meet(path, place) for place in self.only)]


NOT_RESTORED = "key-not-restored"
"""The rule of what is said of a place that cannot come back."""


def _not_kept(path: str) -> Finding:
    return Finding(
        severity="warning",
        path=path,
        message="This key cannot come back: Tavus never shows it, so it was never kept."
        if is_secret_place(tokens(path))
        else "This cannot come back: it held a secret, and secrets are never kept.",
        hint="What is stored now stays; if it is gone, give it again.",
        rule=NOT_RESTORED,
    )


def _not_seen(place: str) -> Finding:
    return Finding(
        severity="warning",
        path=place,
        message="This cannot come back: Tavus never shows it, so it is not known what was there.",
        hint="What is stored now stays; set it anew if need be.",
        rule=NOT_RESTORED,
    )


def _never_shown(wanted: Document, place: str) -> bool:
    return tokens(place)[0] in WRITE_ONLY and wanted.at(place) is None


def _meet(path: str, place: str) -> bool:
    """Tell whether one of two places is the other, or stands inside it."""
    return path == place or path.startswith(place + "/") or place.startswith(path + "/")


_FIELDS = frozenset(Persona.model_fields)


def _refuse_nowhere(places: Sequence[str], wanted: Document, now: Document) -> None:
    """Refuse a place that neither state of the persona has: it is a slip, not a success."""
    nowhere = object()
    for place in places:
        there = (find(one.data, place, nowhere) is not nowhere for one in (wanted, now))
        first, *inside = tokens(place)
        known = inside[0] in LAYER_NAMES if first == "layers" and inside else first in _FIELDS
        if not known and not any(there):
            raise InvalidArgument(["/only: one of these is nowhere in this persona, then or now."])


async def _revive(app: App, asked: Return, wanted: Document) -> Receipt:
    lost = [_not_kept(path) for path in holes(wanted.written(), {})]
    fields, uncopied = copyable(filled(wanted.written(), {}), "Not brought back")
    lost += uncopied
    lost += _without_own_llm(fields)
    new_id = Finding(
        severity="warning",
        path="/persona_id",
        message=f"Persona {asked.persona_id!r} is gone, so this is a new one with a new id.",
        hint="Point whatever used the old id to the new one.",
        rule="new-id",
    )
    for _ in range(_REFERENCES):
        revived = NewPersona(
            fields,
            dry_run=asked.dry_run,
            remarks=(new_id, *lost),
            tool="restore_revision",
            revives=asked.persona_id,
        )
        try:
            return await create.create(app, revived)
        except TavusError as error:
            lost += _drop_gone(fields, error)
    raise Refused(_TOO_MUCH_GONE)


def _without_own_llm(fields: JsonObject) -> list[Finding]:
    """Drop a custom LLM whose key is not known: Tavus takes address and key together only."""
    llm = fields.get("layers", {}).get("llm", {})
    if not llm.get("base_url") or "api_key" in llm:
        return []
    dropped = [name for name in ("base_url", "model") if llm.pop(name, None)]
    return [
        Finding(
            severity="warning",
            path=f"/layers/llm/{name}",
            message="Not brought back: a custom LLM needs its key, and the key was never kept.",
            hint="configure_llm(persona_id, model=..., base_url=..., api_key_ref=...).",
            rule="not-copied",
        )
        for name in dropped
    ]


def _drop_gone(fields: JsonObject, error: TavusError) -> list[Finding]:
    """Drop the reference that Tavus calls invalid; raise the error when it is about none."""
    said = str(error).lower()
    name = next((name for name, word in _POINTING.items() if word in said and name in fields), None)
    if error.status != 400 or name is None:
        raise error
    return [
        Finding(
            severity="warning",
            path=f"/{name}",
            message=f"Not brought back: Tavus knows no such id any more ({fields.pop(name)}).",
            rule="gone-reference",
        )
    ]


# What a persona points at, and how Tavus calls it when it is gone.
_POINTING = {
    "default_replica_id": "invalid replica",
    "objectives_id": "invalid objectives",
    "guardrails_id": "invalid guardrails_id",
    "guardrail_ids": "invalid guardrail_ids",
    "document_ids": "invalid document",
}
_TOO_MUCH_GONE = "Too much of what this persona points at is gone; set it anew."
_REFERENCES = len(_POINTING) + 1


def _place(name: str) -> str:
    """Return the JSON Pointer of a layer's name or a pointer; refuse what is no place."""
    pointer = f"/layers/{name}" if name in LAYER_NAMES else name
    try:
        parts = tokens(pointer)
    except PatchError as error:
        raise InvalidArgument([f"/only: {error}; or give the name of a layer."]) from None
    if not parts or parts[0] in SERVER_FIELDS:
        raise InvalidArgument(["/only: this cannot be restored; name a field or a layer."])
    return pointer


def _with_places(data: JsonObject, wanted: Document, places: Sequence[str]) -> JsonObject:
    result = copy.deepcopy(data)
    for asked in places:
        if MASK in asked:
            continue
        place = outermost_list(wanted.data, outermost_list(data, asked))
        old, live = wanted.at(place), find(result, place)
        if _never_shown(wanted, place) or not returns(old, live, tokens(place)):
            continue
        result = SetFields({}, (place,)).apply(result)
        if old is not None:
            result = SetFields({place: filled(old, live, tokens(place))}).apply(result)
    return result
