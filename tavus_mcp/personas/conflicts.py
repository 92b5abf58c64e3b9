"""Conflicts: what changed since a persona was read, who changed it, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.app import App
from tavus_mcp.catalog import Catalog
from tavus_mcp.errors import Conflict, RequestRejected, TavusError, ToolFailure
from tavus_mcp.history.record import record_observed
from tavus_mcp.history.states import find_state, is_at_revision
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import APPLY_AFTER_YES, RuleFinding, warning
from tavus_mcp.models.json_patch import (
    ABSENT,
    Operation,
    diff,
    get_at,
    is_changed,
    outermost_list,
    overlaps,
    pointer_of,
    pointer_tokens,
)
from tavus_mcp.models.persona import is_unread
from tavus_mcp.models.receipt import LIVE_STATUSES
from tavus_mcp.personas.change_lines import render_change
from tavus_mcp.personas.edit_guard import OVERWRITTEN_UNSEEN
from tavus_mcp.personas.readback import unexpected_differences
from tavus_mcp.tavus_api.endpoints import ENDPOINTS
from tavus_mcp.text import quote_path, quote_paths

EDITED_MEANWHILE = "edited-meanwhile"
OUTSIDE = "outside this journal"
PUBLICATION_TOOL = "publish_persona"
"""The tool of a publication, which may change any field; a stored value."""
_INVALID_PATCH = 422
"""The status of a request that is no JSON Patch (docs: patch-persona)."""
MAKE_PLAN_AGAIN = "Show this to the person; if the change is still wanted, make the plan again."
_MAX_CONFLICT_ITEMS = 8
"""Fields that a conflict names; the others are counted."""


class EditChecksRefused(ToolFailure):
    """The ``test`` operations of a change were refused alone as well, so nothing was written.

    The text says what Tavus said. ``has_other_values`` is set when it accepts ``test`` operations:
    then the fields hold other values than reads return.
    """

    def __init__(self, message: str, *, has_other_values: bool) -> None:
        super().__init__(message)
        self.has_other_values = has_other_values


def checks_refused_finding(refusal: EditChecksRefused) -> RuleFinding:
    """Return the finding for a change that is planned because its edits cannot be checked."""
    reason = (
        "Tavus refused to check, in the same request, that these fields have not been edited."
        f" {refusal}"
    )
    if refusal.has_other_values:
        reason = (
            "Tavus holds other values here than it returns: a draft of the persona may have them, "
            f"or they contain keys. {refusal}"
        )
    return warning(
        "checks-refused",
        f"Nothing was written. {reason} apply_plan reads them once more and then writes without "
        f"that check: {OVERWRITTEN_UNSEEN}",
        hint=APPLY_AFTER_YES,
        source="D:patch-persona",
    )


def edited_meanwhile_findings(
    expected: Document, actual: Document, catalog: Catalog
) -> list[RuleFinding]:
    """Return a finding with the fields in which a persona just written is not as expected."""
    paths = unexpected_differences(expected, actual, catalog)
    if not paths:
        return []
    return [
        warning(
            EDITED_MEANWHILE,
            "The persona was written, but it reads otherwise than the file says at "
            f"{quote_paths(paths, _MAX_CONFLICT_ITEMS)}: someone edited it meanwhile, or Tavus "
            f"did.",
            hint="Bring these values into the file before you apply it again: tavus-mcp export "
            f"{actual.object_id} --into FILE, or in a project tavus-mcp pull.",
        )
    ]


async def build_revision_conflict(
    app: App,
    expected: Document | None,
    current: Document,
    *,
    has_plan: bool = False,
    advice: str = "",
) -> Conflict:
    """Return the error for a persona that is not at the expected revision.

    ``expected`` is the document of that revision, None when it is not known. ``advice`` replaces
    the advice to call the tool again.
    """
    retry = f"call again with if_revision={current.revision!r} or without it"
    if has_plan:
        retry = "make the plan again"
    edits = "\nThis journal does not hold the earlier revision, so the changes are not known."
    if expected is not None:
        edits = await describe_edits(app, expected, current)
    return Conflict(
        f"{describe(current)} has changed since and is at revision {current.revision} now. Nothing "
        f"was written.{edits}\n{advice or f'Look at it with {current.read_call}, then {retry}.'}"
    )


async def describe_edits(
    app: App,
    expected: Document,
    current: Document,
    paths: Sequence[str] | None = None,
) -> str:
    """Return a line for each field that changed between two states, and who changed it.

    ``paths`` limits it to these fields. Each line begins with a line break.
    """
    before, after = (app.masker.mask(item.stable_fields()) for item in (expected, current))
    if paths is None:
        changed = dict.fromkeys(outermost_list(before, item.path) for item in diff(before, after))
        paths = [
            path
            for path in changed
            if not (expected.was_unread(path) or is_unread(before, path) or is_unread(after, path))
        ]
    entries = await app.journal.entries_of_persona(current.journal_id)
    lines = []
    for path in paths[:_MAX_CONFLICT_ITEMS]:
        old, new = get_at(before, path, ABSENT), get_at(after, path, ABSENT)
        editor = await _find_editor(app, entries, expected, path, new)
        lines.append(f"\n{render_change(path, old, new)} (changed {editor})")
    omitted = len(paths) - len(lines)
    return "".join(lines) + (f"\nand {omitted} more." if omitted else "")


async def _find_editor(
    app: App,
    entries: Sequence[JournalEntry],
    expected: Document,
    path: str,
    value: object,
) -> str:
    """Return who gave a field its value since a revision: a tool of this journal, or others.

    ``entries`` are those of the persona, newest first; ``value`` is masked.
    """
    intents = {entry.seq: entry for entry in entries if entry.kind == "intent"}
    since = max((item.seq for item in entries if item.revision == expected.revision), default=0)
    for entry in entries:
        intent = intents.get(entry.ref) if entry.kind == "outcome" else None
        if intent is None or entry.seq < since or entry.status not in LIVE_STATUSES:
            continue
        is_publication = entry.tool == PUBLICATION_TOOL
        if not is_publication and not any(overlaps(path, own) for own in intent.paths):
            continue
        is_ours = await _has_value(app, entry, path, value)
        if is_publication and (not is_ours or await _has_value(app, intent, path, value)):
            continue  # it did not change this field
        return f"by {entry.tool} at {entry.at}" if is_ours else OUTSIDE
    return OUTSIDE


async def _has_value(app: App, entry: JournalEntry, path: str, value: object) -> bool:
    """Tell whether the state that an entry names had a value, masked, in a field."""
    state = await find_state(app, entry.persona_id, entry.revision_digest or entry.revision)
    return state is not None and not is_changed(state.at(path, ABSENT), value)


async def require_revision(
    app: App, document: Document, revision: str | None, *, has_plan: bool = False
) -> None:
    """Raise ``Conflict``, with what changed, unless the persona is at the caller's revision."""
    if revision is not None and not await is_at_revision(app, document, revision):
        seen = await find_state(app, document.journal_id, revision)
        raise await build_revision_conflict(app, seen, document, has_plan=has_plan)


