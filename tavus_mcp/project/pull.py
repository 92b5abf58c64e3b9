"""Update the files of a project from an account by a three-way merge.

What was changed only in the account is taken over; what was changed on both sides is a conflict
that is settled for one side or left as it is. Comments in the files stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.document import Document
from tavus_mcp.project.adapters import ADAPTERS
from tavus_mcp.project.compare import (
    ComparedObject,
    Comparison,
    account_fields,
    compare_object,
    is_conflict,
    read_objects,
)
from tavus_mcp.project.file_update import FileEdits, build_new_source, choose_name, update_source
from tavus_mcp.project.folder import Project
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.merge import MergeBase, MergedField, Side, compose
from tavus_mcp.project.plan import ObjectConflict, Resolution, describe_conflict
from tavus_mcp.project.state import EnvironmentState, ObjectState, save_state
from tavus_mcp.project.sync import accept_account, sync_base
from tavus_mcp.project.text_pool import TextPool
from tavus_mcp.text import quote_path, quote_paths

_SETTLED = "settled for the file"
"""The outcome of an object whose conflicts were settled so, where nothing else was done."""


@dataclass(frozen=True)
class PullOptions:
    """``names`` are the objects to pull, all known ones if empty; ``takes_new`` adds the others.

    ``links`` name by hand the id of the object in the account that a file is to be linked to.
    """

    names: Collection[ObjectName] = ()
    takes_new: bool = False
    resolve: Resolution = ""
    links: Mapping[ObjectName, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PulledObject:
    """What became of an object: a word for it, the fields taken over, and what was left.

    ``unsettled`` are sentences on what needs a decision, ``remarks`` on what is worth knowing;
    ``conflicts`` are fields that were changed on both sides.
    """

    name: ObjectName
    outcome: str
    fields: Sequence[str] = ()
    unsettled: Sequence[str] = ()
    remarks: Sequence[str] = ()
    conflicts: Sequence[ObjectConflict] = ()

    @property
    def is_open(self) -> bool:
        """True if something needs a decision."""
        return bool(self.unsettled or self.conflicts)


@dataclass(frozen=True)
class PullResult:
    """What became of the objects that were not in sync.

    ``left_count`` is the number of objects in the account that have no file afterwards; 0 when
    objects were named.
    """

    objects: Sequence[PulledObject]
    left_count: int = 0


@dataclass
class _Pull:
    """The state of one pull: the files to write, and the environment before (known) and after."""

    app: App
    project: Project
    options: PullOptions
    known: EnvironmentState
    state: EnvironmentState
    edits: FileEdits
    pulled: list[PulledObject] = field(default_factory=list)


async def pull(
    app: App,
    project: Project,
    comparison: Comparison,
    options: PullOptions,
    report_progress: ProgressCallback,
) -> list[PulledObject]:
    """Update the files and the state; return what became of each object that is not in sync.

    Raises ``InvalidArgument`` for a name that is nowhere, ``OSError`` when a file cannot be
    written.
    """
    run = _Pull(app, project, options, comparison.state, comparison.state, FileEdits(project))
    _require_known(comparison, options.names)
    adopted = _choose_adopted(comparison, options)
    new_names = _choose_new(project, comparison, options)
    objects = [*adopted.items(), *new_names.items()]
    documents = await read_objects(app, objects, report_progress, TextPool())
    _require_linked(project, comparison, options, documents)
    for name, object_id in [*adopted.items(), *new_names.items()]:
        if name in documents:
            run.state = _link(run.state, name, object_id)
    for name in list(comparison.state.objects):
        if name not in comparison.objects:
            run.state = run.state.with_object(name, None)
    for name, item in comparison.objects.items():
        if not options.names or name in options.names:
            _pull_object(run, _compare_again(run, item, documents))
    for name in new_names:
        if name in documents:
            _pull_new(run, name, documents[name])
    run.edits.write()
    save_state(project.folder, run.state)
    return run.pulled


def _compare_again(
    run: _Pull, item: ComparedObject, documents: Mapping[ObjectName, Document]
) -> ComparedObject:
    """Return an object compared with what it is linked to now; ids in it may have names by now."""
    document = documents.get(item.name, item.document if documents else None)
    if document is None:
        return item
    found = compare_object(run.app, run.state, item.name, item.rendered, document)
    return item if found is None else found


def _require_known(comparison: Comparison, names: Collection[ObjectName]) -> None:
    unknown = [str(name) for name in names if name not in comparison.objects]
    if unknown:
        raise InvalidArgument(
            [f"{name}: there is no such object in the project or its state." for name in unknown]
        )


def _link(state: EnvironmentState, name: ObjectName, object_id: str) -> EnvironmentState:
    """Return the state in which a file stands for an object, also for that of a file that is gone.

    The merge base of an object stays when its file was renamed.
    """
    holder = state.find_name(name.folder, object_id)
    if holder is not None:
        return state.renamed(holder, name)
    return state.with_object(name, ObjectState(object_id))


def _require_linked(
    project: Project,
    comparison: Comparison,
    options: PullOptions,
    documents: Mapping[ObjectName, Document],
) -> None:
    """Raise ``InvalidArgument`` for ids that cannot be linked to the named files."""
    problems = []
    for name, object_id in options.links.items():
        own = [known for known, item in options.links.items() if item == object_id]
        holder = comparison.state.find_name(name.folder, object_id)
        if name not in documents:
            problems.append(f"{name}={object_id}: the account has no {name.kind.noun} of this id.")
        elif holder != name and holder in project.sources:
            problems.append(f"{name}={object_id}: this is {holder} already.")
        elif any(other != name and other.folder == name.folder for other in own):
            problems.append(f"{name}={object_id}: an object can have one file only.")
    if problems:
        raise InvalidArgument(problems)


def _choose_adopted(comparison: Comparison, options: PullOptions) -> dict[ObjectName, str]:
    """Return the objects of the account to link to files that have none.

    An object that has the name in several files is linked to none of them.
    """
    found = {
        name: item.twins[0].object_id
        for name, item in comparison.objects.items()
        if item.state is None
        and len(item.twins) == 1
        and (name in options.names or not options.names)
        and name not in options.links
    }
    used = Counter(
        (name.folder, object_id) for name, object_id in [*found.items(), *options.links.items()]
    )
    return {
        **options.links,
        **{name: item for name, item in found.items() if used[name.folder, item] == 1},
    }


def _choose_new(
    project: Project, comparison: Comparison, options: PullOptions
) -> dict[ObjectName, str]:
    """Return names for the objects that are only in the account, if they are wanted."""
    if not options.takes_new:
        return {}
    taken = {*comparison.objects, *project.sources}
    linked = {row.object_id for item in comparison.objects.values() for row in item.twins}
    linked |= set(options.links.values())
    names: dict[ObjectName, str] = {}
    for folder, rows in comparison.only_remote.items():
        for row in rows:
            if row.object_id not in linked:
                name = choose_name(folder, row.name or row.object_id, {*taken, *names})
                names[name] = row.object_id
    return names


def _pull_new(run: _Pull, name: ObjectName, document: Any) -> None:
    account, _ = account_fields(run.app, name, document, MergeBase(), run.state)
    fields, dropped = build_new_source(run.edits, name, account)
    is_same = ADAPTERS[name.folder].build_equivalence(run.app)
    base = sync_base(MergeBase(), fields, account, is_same)
    item = ObjectState(document.object_id, base, document.digest)
    run.state = run.state.with_object(name, item)
    remarks = [
        f"{quote_path(pointer)}: the account has a secret here that nothing returns. Name it by "
        f"reference."
        for pointer in dropped
    ]
    run.pulled.append(PulledObject(name, "added", remarks=remarks))


def _pull_object(run: _Pull, item: ComparedObject) -> None:
    if item.is_deleted_locally:
        _pull_deleted_locally(run, item)
    elif item.is_deleted_remotely:
        _pull_deleted_remotely(run, item)
    elif item.document is not None:
        _pull_fields(run, item)
    elif item.twins:
        ids = ", ".join(row.object_id for row in item.twins)
        reason = (
            "several objects have" if len(item.twins) > 1 else "several files and one object have"
        )
        message = f"{reason} this name: {ids}. Name one: tavus-mcp pull {item.name}=ID"
        run.pulled.append(PulledObject(item.name, "left", unsettled=[message]))


def _pull_deleted_locally(run: _Pull, item: ComparedObject) -> None:
    """Leave a deletion of the file alone, unless the object was changed or is named."""
    is_wanted = run.options.resolve == "live" or item.name in run.options.names
    if is_wanted and item.document is not None:
        _pull_new(run, item.name, item.document)
        run.pulled[-1] = replace(run.pulled[-1], outcome="brought back")
        known = item.state
        found = run.state.objects[item.name]
        is_created = known is not None and known.is_created
        run.state = run.state.with_object(item.name, replace(found, is_created=is_created))
    elif is_conflict(item) and run.options.resolve != "file":
        message = (
            "its file is gone, and it was changed in the account. --resolve live brings it back, "
            + (
                "apply --prune --resolve file deletes it."
                if item.is_prunable
                else "apply --prune forgets it."
            )
        )
        run.pulled.append(PulledObject(item.name, "left", unsettled=[message]))


def _pull_deleted_remotely(run: _Pull, item: ComparedObject) -> None:
    if run.options.resolve == "file":
        run.state = run.state.with_object(item.name, None)
        run.pulled.append(PulledObject(item.name, "to be created by apply"))
    elif is_conflict(item) and run.options.resolve != "live":
        message = (
            "it was deleted in the account, and its file was changed. --resolve live removes the "
            "file, --resolve file makes the next apply create it again."
        )
        run.pulled.append(PulledObject(item.name, "left", unsettled=[message]))
    else:
        remarks = [
            f"{path} is left; no other file names it." for path in run.edits.remove(item.name)
        ]
        run.state = run.state.with_object(item.name, None)
        run.pulled.append(PulledObject(item.name, "removed", remarks=remarks))


def _pull_fields(run: _Pull, item: ComparedObject) -> None:
    assert item.rendered is not None and item.document is not None  # noqa: S101, PT018 - has both
    resolve = run.options.resolve
    taken = [merged for merged in item.fields if _is_taken(merged, resolve)]
    conflicts = (
        [] if resolve else [describe_conflict(run.app, item, merged) for merged in item.conflicts]
    )
    written, unsettled = update_source(run.edits, item.rendered, taken)
    accepted = {merged.pointer for merged in written}
    file = compose(
        item.fields,
        lambda merged: merged.account if merged.pointer in accepted else merged.file,
    )
    is_same = ADAPTERS[item.name.folder].build_equivalence(run.app)
    base = sync_base(item.base, file, item.account, is_same, accepted, item.unread)
    if resolve == "file":
        base = accept_account(base, item.account, [merged.pointer for merged in item.conflicts])
    known = run.state.objects.get(item.name)
    state = ObjectState(
        item.document.object_id,
        base,
        item.document.digest,
        is_created=bool(known and known.is_created),
    )
    run.state = run.state.with_object(item.name, state)
    paths = [merged.pointer for merged in written]
    settled = [merged.pointer for merged in item.conflicts] if resolve == "file" else []
    is_new_link = _is_new_link(run.known.objects.get(item.name), item.document)
    if written or unsettled or conflicts or is_new_link:
        outcome = "updated" if written else "linked" if is_new_link else "left"
        remarks = [f"{_SETTLED}: {quote_paths(settled)}"] if settled else []
        run.pulled.append(PulledObject(item.name, outcome, paths, unsettled, remarks, conflicts))
    elif settled:
        run.pulled.append(PulledObject(item.name, _SETTLED, settled))


def _is_new_link(known: ObjectState | None, document: Document) -> bool:
    """Tell whether a file stood for nothing, or for another object, before the pull."""
    return known is None or known.object_id != document.object_id or known.base == MergeBase()


def _is_taken(merged: MergedField, resolve: Resolution) -> bool:
    return merged.side is Side.REMOTE or (merged.side is Side.CONFLICT and resolve == "live")
