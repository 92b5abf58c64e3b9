"""Find a change in the journal, and the request that undoes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tavus_mcp.app import App
from tavus_mcp.errors import Refused
from tavus_mcp.history.accounts import require_own_persona
from tavus_mcp.history.revisions import load_revision
from tavus_mcp.history.revivals import REVIVES, describe_former_id
from tavus_mcp.history.states import has_revision
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.json_patch import outermost_list
from tavus_mcp.models.receipt import LIVE_STATUSES
from tavus_mcp.personas.restore import RestoreRequest

_DELETION = "delete_persona"


class IsCreation(Refused):
    """The change created the persona, so that only a deletion undoes it; nothing was sent."""


async def build_undo_request(
    app: App,
    persona_id: str,
    after_revision: str = "",
    *,
    overwrite: Sequence[str] = (),
    dry_run: bool = False,
) -> RestoreRequest:
    """Return the request that undoes one change of a persona.

    ``after_revision`` is the revision that the change led to, by default that of the last change
    that this journal recorded; ``overwrite`` names fields to restore although they were edited
    since. Raises ``Refused`` when the journal holds no such change, ``IsCreation`` when it created
    the persona.
    """
    intent, outcome = await _find_change(app, persona_id, after_revision)
    if outcome.tool == _DELETION:
        return RestoreRequest(persona_id, intent.revision, dry_run=dry_run)
    if not intent.revision:
        former_id = outcome.detail.get(REVIVES, "")
        raise IsCreation(
            f"Revision {outcome.revision} of persona {persona_id!r} is its creation. "
            + (f"{describe_former_id(former_id)} " if former_id else "")
            + "To undo a creation, delete the persona."
        )
    request = await undo_request_of(app, intent, outcome)
    return replace(request, overwrite=overwrite, dry_run=dry_run)


async def undo_request_of(app: App, intent: JournalEntry, outcome: JournalEntry) -> RestoreRequest:
    """Return the request that restores the fields that a recorded change touched, and no others."""
    before = await load_revision(app, intent.persona_id, intent.revision)
    paths = dict.fromkeys(outermost_list(before.data, path) for path in intent.paths)
    return RestoreRequest(
        intent.persona_id, intent.revision, tuple(paths), after_revision=outcome.revision
    )


async def _find_change(
    app: App, persona_id: str, after_revision: str
) -> tuple[JournalEntry, JournalEntry]:
    """Return the intent and the outcome of a change that was carried out."""
    entries = await app.journal.entries_of_persona(persona_id)
    intents = {entry.seq: entry for entry in entries if entry.kind == "intent"}
    for outcome in entries:  # newest first
        is_change = outcome.kind == "outcome" and outcome.status in LIVE_STATUSES
        if not is_change or (after_revision and not has_revision(outcome, after_revision)):
            continue
        if outcome.ref in intents:
            return intents[outcome.ref], outcome
        creation = await app.journal.entry(outcome.ref)
        if creation is not None and outcome.revision:
            return creation, outcome
    await require_own_persona(app, persona_id)
    change = f"change that led to revision {after_revision}" if after_revision else "change"
    raise Refused(
        f"The journal on this machine holds no {change} of persona {persona_id!r}, so there is "
        "nothing to undo."
    )
