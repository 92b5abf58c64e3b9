"""Compare the files of a project with an account, object by object and field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.errors import NotFound, Refused
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.masking import is_masked
from tavus_mcp.project.adapters import ADAPTERS
from tavus_mcp.project.kinds import PERSONA, ObjectName
from tavus_mcp.project.merge import (
    MergeBase,
    MergedField,
    Side,
    has_both_sides,
    merge_fields,
    object_side,
)
from tavus_mcp.project.names import with_names
from tavus_mcp.project.objects import AccountRow
from tavus_mcp.project.render import RenderedObject, RenderedProject
from tavus_mcp.project.revived_objects import follow_revived_objects
from tavus_mcp.project.state import EnvironmentState, ObjectState
from tavus_mcp.project.text_pool import TextPool

_MIN_OBJECTS_OF_ANOTHER_ACCOUNT = 3
"""If all of at least so many objects are missing, the key is probably that of another account."""


class Status(StrEnum):
    """Where an object is, and on which side it was changed."""

    IN_SYNC = "in sync"
    LOCAL = "changed locally"
    REMOTE = "changed remotely"
    BOTH = "changed on both sides"
    ONLY_LOCAL = "only local"
    ONLY_REMOTE = "only remote"


@dataclass(frozen=True)
class ComparedObject:
    """An object of the project, of the state or both, and what it is in the account.

    ``rendered`` is None if its file is gone, ``document`` if it is not in the account. ``account``
    are its fields there, with names. ``twins`` are objects in the account with its name, for one
    that the state does not know. ``unread`` are fields whose value the account did not return.
    """

    name: ObjectName
    status: Status
    rendered: RenderedObject | None = None
    state: ObjectState | None = None
    document: Document | None = None
    account: JsonObject = field(default_factory=dict)
    fields: Sequence[MergedField] = ()
    twins: Sequence[AccountRow] = ()
    unread: frozenset[str] = frozenset()

    @property
    def is_deleted_locally(self) -> bool:
        """True if the object had a file at the last sync and has none now."""
        return self.rendered is None

    @property
    def is_deleted_remotely(self) -> bool:
        """True if the object was in the account at the last sync and is not now."""
        return self.state is not None and self.document is None

    @property
    def is_prunable(self) -> bool:
        """True if this project created the object, so that ``--prune`` deletes it."""
        return self.state is not None and self.state.is_created

    @property
    def conflicts(self) -> list[MergedField]:
        """The fields that were changed on both sides."""
        return [item for item in self.fields if item.side is Side.CONFLICT]

    @property
    def base(self) -> MergeBase:
        """What both sides were at the last sync."""
        return self.state.base if self.state else MergeBase()


@dataclass(frozen=True)
class Comparison:
    """Every object of the project and of its state, and the others of the account.

    ``renamed`` maps the new names of files that were renamed to the old ones.
    """

    environment: str
    state: EnvironmentState
    objects: Mapping[ObjectName, ComparedObject]
    only_remote: Mapping[str, Sequence[AccountRow]] = field(default_factory=dict)
    renamed: Mapping[ObjectName, ObjectName] = field(default_factory=dict)

    @property
    def has_conflict(self) -> bool:
        """Tell whether something was changed on both sides and cannot be merged."""
        return any(map(is_conflict, self.objects.values()))

    @property
    def is_in_sync(self) -> bool:
        """Tell whether nothing has changed; objects that are only in the account do not count."""
        return all(item.status is Status.IN_SYNC for item in self.objects.values())

    def list_only_remote(self) -> list[JsonObject]:
        """Return folder, id and name of each object that is only in the account."""
        return [
            {"folder": folder, "id": row.object_id, "name": row.name}
            for folder, rows in self.only_remote.items()
            for row in rows
        ]


def is_conflict(item: ComparedObject) -> bool:
    """Tell whether an object was changed on both sides and cannot be merged."""
    is_deleted = item.is_deleted_locally or item.is_deleted_remotely
    return bool(item.conflicts) or (is_deleted and item.status is Status.BOTH)


async def read_objects(
    app: App,
    objects: Iterable[tuple[ObjectName, str]],
    report_progress: ProgressCallback,
    pool: TextPool,
) -> dict[ObjectName, Document]:
    """Read objects by their ids, some at a time; those that are not there are left out."""
    pending = list(objects)
    found: dict[ObjectName, Document] = {}
    progress = ProgressReporter(report_progress)

    async def read(item: tuple[ObjectName, str]) -> None:
        name, object_id = item
        with suppress(NotFound):
            found[name] = pool.share_document(await ADAPTERS[name.folder].read(app, object_id))
        await progress.advance(len(pending))

    await concurrency.for_each(pending, read)
    return found


async def list_account(app: App, folders: Iterable[str]) -> dict[str, list[AccountRow]]:
    """Return the rows of the lists of an account, by folder."""
    rows: dict[str, list[AccountRow]] = {folder: [] for folder in folders}

    async def read(folder: str) -> None:
        rows[folder] = await ADAPTERS[folder].list_rows(app)

    await concurrency.for_each(list(rows), read)
    return rows


async def compare(
    app: App,
    rendered: RenderedProject,
    state: EnvironmentState,
    report_progress: ProgressCallback,
) -> Comparison:
    """Compare every object: the lists of the account are read, and every object that is known.

    Raises ``Refused`` when the account seems to be another one, and the errors of the API.
    """
    pool = TextPool(rendered)
    renamed = find_renamed_files(app, rendered, state)
    for new, old in renamed.items():
        state = state.renamed(old, new)
    state = pool.share_state(state)
    rows = await list_account(app, ADAPTERS)
    known = [(name, item.object_id) for name, item in state.objects.items()]
    documents = await read_objects(app, known, report_progress, pool)
    missing = [name for name in state.objects if name not in documents]
    followed = await follow_revived_objects(app, state, missing)
    if followed != state:
        state = followed
        revived = [(name, state.objects[name].object_id) for name in missing]
        documents |= await read_objects(app, revived, report_progress, pool)
    is_many = len(known) >= _MIN_OBJECTS_OF_ANOTHER_ACCOUNT
    if not documents and (is_many or await _are_of_another_account(app, known)):
        raise Refused(
            f"None of the {len(known)} objects of environment {state.environment!r} is in this "
            "account. Is it the key of the right account? Nothing was sent. If they were all "
            f"deleted, remove the file of the state of {state.environment!r} and plan again."
        )
    names = sorted({*rendered, *state.objects}, key=lambda name: name.sort_key)
    objects = {}
    for name in names:
        compared = compare_object(app, state, name, rendered.get(name), documents.get(name))
        if compared is not None and compared.status is Status.ONLY_LOCAL:
            twins = _find_twins(name, rendered[name], rows, state)
            compared = replace(compared, twins=twins)
        if compared is not None:
            objects[name] = compared
    mapped = {(name.folder, item.object_id) for name, item in state.objects.items()}
    others = {
        folder: [row for row in found if (folder, row.object_id) not in mapped]
        for folder, found in rows.items()
    }
    return Comparison(state.environment, state, objects, others, renamed)


async def _are_of_another_account(app: App, objects: Iterable[tuple[ObjectName, str]]) -> bool:
    """Tell whether the journal of this machine knows one of the personas in another account."""
    if not app.journal.may_exist:
        return False
    for name, object_id in objects:
        if name.kind is PERSONA and await app.journal.foreign_account(object_id) is not None:
            return True
    return False


def find_renamed_files(
    app: App, rendered: RenderedProject, state: EnvironmentState
) -> dict[ObjectName, ObjectName]:
    """Return the old names of files that were renamed, by the new ones.

    A file that is not known and holds exactly what one held that is gone is that file; of several
    that are equal it is not known which is which, so that they stay what they are.
    """
    gone = [name for name in state.objects if name not in rendered]
    new = [name for name in rendered if name not in state.objects]
    pairs = [
        (old, name)
        for old in gone
        for name in new
        if old.folder == name.folder
        and _is_equal(app, name, rendered[name].fields, state.objects[old].base.file)
    ]
    return {
        name: old for old, name in pairs if sum(old in pair or name in pair for pair in pairs) == 1
    }


def _is_equal(app: App, name: ObjectName, left: JsonObject, right: JsonObject) -> bool:
    is_same = ADAPTERS[name.folder].build_equivalence(app)
    return object_side(merge_fields(MergeBase(left, left), right, left, is_same)) is Side.NEITHER


def compare_object(
    app: App,
    state: EnvironmentState,
    name: ObjectName,
    rendered: RenderedObject | None,
    document: Document | None,
) -> ComparedObject | None:
    """Compare one object with what the state knows of it; None if it is gone on both sides."""
    if document is None and rendered is None:
        return None
    item = state.objects.get(name)
    is_same = ADAPTERS[name.folder].build_equivalence(app)
    base = item.base if item else MergeBase()
    if document is None:
        assert rendered is not None  # noqa: S101 - one of both is there
        if item is None:
            return ComparedObject(name, Status.ONLY_LOCAL, rendered)
        edits = merge_fields(MergeBase(base.file, base.file), rendered.fields, base.file, is_same)
        status = Status.REMOTE if object_side(edits) is Side.NEITHER else Status.BOTH
        return ComparedObject(name, status, rendered, item)
    account, unread = account_fields(app, name, document, base, state)
    if rendered is None:
        edits = merge_fields(MergeBase(base.account, base.account), base.account, account, is_same)
        status = Status.LOCAL if object_side(edits) is Side.NEITHER else Status.BOTH
        return ComparedObject(name, status, None, item, document, account, unread=unread)
    fields = [
        _prefer_reference(merged)
        for merged in merge_fields(base, rendered.fields, account, is_same)
    ]
    return ComparedObject(
        name, _find_status(fields), rendered, item, document, account, fields, unread=unread
    )


def account_fields(
    app: App,
    name: ObjectName,
    document: Document,
    base: MergeBase,
    state: EnvironmentState,
) -> tuple[JsonObject, frozenset[str]]:
    """Return the fields of an object in the account with names, and those that are unknown.

    An unknown field has the value of the base.
    """
    adapter = ADAPTERS[name.folder]
    fields = adapter.account_fields(app, document)
    unread = adapter.unread_fields(document)
    if name.kind is PERSONA:
        fields = with_names(fields, state.find_name)
        unread = frozenset("tools" if key == "tool_ids" else key for key in unread)
    known = {key: base.account[key] for key in unread if key in base.account}
    return {**fields, **known}, unread


def _prefer_reference(item: MergedField) -> MergedField:
    """Return a field as changed locally if it names a secret of which the account shows a mask.

    Whether that is the same secret cannot be known, so a changed reference is sent.
    """
    if is_masked(item.account) and item.side is Side.CONFLICT:
        return replace(item, side=Side.LOCAL)
    return item


def _find_status(fields: Sequence[MergedField]) -> Status:
    if has_both_sides(fields):
        return Status.BOTH
    by_side = {Side.LOCAL: Status.LOCAL, Side.REMOTE: Status.REMOTE}
    return by_side.get(object_side(fields), Status.IN_SYNC)


def _find_twins(
    name: ObjectName,
    rendered: RenderedObject,
    rows: Mapping[str, Sequence[AccountRow]],
    state: EnvironmentState,
) -> list[AccountRow]:
    """Return the objects of the account that have the name of a new one and no file."""
    own_name = rendered.fields.get(name.kind.name_field)
    return [
        row
        for row in rows.get(name.folder, ())
        if row.name and row.name == own_name and not state.find_name(name.folder, row.object_id)
    ]
