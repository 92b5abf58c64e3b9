"""What the commands of projects print: as JSON objects with a version, and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tavus_mcp.cli.command_texts import describe_error, describe_finding
from tavus_mcp.cli.conflict_report import conflict_lines, diff_lines
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import FieldChange
from tavus_mcp.models.text_differences import abridge
from tavus_mcp.project.apply import ApplyResult
from tavus_mcp.project.compare import ComparedObject, Comparison, Status, is_conflict
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.plan import ObjectConflict, ProjectPlan, select_notable
from tavus_mcp.project.problems import Problem
from tavus_mcp.project.pull import PulledObject, PullResult
from tavus_mcp.project.undo import UndoResult
from tavus_mcp.server.compact_rows import format_change
from tavus_mcp.server.text_rendering import without_nulls
from tavus_mcp.text import count_of, quote_path, render_name, truncate

STATUS_SCHEMA = "tavus-mcp/status/1"
PLAN_SCHEMA = "tavus-mcp/plan/1"
APPLY_SCHEMA = "tavus-mcp/apply/1"
PULL_SCHEMA = "tavus-mcp/pull/1"
UNDO_SCHEMA = "tavus-mcp/undo/1"
VALIDATE_SCHEMA = "tavus-mcp/validate/1"
_ELLIPSIS = "…"
"""Stands in changes for what is left out of a long value."""
_NOTES: Mapping[str, str] = {
    Status.ONLY_LOCAL: "only local: a file whose object is not in the account; apply creates it",
    Status.ONLY_REMOTE: (
        "only remote: an object of the account without a file; pull --all writes one"
    ),
    "renamed": (
        "renamed: the file has a new name; apply records that in the state and sends nothing"
    ),
}
"""What statuses mean that do not say it themselves."""
_STATUS_COLUMN_CHARS, _MAX_CHANGE_CHARS = 22, 400


def status_data(comparison: Comparison) -> JsonObject:
    """Return the status of every object."""
    return {
        "schema": STATUS_SCHEMA,
        "environment": comparison.environment,
        "objects": [
            {
                "object": str(item.name),
                "id": item.document.object_id if item.document else None,
                "status": item.status.value,
                "conflict": is_conflict(item),
                "deleted": deletion_side(item),
                "prune": _prune_action(item),
                "fields": [
                    {"path": merged.pointer, "side": merged.side.value}
                    for merged in item.fields
                    if not merged.is_settled
                ],
            }
            for item in comparison.objects.values()
        ],
        "only_remote": comparison.list_only_remote(),
        "renamed": _rename_data(comparison.renamed),
    }


def status_text(comparison: Comparison) -> str:
    """Return one line for each object, what the words mean that need it, and a summary."""
    lines = [f"environment: {comparison.environment}", *_rename_lines(comparison.renamed)]
    for item in comparison.objects.values():
        paths = [quote_path(merged.pointer) for merged in item.fields if not merged.is_settled]
        detail = f"deleted {deletion_side(item)}" if deletion_side(item) else "  ".join(paths[:4])
        if action := _prune_action(item):
            detail += f"; --prune {action}s it; pull {item.name} brings its file back"
        if is_conflict(item):
            detail = f"conflict: {detail}"
        more = f"  and {len(paths) - 4} more" if len(paths) > 4 else ""
        lines.append(
            f"{item.status.value:{_STATUS_COLUMN_CHARS}} {item.name}  {detail}{more}".rstrip()
        )
    for folder, rows in comparison.only_remote.items():
        lines += [
            f"{Status.ONLY_REMOTE.value:{_STATUS_COLUMN_CHARS}} {folder}: {row.object_id} "
            f"{render_name(row.name)}".rstrip()
            for row in rows
        ]
    counts = Counter(item.status.value for item in comparison.objects.values())
    if remote := sum(map(len, comparison.only_remote.values())):
        counts[Status.ONLY_REMOTE.value] = remote
    if comparison.renamed:
        counts["renamed"] = len(comparison.renamed)
    lines += _explain(counts)
    lines.append("summary: " + (_join_counts(counts) or "no objects"))
    return "\n".join(lines)


def _explain(counts: Counter[str]) -> list[str]:
    return [f"note: {text}" for word, text in _NOTES.items() if counts[word]]


def deletion_side(item: ComparedObject) -> str | None:
    """Return on which side an object was deleted, or None."""
    if item.is_deleted_locally:
        return "locally"
    return "remotely" if item.is_deleted_remotely else None


def _prune_action(item: ComparedObject) -> str | None:
    """Return what ``--prune`` does with an object, None if it has a file."""
    if not item.is_deleted_locally:
        return None
    return "delete" if item.is_prunable else "forget"


def _join_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def plan_data(plan: ProjectPlan) -> JsonObject:
    """Return the plan: its digest, its items in order, and what prevents it."""
    return {
        "schema": PLAN_SCHEMA,
        "environment": plan.environment,
        "digest": plan.digest,
        "items": [
            {
                "object": str(item.name),
                "action": item.action.value,
                "changes": [_change_data(change) for change in item.changes],
                "findings": [describe_finding(finding) for finding in item.findings],
            }
            for item in plan.items
        ],
        "conflicts": [_conflict_data(conflict) for conflict in plan.conflicts],
        "notes": [{"object": str(name), "message": message} for name, message in plan.notes],
        "renamed": _rename_data(plan.renamed),
    }


def _change_data(change: FieldChange) -> JsonObject:
    return change.model_dump(mode="json", exclude={"default"})


def _conflict_data(conflict: ObjectConflict) -> JsonObject:
    return {
        "object": str(conflict.name),
        "path": conflict.pointer,
        "message": conflict.message,
        "base": conflict.base,
        "file": conflict.file,
        "account": conflict.account,
    }


def plan_text(plan: ProjectPlan) -> str:
    """Return the plan as people read it."""
    lines = [f"environment: {plan.environment}", *_rename_lines(plan.renamed)]
    is_abridged = False
    for item in plan.items:
        lines.append(f"{item.action.value}: {item.name}")
        changes = [line for change in item.changes for line in _change_lines(change)]
        is_abridged |= any(_ELLIPSIS in line for line in changes)
        lines += [f"  {line}" for line in [*changes, *_finding_lines(item.findings)]]
    if is_abridged:
        command = f"tavus-mcp diff --env {plan.environment} --json"
        lines.append(
            f"note: {_ELLIPSIS} stands for what is left out. The files hold new objects in full; "
            f"{command} shows changed values in full"
        )
    lines += [f"note: {name}: {message}" for name, message in plan.notes]
    lines += conflict_lines(plan.environment, plan.conflicts)
    counts = Counter(f"to {item.action.value}" for item in plan.items)
    if plan.conflicts:
        counts["in conflict"] = len({conflict.name for conflict in plan.conflicts})
    counts += _unsent_counts(plan)
    lines += _explain(counts)
    lines.append("summary: " + (_join_counts(counts) or "nothing to do"))
    if plan.items:
        lines.append(f"digest: {plan.digest}")
    return "\n".join(lines)


def _unsent_counts(plan: ProjectPlan) -> Counter[str]:
    """Return how much an apply does without a request; counts of nothing are left out."""
    counts = {"renamed": len(plan.renamed), "settled for the account": len(plan.settled)}
    return +Counter(counts)


def _rename_lines(renamed: Mapping[ObjectName, ObjectName]) -> list[str]:
    return [f"renamed: {old} -> {new}" for new, old in renamed.items()]


def _rename_data(renamed: Mapping[ObjectName, ObjectName]) -> list[JsonObject]:
    return [{"from": str(old), "to": str(new)} for new, old in renamed.items()]


def _change_lines(change: FieldChange) -> list[str]:
    before, after = change.before, change.after
    if isinstance(before, str) and isinstance(after, str):
        if "\n" in before + after:
            lines = (f"  {line}" for line in diff_lines(before, after)[2:])
            return [f"~ {quote_path(change.path)}:", *lines]
        before, after = abridge(before, after)
    row = {"path": change.path, "before": before, "after": after, "default": change.default}
    line, _ = format_change(without_nulls(row))
    return [truncate(line, _MAX_CHANGE_CHARS)]


def _finding_lines(findings: Iterable[Finding]) -> list[str]:
    return [
        f"{row['severity']}: {_place(finding)}{row['message']} {row['hint'] or ''}".rstrip()
        for finding in select_notable(findings)
        if (row := describe_finding(finding))
    ]


def _place(finding: Finding) -> str:
    return f"{quote_path(finding.path)}: " if finding.path else ""


def apply_data(plan: ProjectPlan, result: ApplyResult) -> JsonObject:
    """Return what became of each item."""
    is_complete = not result.errors and not result.remaining_count
    return {
        "schema": APPLY_SCHEMA,
        "environment": plan.environment,
        "status": "applied"
        if plan.items and is_complete
        else "unchanged"
        if is_complete
        else "partial",
        "run": result.run_id or None,
        "digest": plan.digest,
        "items": [
            {
                "object": str(item.name),
                "action": item.action.value,
                "id": item.object_id or None,
                "error": describe_error(item.error) if item.error else None,
                "findings": [describe_finding(finding) for finding in item.findings],
            }
            for item in result.items
        ],
        "left": result.remaining_count,
        "notes": [{"object": str(name), "message": message} for name, message in plan.notes],
        "renamed": _rename_data(plan.renamed),
    }


_DONE_WORDS = {"create": "created", "update": "updated", "delete": "deleted", "forget": "forgotten"}


def apply_text(plan: ProjectPlan, result: ApplyResult) -> str:
    """Return one line for each item, and how to go on or back."""
    lines = _rename_lines(plan.renamed)
    counts = _unsent_counts(plan)
    for item in result.items:
        word = "failed" if item.error else _DONE_WORDS[item.action.value]
        counts[word] += 1
        lines.append(f"{word}: {item.name} {item.object_id}".rstrip())
        lines += [f"  {line}" for line in _finding_lines(item.findings)]
        if item.error:
            lines.append(f"  {describe_error(item.error)}")
    lines += [f"note: {name}: {message}" for name, message in plan.notes]
    if result.remaining_count:
        counts["not reached"] = result.remaining_count
    lines += _explain(counts)
    lines.append("summary: " + (_join_counts(counts) or "nothing to do"))
    if result.run_id:
        lines.append(f"run: {result.run_id}")
    if result.errors or result.remaining_count:
        lines.append("The same command continues with what is left.")
    return "\n".join(lines)


def pull_data(environment: str, pulled: Sequence[PulledObject]) -> JsonObject:
    """Return what became of each object that was not in sync."""
    return {
        "schema": PULL_SCHEMA,
        "environment": environment,
        "objects": [
            {
                "object": str(item.name),
                "outcome": item.outcome,
                "fields": list(item.fields),
                "unsettled": [*map(str, item.conflicts), *item.unsettled],
                "remarks": list(item.remarks),
            }
            for item in pulled
        ],
    }


def pull_text(environment: str, result: PullResult) -> str:
    """Return one line for each object, what needs a decision, and how to pull the others."""
    lines, pulled = [], result.objects
    for item in pulled:
        fields = "  ".join(map(quote_path, item.fields))
        lines.append(f"{item.outcome}: {item.name}  {fields}".rstrip())
        lines += [f"  remark: {remark}" for remark in item.remarks]
        lines += [f"  conflict: {message}" for message in item.unsettled]
    lines += conflict_lines(
        environment, [conflict for item in pulled for conflict in item.conflicts]
    )
    if result.left_count:
        lines.append(
            f"note: {count_of(result.left_count, 'object')} of the account without a file: "
            f"tavus-mcp pull --all --env {environment} writes one for each"
        )
    counts = Counter(item.outcome for item in pulled)
    lines.append("summary: " + (_join_counts(counts) or "nothing to do"))
    if any(item.unsettled for item in pulled):
        lines.append(
            "--resolve file keeps the files, --resolve live takes the account; with a NAME, for "
            "this object only."
        )
    return "\n".join(lines)


def undo_data(result: UndoResult) -> JsonObject:
    """Return what became of each write of the undone run."""
    return {
        "schema": UNDO_SCHEMA,
        "run": result.run_id,
        "undone": result.undone_run_id,
        "items": [
            {
                "object": str(item.name),
                "outcome": item.outcome,
                "id": item.object_id or None,
                "error": describe_error(item.error) if item.error else None,
                "findings": [describe_finding(finding) for finding in item.findings],
            }
            for item in result.items
        ],
    }


def undo_text(result: UndoResult) -> str:
    """Return one line for each write of the undone run."""
    lines = []
    for item in result.items:
        lines.append(f"{item.outcome}: {item.name} {item.object_id}".rstrip())
        lines += [f"  {line}" for line in _finding_lines(item.findings)]
        if item.error:
            lines.append(f"  {describe_error(item.error)}")
    counts = Counter(item.outcome for item in result.items)
    return "\n".join([*lines, f"summary: {_join_counts(counts)}", f"run: {result.run_id}"])


def validate_data(environments: Sequence[str], problems: Sequence[Problem]) -> JsonObject:
    """Return every mistake and remark with its place."""
    return {
        "schema": VALIDATE_SCHEMA,
        "environments": list(environments),
        "problems": [problem.to_json() for problem in problems],
    }
