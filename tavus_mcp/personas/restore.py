"""Restore a persona, or some fields of it, to a revision; a deleted one gets a new id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker.check import EVERY_RULE
from tavus_mcp.errors import InvalidArgument, NotFound, Refused, TavusError
from tavus_mcp.history.record import WriteOrigin
from tavus_mcp.history.redactions import insert_secrets, writes_mask
from tavus_mcp.history.restoring import is_unknown, restore_fields, unrestored_paths
from tavus_mcp.history.revisions import load_revision
from tavus_mcp.history.revivals import replace_ids, revived_id
from tavus_mcp.journal.entry import split_journal_id
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.hidden_keys import may_hide_key
from tavus_mcp.models.json_patch import PatchError, diff, pointer_tokens
from tavus_mcp.models.layers import LAYER_NAMES
from tavus_mcp.models.persona import SERVER_FIELDS, Persona
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas.field_selection import resolve_field_name
from tavus_mcp.personas.revive import (
    MAX_ATTEMPTS,
    NOT_RESTORED,
    TOO_MANY_MISSING,
    drop_missing_references,
    revive,
    unrestored_finding,
)
from tavus_mcp.personas.undo_conflicts import UndoGuard, load_undone_change
from tavus_mcp.personas.update import UpdateRequest, update
from tavus_mcp.personas.write_rules import PERSONA_RULES, WriteRules
from tavus_mcp.tavus_api.endpoints import ENDPOINTS
from tavus_mcp.text import quote_path, suggestion_or_period

_FIELDS = frozenset(Persona.model_fields)
_NOTHING_TO_UNDO = (
    ", so that no change of it can be undone and no field restored. Nothing was sent. To create it "
    "again as it was at that revision, under a new id, give persona_id and revision alone."
)


@dataclass(frozen=True)
class RestoreRequest:
    """The persona and revision to restore; ``only`` names the fields or layers, all when empty.

    ``persona_id`` is an id of the journal: KIND/ID for a part, with the ``rules`` of its kind.

    For an undo, ``after_revision`` is the revision that the change led to, and ``overwrite`` names
    the fields or layers to restore although they were edited since. ``replaced_ids`` maps ids in
    the revision to those of objects that were created again since; ``secrets`` are those that the
    caller knows, by the pointer of their mask in the revision.
    """

    persona_id: str
    revision: str
    only: Sequence[str] = ()
    dry_run: bool = False
    if_revision: str | None = None
    after_revision: str | None = None
    overwrite: Sequence[str] = ()
    rules: WriteRules = PERSONA_RULES
    replaced_ids: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    origin: WriteOrigin = field(default_factory=WriteOrigin)

    @property
    def is_partial(self) -> bool:
        """True for the undo of a change, and for fields or a state of a persona that is there."""
        return bool(self.only or self.after_revision or self.if_revision)


async def restore(app: App, request: RestoreRequest) -> Receipt:
    """Restore a persona, or the fields in ``only``, to a revision; a deleted one gets a new id.

    If it was brought back before, the persona with the new id is restored. References to objects
    that no longer exist are left out, each after Tavus refused it. Raises ``Refused`` when the
    journal does not hold a revision, and ``Conflict`` when fields that would be written changed
    since ``after_revision`` and are not in ``overwrite``.
    """
    if request.overwrite and request.after_revision is None:
        raise InvalidArgument(["/overwrite: only an undo takes it; give after_revision as well."])
    target = await _load_target(app, request)
    current = await find_current(app, request.persona_id)
    if current is None and isinstance(target, PersonaDocument):
        if request.is_partial:
            raise Refused(f"Persona {request.persona_id!r} was deleted{_NOTHING_TO_UNDO}")
        own_id, origin = request.persona_id, request.origin
        return await revive(app, own_id, target, request.secrets, origin, dry_run=request.dry_run)
    if current is None:  # a part is created again by ``parts.revive``
        raise NotFound(f"{request.persona_id} is gone.", status=404)
    findings = renamed_findings(request.persona_id, current)
    paths = tuple(_parse_path(name) for name in request.only)
    _refuse_unknown_paths(paths, target, current)
    guard = await _build_undo_guard(app, request)
    for _ in range(MAX_ATTEMPTS):
        change = RestoreFields(target, paths, guard)
        restoring = UpdateRequest(
            "restore_revision",
            current.object_id,
            change,
            dry_run=request.dry_run,
            if_revision=request.if_revision,
            allow=EVERY_RULE,
            findings=[*change.unrestored_findings(current.data), *findings],
            keep_legacy_spelling=True,
            rules=request.rules,
            origin=request.origin,
        )
        try:
            return await update(app, restoring)
        except TavusError as error:
            fields, finding = await drop_missing_references(app, target.data, current.data, error)
            findings.append(finding)
            target = target.with_data(fields)
    raise Refused(TOO_MANY_MISSING)


async def _load_target(app: App, request: RestoreRequest) -> Document:
    """Return the revision with the ids and secrets of now; ``Refused`` if there is none."""
    target = await load_revision(app, request.persona_id, request.revision)
    if request.replaced_ids:
        target = target.with_data(replace_ids(target.data, request.replaced_ids))
    return insert_secrets(target, request.secrets)


async def _build_undo_guard(app: App, request: RestoreRequest) -> UndoGuard | None:
    """Return what protects later edits from an undo; None for a restore without a change."""
    if request.after_revision is None:
        return None
    change = await load_undone_change(
        app, request.persona_id, request.revision, request.after_revision
    )
    change = change.with_new_ids(request.replaced_ids)
    overwrite = tuple(_parse_path(name, "overwrite") for name in request.overwrite)
    arguments: JsonObject = {
        "persona_id": request.persona_id,
        "revision": request.revision,
        "after_revision": request.after_revision,
        **({"only": list(request.only)} if request.only else {}),
        **({"dry_run": True} if request.dry_run else {}),
    }
    return UndoGuard(app, change, arguments, overwrite)


async def find_current(app: App, persona_id: str) -> Document | None:
    """Return an object by its id of the journal, or the one that replaces it after a deletion.

    None when it is gone.
    """
    visited: set[str] = set()
    while persona_id and persona_id not in visited:
        visited.add(persona_id)
        kind, object_id = split_journal_id(persona_id)
        try:
            return await app.api.get_object(ENDPOINTS[kind], object_id)
        except NotFound:
            persona_id = await revived_id(app, persona_id)
    return None


def renamed_findings(persona_id: str, current: Document) -> list[RuleFinding]:
    """Return a finding when the persona that is restored has another id than the one given."""
    if current.journal_id == persona_id:
        return []
    return [
        warning(
            "lives-on",
            f"{current.noun.capitalize()} {split_journal_id(persona_id)[1]!r} was deleted and "
            f"brought back as {current.object_id!r}, which this call uses.",
            path="/persona_id",
            hint="Use the new id from now on. Earlier revisions stay under the old id.",
        )
    ]


@dataclass(frozen=True)
class RestoreFields:
    """A change that restores fields of a target document; masked keys stay as they are.

    ``guard`` is set for an undo; it protects the edits that others made since.
    """

    target: Document
    paths: tuple[str, ...] = ()
    guard: UndoGuard | None = None

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy with the fields restored.

        Raises ``Refused`` where it would write a mask, ``Conflict`` where the guard forbids it.
        """
        result = self.compute_restored(data)
        for operation in diff(data, result):
            parts = pointer_tokens(operation.path)
            if operation.op != "remove" and writes_mask(operation.value, parts, self.target.masked):
                raise Refused(
                    f"{quote_path(operation.path)}: the journal holds this value with a secret "
                    "masked. Restoring it would lose the secret. Name other fields in only."
                )
        if self.guard is not None:
            self.guard.require_unedited(data, result)
        return result

    def unrestored_findings(self, current: JsonObject) -> list[RuleFinding]:
        """Return a finding for each field that cannot be restored, or compared for an undo."""
        lost = unrestored_paths(self.target, self.paths, current)
        unread = [path for path in self.paths if self._is_unknown(path, current)]
        uncompared = (
            self.guard.uncompared_findings(current, self.compute_restored(current))
            if self.guard
            else []
        )
        return [
            *map(unrestored_finding, lost),
            *map(_unread_finding, unread),
            *uncompared,
        ]

    def _is_unknown(self, path: str, current: JsonObject) -> bool:
        """Tell whether it is not known what a field was; of a key, nor whether there is one."""
        is_hidden = may_hide_key(self.target.data, path) and may_hide_key(current, path)
        return is_hidden or is_unknown(self.target, path)

    def compute_restored(self, data: JsonObject) -> JsonObject:
        """Return a copy with the fields restored, without looking at what that overwrites."""
        return restore_fields(self.target, self.paths, data)


