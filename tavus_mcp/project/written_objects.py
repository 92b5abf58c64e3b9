"""Bring the state of an environment up to date with an object that was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tavus_mcp.app import App
from tavus_mcp.models.base import JsonObject
from tavus_mcp.project.adapters import ADAPTERS
from tavus_mcp.project.compare import account_fields
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.merge import MergeBase
from tavus_mcp.project.objects import WriteResult
from tavus_mcp.project.state import EnvironmentState, ObjectState
from tavus_mcp.project.sync import sync_base


@dataclass(frozen=True)
class WrittenObject:
    """An object that was written, and what was known of it before.

    ``file`` holds the fields of its file, ``base`` the base of the last sync, empty if there was
    none, and ``before`` the fields in the account before the write, None if they are not known.
    ``synced`` are the pointers of the fields that were sent, None for all of them. ``is_created``
    says that this project created the object, now or earlier.
    """

    name: ObjectName
    file: JsonObject
    result: WriteResult
    base: MergeBase = field(default_factory=MergeBase)
    synced: Sequence[str] | None = None
    before: JsonObject | None = None
    is_created: bool = True


def note_written(app: App, state: EnvironmentState, written: WrittenObject) -> EnvironmentState:
    """Return the state after a write; an object that was not read back counts as written."""
    name, result, base, file = written.name, written.result, written.base, written.file
    unread: frozenset[str] = frozenset()
    account, digest = file, ""
    if result.document is not None:
        account, unread = account_fields(app, name, result.document, base, state)
        digest = result.document.digest
    is_same = ADAPTERS[name.folder].build_equivalence(app)
    new_base = sync_base(base, file, account, is_same, written.synced, unread, written.before)
    item = ObjectState(result.object_id, new_base, digest, is_created=written.is_created)
    return state.with_object(name, item)
