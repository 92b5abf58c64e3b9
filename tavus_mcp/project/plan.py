"""What an apply would do: the objects to create, to change and to delete, in order, and a digest.

Everything is checked here, so that nothing is written unless all of it is right.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from tavus_mcp.app import App
from tavus_mcp.errors import Refused, ToolFailure
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding, RuleFinding
from tavus_mcp.models.json_patch import ABSENT, diff, is_within, pointer_tokens
from tavus_mcp.models.receipt import FieldChange, changes_of
from tavus_mcp.personas.secret_receivers import SECRET_RECEIVER
from tavus_mcp.personas.secret_references import KEY_REFERENCE_FIELD
from tavus_mcp.project.adapters import ADAPTERS
from tavus_mcp.project.compare import ComparedObject, Comparison, Status, is_conflict
from tavus_mcp.project.kinds import PERSONA, ObjectName
from tavus_mcp.project.merge import MergedField, Side, compose
from tavus_mcp.project.names import FindId, with_ids
from tavus_mcp.project.problems import Problem
from tavus_mcp.project.refusals import RefusedProject, list_reasons, locate
from tavus_mcp.project.secret_names import iter_secret_names
from tavus_mcp.text import quote_foreign_names, quote_path

DIGEST_CHARS = 12
_PLACEHOLDER_PREFIX = "new-"
Resolution = Literal["", "file", "live"]
"""Which side a conflict is settled for; empty for none."""


class Action(StrEnum):
    """What is done with an object; ``FORGET`` leaves it in the account and out of the state."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    FORGET = "forget"


@dataclass(frozen=True)
class PlanOptions:
    """What an apply may do.

    ``prune`` deletes objects whose file is gone; ``allow`` names rules that do not refuse;
    ``resent_secrets`` are sent although their reference is the same, as their value may be new.
    ``accepts_unchecked`` is that of ``WriteOptions``.
    """

    resolve: Resolution = ""
    prune: bool = False
    allow: Container[str] = frozenset()
    resent_secrets: frozenset[str] = frozenset()
    accepts_unchecked: bool = False


@dataclass(frozen=True)
class PlannedItem:
    """An object to write: ``fields`` are what it is to be in the account, with names."""

    name: ObjectName
    action: Action
    compared: ComparedObject
    fields: JsonObject = field(default_factory=dict)
    changes: Sequence[FieldChange] = ()
    operations: Sequence[JsonObject] = ()
    findings: Sequence[Finding] = ()

    def wire_fields(self, find_id: FindId) -> JsonObject:
        """Return the fields as they are sent: with ids in place of names."""
        return with_ids(self.fields, find_id) if self.name.kind is PERSONA else self.fields


