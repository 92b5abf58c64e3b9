"""Follow objects that were deleted and brought back under new ids, as the journal records it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tavus_mcp.app import App
from tavus_mcp.history.record import journal_id
from tavus_mcp.history.revivals import revived_id
from tavus_mcp.personas.restore import find_current
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.state import EnvironmentState


async def follow_revived_objects(
    app: App, state: EnvironmentState, names: Iterable[ObjectName]
) -> EnvironmentState:
    """Return the state in which these objects, which are gone, have the ids that replace theirs.

    The merge base stays: what the object that was brought back lacks is a change in the account.
    """
    if not app.journal.may_exist:
        return state
    for name in names:
        known = state.objects[name]
        new_id = await revived_id(app, journal_id(name.kind.name, known.object_id))
        current = await find_current(app, new_id) if new_id else None
        if current is not None and state.find_name(name.folder, current.object_id) is None:
            state = state.with_object(name, replace(known, object_id=current.object_id))
    return state