async def require_unedited(
    app: App, before: Document, current: Document, paths: Sequence[str], subject: str
) -> None:
    """Raise ``Conflict``, with what changed, unless these fields are the same in two states.

    ``before`` may be from the journal, with secrets masked. ``subject`` begins the message and
    says which fields they are.
    """
    old, new = (app.masker.mask(item.data) for item in (before, current))
    bound = dict.fromkeys(outermost_list(before.data, path) for path in paths)
    edited = [path for path in bound if _is_edited(old, new, path)]
    if edited:
        edits = await describe_edits(app, before, current, edited)
        raise Conflict(f"{subject}. Nothing was written.{edits}\n{MAKE_PLAN_AGAIN}")


def _is_edited(before: object, after: object, path: str) -> bool:
    """Tell whether a field, or the kind of what it is in, differs between two states."""
    old, new = get_at(before, path, ABSENT), get_at(after, path, ABSENT)
    if old is ABSENT or new is ABSENT:
        parent = pointer_of(pointer_tokens(path)[:-1])
        return old is not new or type(get_at(before, parent)) is not type(get_at(after, parent))
    return is_changed(old, new)


def describe(document: Document) -> str:
    """Return what an object is called at the beginning of a sentence."""
    return f"{document.noun.capitalize()} {document.object_id!r}"


async def require_tests_at_fault(
    app: App,
    before: Document,
    refusal: RequestRejected,
    tests: Sequence[Operation],
    findings: Sequence[RuleFinding],
) -> None:
    """Raise what a refused change means; nothing was written. ``findings`` are those on it.

    Raises ``Conflict`` when the persona changed meanwhile, ``EditChecksRefused`` when Tavus refuses
    the ``test`` operations alone as well, else the refusal: then it is about the change itself.
    Operations of ``test`` alone write nothing.
    """
    endpoint = ENDPOINTS[before.kind]
    if refusal.status not in (400, 422):
        raise refusal
    refusal = _explain_rejection(refusal, findings)
    try:
        current = await app.api.get_object(endpoint, before.object_id)
    except TavusError:
        raise refusal from None
    if (current.digest, current.updated_at) != (before.digest, before.updated_at):
        await record_observed(app, current)
        raise await build_revision_conflict(app, before, current) from refusal
    if not tests:
        raise refusal
    try:
        await app.api.patch_object(endpoint, before.object_id, tests, {})
    except RequestRejected as error:
        accepted = error.status != _INVALID_PATCH and await _accepts_tests(app, before)
        raise EditChecksRefused(error.answer, has_other_values=accepted) from error
    raise refusal


def _explain_rejection(error: RequestRejected, findings: Sequence[RuleFinding]) -> RequestRejected:
    """Return the error with the hints on values that were sent and are not known here."""
    unknown = [item for item in findings if item.hint and (item.rule or "").endswith("-unknown")]
    if not unknown:
        return error
    hints = " ".join(f"{quote_path(item.path)}: {item.hint}" for item in unknown)
    message = f"{error} Not known here: {hints}"
    return RequestRejected(message, status=error.status, answer=error.answer)


async def _accepts_tests(app: App, before: Document) -> bool:
    """Tell whether Tavus accepts a ``test`` that is certainly true: of the id of a persona."""
    if before.kind != "persona":
        return False
    test = Operation("test", "/persona_id", before.object_id)
    try:
        await app.api.patch_object(ENDPOINTS[before.kind], before.object_id, [test], {})
    except TavusError:
        return False
    return True