def select_notable(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that a plan shows: all but remarks, and which host receives a secret."""
    return [
        finding
        for finding in findings
        if finding.severity != "info"
        or (isinstance(finding, RuleFinding) and finding.rule == SECRET_RECEIVER)
    ]


@dataclass(frozen=True)
class ObjectConflict:
    """A field that was changed on both sides, or with an empty pointer an object.

    ``source`` is the path of the file that holds the field, relative to the project.
    """

    name: ObjectName
    pointer: str
    message: str
    base: Any = None
    file: Any = None
    account: Any = None
    source: str = ""

    def __str__(self) -> str:
        """Return what the conflict is about, without the object."""
        return f"{quote_path(self.pointer)}: {self.message}"


def describe_conflict(app: App, item: ComparedObject, merged: MergedField) -> ObjectConflict:
    """Return a field that was changed on both sides, with its values, masked."""
    tokens = pointer_tokens(merged.pointer)
    base, file, account = (
        None if value is ABSENT else app.masker.mask_at(tokens, value)
        for value in (merged.base_file, merged.file, merged.account)
    )
    source = item.rendered.file_of(merged.pointer) if item.rendered else ""
    message = "changed in the file and in the account"
    return ObjectConflict(item.name, merged.pointer, message, base, file, account, source)


@dataclass(frozen=True)
class ProjectPlan:
    """The items in the order in which they are written; ``notes`` say what is left as it is.

    ``renamed`` maps the new names of files that were renamed to the old ones, which is no write;
    nor is settling the conflicts of the objects in ``settled`` for the account.
    """

    environment: str
    items: Sequence[PlannedItem] = ()
    conflicts: Sequence[ObjectConflict] = ()
    notes: Sequence[tuple[ObjectName, str]] = ()
    renamed: Mapping[ObjectName, ObjectName] = field(default_factory=dict)
    settled: Sequence[ObjectName] = ()

    @cached_property
    def digest(self) -> str:
        """The hash of what is to be written; equal plans have equal digests on every machine."""
        rows = [[str(item.name), item.action, list(item.operations)] for item in self.items]
        text = json.dumps([self.environment, rows], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_CHARS]


async def build_plan(app: App, comparison: Comparison, options: PlanOptions) -> ProjectPlan:
    """Return the plan for an account as it was compared.

    Raises ``RefusedProject`` with everything that Tavus would reject. Conflicts are in the plan;
    with one it cannot be carried out.
    """
    draft = _Draft(app, comparison, options)
    for item in comparison.objects.values():
        draft.add(item)
    items = [await draft.check(item) for item in draft.items]
    if draft.problems:
        raise RefusedProject(draft.problems)
    writes = [item for item in items if item.action in (Action.CREATE, Action.UPDATE)]
    removals = [item for item in reversed(items) if item.action in (Action.DELETE, Action.FORGET)]
    return ProjectPlan(
        comparison.environment,
        [*writes, *removals],
        draft.conflicts,
        draft.notes,
        comparison.renamed,
        draft.settled,
    )


def target_fields(item: ComparedObject, resolve: Resolution) -> JsonObject:
    """Return what an object is to be in the account: local changes on top of what it is there."""

    addresses = {
        merged.pointer.rpartition("/")[0]
        for merged in item.fields
        if merged.pointer.endswith("url") and is_sent(merged, resolve)
    }

    def choose(merged: MergedField) -> Any:
        parent, _, name = merged.pointer.rpartition("/")
        if name == KEY_REFERENCE_FIELD and parent in addresses:  # Tavus takes both together
            return merged.file
        return merged.file if is_sent(merged, resolve) else _read_value(item, merged)

    return compose(item.fields, choose)


def is_sent(merged: MergedField, resolve: Resolution) -> bool:
    """Tell whether the value of a file is to be written: a local change, or a settled conflict."""
    return merged.side is Side.LOCAL or (merged.side is Side.CONFLICT and resolve == "file")


def resend_secrets(item: ComparedObject, names: Container[str]) -> ComparedObject:
    """Return an object whose references to some secrets count as changed in the file."""
    pointers = [
        pointer
        for pointer, name in iter_secret_names(item.rendered.fields if item.rendered else {}, ())
        if name.lower() in names
    ]
    if not pointers:
        return item
    fields = [
        replace(merged, side=Side.LOCAL)
        if any(is_within(pointer, [merged.pointer]) for pointer in pointers)
        else merged
        for merged in item.fields
    ]
    return replace(item, fields=fields)


def _read_value(item: ComparedObject, merged: MergedField) -> Any:
    """Return the value of a field in the account, ``ABSENT`` if it was not read."""
    return ABSENT if pointer_tokens(merged.pointer)[0] in item.unread else merged.account


def placeholder_id(name: ObjectName) -> str:
    """Return what stands for the id of an object that is not created yet."""
    return _PLACEHOLDER_PREFIX + hashlib.sha256(str(name).encode()).hexdigest()[:DIGEST_CHARS]


def build_id_finder(ids: Mapping[ObjectName, str], created: Container[ObjectName] = ()) -> FindId:
    """Return the function that finds the id of an object; ``Refused`` if it is in no account."""

    def find_id(name: ObjectName) -> str:
        if name in ids:
            return ids[name]
        if name in created:
            return placeholder_id(name)
        raise Refused(
            f"{name}: it is referred to, and it is not in this account any more. "
            "--resolve file creates it again."
        )

    return find_id


def live_ids(comparison: Comparison) -> dict[ObjectName, str]:
    """Return the ids of the objects that are in the account."""
    return {
        name: item.document.object_id
        for name, item in comparison.objects.items()
        if item.document is not None
    }


@dataclass
class _Draft:
    """Collects the items, conflicts and notes of a plan."""

    app: App
    comparison: Comparison
    options: PlanOptions
    items: list[PlannedItem] = field(default_factory=list)
    conflicts: list[ObjectConflict] = field(default_factory=list)
    notes: list[tuple[ObjectName, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    settled: list[ObjectName] = field(default_factory=list)

    def add(self, item: ComparedObject) -> None:
        """Decide what is done with an object."""
        if item.is_deleted_locally:
            self._add_deleted_locally(item)
        elif item.is_deleted_remotely:
            self._add_deleted_remotely(item)
        elif item.status is Status.ONLY_LOCAL:
            self._add_new(item)
        else:
            self._add_changed(item)

    def _add_new(self, item: ComparedObject) -> None:
        if item.twins:
            ids = quote_foreign_names(row.object_id for row in item.twins)
            message = (
                f"the account has an object of this name that this project does not know ({ids}). "
                f"tavus-mcp pull {item.name} --env {self.comparison.environment} links it to the "
                "file; or choose another name."
            )
            self.conflicts.append(ObjectConflict(item.name, "", message))
            return
        assert item.rendered is not None  # noqa: S101 - an object that is only local has a file
        self._append(item, Action.CREATE, {}, item.rendered.fields)

    def _add_changed(self, item: ComparedObject) -> None:
        item = resend_secrets(item, self.options.resent_secrets)
        if item.conflicts and not self.options.resolve:
            self.conflicts += [
                describe_conflict(self.app, item, merged) for merged in item.conflicts
            ]
            return
        if item.conflicts and self.options.resolve == "live":
            command = f"tavus-mcp pull {item.name} --env {self.comparison.environment}"
            message = f"settled for the account; {command} brings its values into the file"
            self.notes.append((item.name, message))
            self.settled.append(item.name)
        fields = target_fields(item, self.options.resolve)
        if any(is_sent(merged, self.options.resolve) for merged in item.fields):
            before = compose(item.fields, lambda merged: _read_value(item, merged))
            self._append(item, Action.UPDATE, before, fields)

    def _add_deleted_remotely(self, item: ComparedObject) -> None:
        assert item.rendered is not None  # noqa: S101 - what is gone on both sides is not compared
        if self.options.resolve == "file":
            self._append(item, Action.CREATE, {}, item.rendered.fields)
        elif is_conflict(item) and not self.options.resolve:
            message = (
                "it was deleted in the account, and its file was changed since. --resolve file "
                "creates it again; --resolve live leaves it deleted, and pull removes the file."
            )
            self.conflicts.append(ObjectConflict(item.name, "", message))
        else:
            message = "deleted in the account; pull removes the file, --resolve file creates it"
            self.notes.append((item.name, message))

    def _add_deleted_locally(self, item: ComparedObject) -> None:
        command = f"tavus-mcp pull {item.name} --env {self.comparison.environment}"
        if not self.options.prune:
            self.notes.append((item.name, self._describe_unpruned(item)))
        elif not item.is_prunable:
            self._append(item, Action.FORGET, {}, {})
            message = "was not created by this project: it stays in the account, unmanaged"
            self.notes.append((item.name, message))
        elif is_conflict(item) and self.options.resolve != "file":
            message = (
                f"its file is gone, and it was changed in the account since. {command} brings the "
                "file back; --resolve file deletes the object."
            )
            self.conflicts.append(ObjectConflict(item.name, "", message))
        else:
            self._append(item, Action.DELETE, item.account, {})

    def _describe_unpruned(self, item: ComparedObject) -> str:
        """Return what becomes of an object without a file, also when its file has a new name."""
        message = "has no file any more and stays in the account; "
        if item.is_prunable:
            message += "--prune deletes it"
        else:
            message += "--prune forgets it and leaves it there, as this project did not create it"
        if item.document is not None and any(
            other.status is Status.ONLY_LOCAL and other.name.folder == item.name.folder
            for other in self.comparison.objects.values()
        ):
            link = f"{item.name.folder}/NEW_NAME={item.document.object_id}"
            command = f"tavus-mcp pull {link} --env {self.comparison.environment}"
            message += f"; if its file was renamed and edited, link it first: {command}"
        return message

    def _append(
        self, item: ComparedObject, action: Action, before: JsonObject, after: JsonObject
    ) -> None:
        is_write = action in (Action.CREATE, Action.UPDATE)
        operations = diff(before, after) if is_write else []
        defaults = ADAPTERS[item.name.folder].defaults_of_change(self.app, before, after)
        changes = changes_of(before, operations, self.app.masker, defaults)
        wire = [operation.to_json() for operation in operations]
        self.items.append(
            PlannedItem(item.name, action, item, after, changes, self.app.masker.mask(wire))
        )

    async def check(self, item: PlannedItem) -> PlannedItem:
        """Return an item with the findings on it; note why it would be refused."""
        adapter, document = ADAPTERS[item.name.folder], item.compared.document
        if item.action is Action.DELETE and document is not None:
            return replace(item, findings=[adapter.describe_loss(self.app, document)])
        if item.action not in (Action.CREATE, Action.UPDATE):
            return item
        created = {planned.name for planned in self.items if planned.action is Action.CREATE}
        try:
            find_id = build_id_finder(live_ids(self.comparison), created)
            fields = item.wire_fields(find_id)
            if item.action is Action.CREATE or document is None:
                findings = await adapter.check_creation(self.app, fields, self.options.allow)
            else:
                findings = adapter.check_update(self.app, document, fields, self.options.allow)
        except ToolFailure as error:
            self.problems += locate(item.compared.rendered, list_reasons(error))
            return item
        return replace(item, findings=findings)