def _unread_finding(path: str) -> RuleFinding:
    message = "This field was not restored: Tavus did not return it at that revision."
    hint = "Its present value stays. Set the field again if needed."
    return warning(NOT_RESTORED, message, path=path, hint=hint)


def _refuse_unknown_paths(paths: Sequence[str], target: Document, current: Document) -> None:
    """Raise ``InvalidArgument`` for a path that is no field and in neither document: a mistake."""
    absent = object()
    for path in paths:
        first, *inside = pointer_tokens(path)
        is_field = inside[0] in LAYER_NAMES if first == "layers" and inside else first in _FIELDS
        if not is_field and target.at(path, absent) is current.at(path, absent) is absent:
            documents = (target.data, current.data)
            known = [f"/{name}" for name in sorted({*_FIELDS, *(k for d in documents for k in d)})]
            known += [f"/layers/{name}" for name in LAYER_NAMES]
            near = suggestion_or_period(path, known)
            raise InvalidArgument(
                [f"/only: a field of this name exists neither now nor at that revision{near}"]
            )


def _parse_path(name: str, argument: str = "only") -> str:
    """Return the JSON Pointer that a pointer, or the name of a field or a layer, stands for."""
    pointer = f"/layers/{name}" if name in LAYER_NAMES else resolve_field_name(name)
    try:
        parts = pointer_tokens(pointer)
    except PatchError as error:
        raise InvalidArgument(
            [f"/{argument}: {error}; or give the name of a field or a layer."]
        ) from None
    if not parts or parts[0] in SERVER_FIELDS:
        raise InvalidArgument([f"/{argument}: this cannot be restored; name a field or a layer."])
    return pointer
