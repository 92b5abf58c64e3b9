"""Three-way comparison for an undo: find the fields that changed since the change it takes back.

An undo knows the persona after the change (from the journal), the persona as it is now, and what it
would write. A field that is not as the change left it belongs to whoever edited it since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, Refused
from tavus_mcp.history.record import EXPECTED_VALUES, is_state_of
from tavus_mcp.history.revivals import replace_ids
from tavus_mcp.history.states import find_state
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.models.json_patch import (
    ABSENT,
    get_at,
    is_changed,
    is_within,
    pointer_of,
    pointer_tokens,
)
from tavus_mcp.models.masking import has_secret_at
from tavus_mcp.models.persona import is_unread
from tavus_mcp.personas.change_lines import render_values
from tavus_mcp.personas.readback import is_equivalent_value
from tavus_mcp.text import quote_path, quote_paths, render_json_line

NOT_COMPARED = "not-compared"
"""The rule of the findings for fields whose edits by others cannot be seen."""
_MAX_LISTED_CONFLICTS = 12
"""Conflicts that are listed with their values; of the others only the path is named."""


@dataclass(frozen=True)
class UndoneChange:
    """A change that is to be undone: the persona after it, and the values that it set, by path.

    Both are as the journal stores them, with secrets masked. ``set_values`` is empty when the
    journal does not hold the change itself; it has those of several changes when simultaneous ones
    led between the same states.
    """

    after: Document
    set_values: Sequence[tuple[str, Any]] = ()

    def with_new_ids(self, new_ids: Mapping[str, str]) -> UndoneChange:
        """Return the change as if objects had had the ids under which they were brought back."""
        if not new_ids:
            return self
        values = [(path, replace_ids(value, new_ids)) for path, value in self.set_values]
        return UndoneChange(self.after.with_data(replace_ids(self.after.data, new_ids)), values)


@dataclass(frozen=True)
class UndoConflict:
    """A field that an undo would write, and that is not as the change left it; values are masked.

    ``is_unverified`` is set when the field did not read back as the change wrote it.
    """

    path: str
    after: Any
    current: Any
    restored: Any
    is_unverified: bool = False


@dataclass(frozen=True)
class UndoGuard:
    """Protects the edits that others made since a change from the undo of that change.

    ``arguments`` are those of the ``restore_revision`` call, without ``overwrite``; ``overwrite``
    holds the paths to restore although they were edited, each with everything inside it.
    """

    app: App
    change: UndoneChange
    arguments: JsonObject
    overwrite: Sequence[str] = ()

    def require_unedited(self, current: JsonObject, restored: JsonObject) -> None:
        """Raise ``Conflict`` unless every edited field that would be written is in ``overwrite``.

        ``current`` is the persona as it was read, ``restored`` what the undo makes of it.
        """
        conflicts = self.find_conflicts(current, restored)
        if not conflicts:
            return
        revision = self.change.after.with_data(current).revision
        raise Conflict(
            f"Fields of {self.change.after.noun} {self.change.after.object_id!r} were edited after "
            "the change that this call undoes. Nothing was written.\n"
            f"{describe_undo_conflicts(conflicts)}\n"
            f"{self._describe_keeping_call(current, restored, conflicts)} To overwrite them, after "
            f"the person agreed: {self.render_overwriting_call(revision, conflicts)}"
        )

    def _describe_keeping_call(
        self, current: JsonObject, restored: JsonObject, conflicts: Sequence[UndoConflict]
    ) -> str:
        """Return the call that undoes the other fields, with all of them in ``only``."""
        visible, target = (self.app.masker.mask(document) for document in (current, restored))
        edited = [conflict.path for conflict in conflicts]
        others = [
            path for path in _iter_written_paths(visible, target) if not is_within(path, edited)
        ]
        if not others:
            return "To keep these edits, leave it: there is no other field to undo."
        call = _render_call({**self.arguments, "only": others})
        return f"To keep these edits, undo the other fields alone: {call}"

    def find_conflicts(self, current: JsonObject, restored: JsonObject) -> list[UndoConflict]:
        """Return all conflicts of an undo; none when each of them is in ``overwrite``."""
        conflicts = find_undo_conflicts(self.app, self.change, current, restored)
        is_allowed = all(is_within(conflict.path, self.overwrite) for conflict in conflicts)
        return [] if is_allowed else conflicts

    def render_overwriting_call(self, revision: str, conflicts: Sequence[UndoConflict]) -> str:
        """Return the call that overwrites the conflicts, if the persona is at ``revision``."""
        overwritten = [conflict.path for conflict in conflicts]
        return _render_call({**self.arguments, "overwrite": overwritten, "if_revision": revision})

    def uncompared_findings(self, current: JsonObject, restored: JsonObject) -> list[RuleFinding]:
        """Return a finding for each field to be written whose edits by others cannot be seen."""
        visible = self.app.masker.mask_with_paths(current)
        return [
            _uncompared_finding(path)
            for path in _iter_written_paths(visible.value, self.app.masker.mask(restored))
            if is_unread(visible.value, path)
            or any(is_within(masked, [path]) for masked in visible.paths)
        ]


async def load_undone_change(
    app: App, persona_id: str, revision: str, after_revision: str
) -> UndoneChange:
    """Return the change that led from one revision to another, from the journal.

    Raises ``Refused``, with what to do instead, when the journal does not hold ``after_revision``.
    """
    after = await find_state(app, persona_id, after_revision)
    if after is None:
        raise Refused(
            f"/after_revision: this journal does not hold that revision of persona {persona_id!r}, "
            "so it is not known what others edited since. Nothing was written. Show the person "
            f"compare_personas(first='{persona_id}@{revision}', second='{persona_id}'); without "
            "after_revision the fields in only are restored whatever they are now."
        )
    before = await find_state(app, persona_id, revision)
    entries = await app.journal.entries_of_persona(persona_id)
    intents = {entry.seq: entry for entry in entries if entry.kind == "intent"}
    own = [
        intents[entry.ref]
        for entry in entries
        if entry.kind == "outcome"
        and before is not None
        and entry.ref in intents
        and is_state_of(entry, after)
        and is_state_of(intents[entry.ref], before)
    ]
    values = [pair for intent in own for pair in intent.detail.get(EXPECTED_VALUES, {}).items()]
    return UndoneChange(after, values)


def find_undo_conflicts(
    app: App, change: UndoneChange, current: JsonObject, restored: JsonObject
) -> list[UndoConflict]:
    """Return the fields that an undo would write and that are not as the change left them.

    Fields are compared leaf by leaf, lists as a whole, and masked: of a secret only its presence
    can be compared. A field that did not read back as the change wrote it is a conflict as well,
    because somebody may have edited it before it was read back.
    """
    after, visible, target = (
        app.masker.mask(document) for document in (change.after.data, current, restored)
    )
    conflicts = []
    for path in _iter_written_paths(visible, target):
        values = [get_at(document, path, ABSENT) for document in (after, visible, target)]
        is_edited = is_changed(values[0], values[1])
        is_unverified = not is_edited and not _is_as_written(app, change, after, path)
        if is_edited or is_unverified:
            own, theirs, undone = values
            conflicts.append(UndoConflict(path, own, theirs, undone, is_unverified))
    return conflicts


def describe_undo_conflicts(conflicts: Sequence[UndoConflict]) -> str:
    """Return a line for each conflict: the path and its three values, shortened."""
    lines = [_describe_conflict(conflict) for conflict in conflicts[:_MAX_LISTED_CONFLICTS]]
    if omitted := [conflict.path for conflict in conflicts[_MAX_LISTED_CONFLICTS:]]:
        lines.append(f"Likewise: {quote_paths(omitted)}.")
    return "\n".join(lines)


def _render_call(arguments: JsonObject) -> str:
    text = ", ".join(f"{name}={render_json_line(value)}" for name, value in arguments.items())
    return f"restore_revision({text})."


def _describe_conflict(conflict: UndoConflict) -> str:
    after, current, restored = render_values([conflict.after, conflict.current, conflict.restored])
    effect = "remove it" if conflict.restored is ABSENT else f"write {restored}"
    line = (
        f"{quote_path(conflict.path)}: {after} after our change, {current} now; the undo "
        f"would {effect}."
    )
    if conflict.is_unverified:
        line += " It did not read back as it was written: someone may have edited it at that time."
    parts = pointer_tokens(conflict.path)
    if has_secret_at(parts, conflict.after) or has_secret_at(parts, conflict.current):
        line += " Secrets are masked, so they cannot be compared."
    return line


def _is_as_written(app: App, change: UndoneChange, after: JsonObject, path: str) -> bool:
    """Tell whether the part of a field that the change set read back as it was written."""
    for own_path, value in change.set_values:
        if is_within(path, [own_path]):
            expected, actual = get_at(value, path[len(own_path) :]), get_at(after, path)
        elif is_within(own_path, [path]):
            expected, actual = value, get_at(after, own_path)
        else:
            continue
        if not is_equivalent_value(expected, actual, path, app.catalog):
            return False
    return True


def _iter_written_paths(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield the pointers at which two values differ: objects member by member, lists whole."""
    old, new = (
        {} if side is ABSENT and isinstance(other, dict) and other else side
        for side, other in ((before, after), (after, before))
    )
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            inner = path + pointer_of([key])
            yield from _iter_written_paths(old.get(key, ABSENT), new.get(key, ABSENT), inner)
    elif is_changed(old, new):
        yield path


def _uncompared_finding(path: str) -> RuleFinding:
    return info(
        NOT_COMPARED,
        "Whether someone edited this after the change cannot be seen: Tavus returns it masked or "
        "not at all. It is undone anyway.",
        path=path,
    )
