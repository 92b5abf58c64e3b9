"""Checking a persona: everything at once, and nothing that a change did not touch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.rules import RULES
from tavus_mcp.checker.rules.persona import FIELD_UNDOCUMENTED
from tavus_mcp.checker.schema_check import SHAPE, UNKNOWN_FIELD, VALUE_AS_TEXT, check_schema
from tavus_mcp.errors import Refused
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, sort_by_severity
from tavus_mcp.models.json_patch import Operation

UNKNOWN_FIELDS = frozenset({UNKNOWN_FIELD})
"""What a caller allows who lets fields pass that are not in our schema."""
PRIVATE_URLS = frozenset({"llm-url-private", "llm-url-not-https"})
"""What a caller allows who lets addresses pass that the internet cannot, or should not, reach."""


def check(document: PersonaDocument, catalog: Catalog) -> list[RuleFinding]:
    """Return all findings about a persona, worst first."""
    ruled = [item for rule in RULES for item in rule.findings(document, catalog)]
    shapes = check_schema(document, catalog)
    meant = {
        item.intended_path
        for item in shapes
        if item.intended_path and document.at(item.intended_path) is None
    }
    return sort_by_severity(
        _merge_findings(shapes, [item for item in ruled if item.path not in meant])
    )


def check_change(
    before: PersonaDocument,
    after: PersonaDocument,
    operations: Sequence[Operation],
    catalog: Catalog,
    *,
    allow: frozenset[str] = frozenset(),
) -> list[RuleFinding]:
    """Return the findings that a change brings or touches; refuse what Tavus would reject.

    What was wrong before the change does not stop it. ``allow`` names rules that are
    to remark, not to refuse. Raises ``Refused`` with every reason at once.
    """
    known = {_finding_identity(item) for item in check(before, catalog)}
    touched = [operation.path for operation in operations]
    written = [operation.path for operation in operations if operation.op != "remove"]
    found = check(after, catalog)
    blocking = [
        item
        for item in found
        if item.blocks_write
        and item.rule not in allow
        and (_finding_identity(item) not in known or _is_within(written, item.path))
    ]
    if blocking:
        raise Refused(refusal(blocking))
    return [
        item
        for item in found
        if _finding_identity(item) not in known or _is_affected(touched, item.path)
    ]


def _finding_identity(finding: RuleFinding) -> tuple[str | None, str, str]:
    """Return what makes a finding the same as before, wherever its list item stands by now."""
    places = ["*" if token.isdecimal() else token for token in finding.path.split("/")]
    return finding.rule, "/".join(places), finding.message


def _merge_findings(shapes: list[RuleFinding], ruled: list[RuleFinding]) -> list[RuleFinding]:
    """Say one thing once: where a rule speaks of a place, its words stand for the schema's."""
    spoken = {item.path: item.severity for item in ruled}
    covered = [item.path for item in ruled if item.covers_subtree]
    wrong = {item.path for item in shapes if item.rule == SHAPE}
    kept = [
        item
        for item in shapes
        if spoken.get(item.path) not in _SUPERSEDING_SEVERITIES[item.rule or ""]
        and not _is_within(covered, item.path)
    ]
    places = Counter(item.path for item in ruled)
    return kept + [
        item.model_copy(update={"blocks_write": item.blocks_write or _supersedes(item, wrong)})
        if item.severity == "error"
        else item
        for item in ruled
        if item.rule != FIELD_UNDOCUMENTED or places[item.path] == 1
    ]


def _supersedes(finding: RuleFinding, wrong: set[str]) -> bool:
    return finding.path in wrong or (
        finding.covers_subtree and any(_is_within([finding.path], one) for one in wrong)
    )


# A rule stands for the schema's words when it is about the same mistake: an error where the shape
# is wrong, whatever it says where the field is unknown.
_SUPERSEDING_SEVERITIES: Mapping[str, tuple[str, ...]] = {
    SHAPE: ("error",),
    VALUE_AS_TEXT: ("error",),
    UNKNOWN_FIELD: ("error", "warning", "info"),
}


def refusal(blocking: Sequence[RuleFinding]) -> str:
    """Say why nothing was sent: each reason with its place and what to do instead.

    What does not fit the schema says itself what is allowed; its hint mends a persona that has it.
    """
    reasons = (
        f"{item.path}: {item.message}"
        + (f" {item.hint}" if item.hint and item.rule not in (SHAPE, UNKNOWN_FIELD) else "")
        for item in blocking
    )
    return "Refused before anything was sent. " + " ".join(reasons)


def _is_within(parent_paths: Sequence[str], path: str) -> bool:
    return any(path == one or path.startswith(one + "/") for one in parent_paths)


def _is_affected(changed_paths: Sequence[str], path: str) -> bool:
    return _is_within(changed_paths, path) or any(
        one.startswith(path + "/") for one in changed_paths
    )
