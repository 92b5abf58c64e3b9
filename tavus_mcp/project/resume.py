"""Bring the state of an environment up to date after an apply that did not end.

The journal holds what every write of the run was to do and what became of it. A write that was sent
without an answer is looked for in the account, once, so that it is not sent again.
"""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.errors import NotFound, Refused
from tavus_mcp.history.record import may_be_under_way, record_outcome
from tavus_mcp.history.states import find_state
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.receipt import LIVE_STATUSES
from tavus_mcp.project.adapters import ADAPTERS
from tavus_mcp.project.compare import account_fields
from tavus_mcp.project.merge import MergeBase
from tavus_mcp.project.names import to_field_pointers
from tavus_mcp.project.objects import WriteResult
from tavus_mcp.project.runs import RunWrite, find_open_run, load_writes
from tavus_mcp.project.state import EnvironmentState
from tavus_mcp.project.written_objects import WrittenObject, note_written


async def recover_state(app: App, state: EnvironmentState) -> EnvironmentState:
    """Return the state with everything that an interrupted run has done.

    It is the same state if no run is open, or if the journal of this machine does not hold it.
    Raises ``Conflict`` when it is not known which object an interrupted creation made.
    """
    run = await find_open_run(app, state.run)
    if run is None:
        return state
    for write in await load_writes(app, run):
        state = await _recover_write(app, state, write)
    return state


async def _recover_write(app: App, state: EnvironmentState, write: RunWrite) -> EnvironmentState:
    if write.outcome is None:
        return await _recover_unanswered(app, state, write)
    if write.outcome.status not in LIVE_STATUSES:
        return state
    if _is_deletion(write):
        return _without_deleted(state, write)
    document = await ADAPTERS[write.name.folder].load_outcome(app, write.outcome)
    if document is None:
        return state
    return await _note(app, state, write, WriteResult(document.object_id, document))


async def _recover_unanswered(
    app: App, state: EnvironmentState, write: RunWrite
) -> EnvironmentState:
    """Look for the effect of a write without an outcome, and record it."""
    adapter = ADAPTERS[write.name.folder]
    if write.is_creation:
        created = await adapter.find_created(app, write.intent)
        if created is None:
            if not may_be_under_way(app, write.intent):
                await record_outcome(app, write.intent, "unknown")  # it is not looked for again
            return state
        return await _note(app, state, write, WriteResult(created.object_id, created))
    object_id = write.intent.persona_id.rpartition("/")[2]
    try:
        current = await adapter.read(app, object_id)
    except NotFound:
        if not _is_deletion(write):
            return state
        await record_outcome(app, write.intent, "applied")
        return _without_deleted(state, write)
    if _is_deletion(write) or not adapter.has_taken_effect(app, write.intent, current):
        return state
    await record_outcome(app, write.intent, "applied", current)
    return await _note(app, state, write, WriteResult(object_id, current))


async def _note(
    app: App, state: EnvironmentState, write: RunWrite, result: WriteResult
) -> EnvironmentState:
    """Return the state after a write that took effect."""
    file = write.run.file_fields(write.name)
    if file is None:
        return state
    known = state.objects.get(write.name)
    before: JsonObject | None = None
    if write.is_creation:
        if known is not None and known.object_id == result.object_id:
            return state
        base, synced = MergeBase(), None
    elif known is None or known.object_id != result.object_id:
        return state
    else:
        base, synced = known.base, to_field_pointers(write.intent.paths)
        before = await _load_account_before(app, state, write, base)
    is_created = write.is_creation or bool(known and known.is_created)
    written = WrittenObject(write.name, file, result, base, synced, before, is_created)
    return note_written(app, state, written)


async def _load_account_before(
    app: App, state: EnvironmentState, write: RunWrite, base: MergeBase
) -> JsonObject | None:
    """Return the account before a change, None if the journal does not hold it any more."""
    try:
        document = await find_state(app, write.intent.persona_id, write.intent.revision)
    except Refused:  # an altered entry; the apply goes on without it
        return None
    return account_fields(app, write.name, document, base, state)[0] if document else None


def _is_deletion(write: RunWrite) -> bool:
    return not write.is_creation and not write.intent.paths


def _without_deleted(state: EnvironmentState, write: RunWrite) -> EnvironmentState:
    known = state.objects.get(write.name)
    object_id = write.intent.persona_id.rpartition("/")[2]
    is_same = known is not None and known.object_id == object_id
    return state.with_object(write.name, None) if is_same else state
