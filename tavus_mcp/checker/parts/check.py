"""Check one part: the entry of the checker for everything that a persona points at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from functools import partial
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.check import finding_identity, refusal
from tavus_mcp.checker.parts.part_findings import find_violations
from tavus_mcp.checker.parts.part_rule import CheckedPart
from tavus_mcp.checker.parts.part_schema import check_part_schema
from tavus_mcp.checker.parts.rules import PART_RULES
from tavus_mcp.errors import CheckRefused
from tavus_mcp.models.document import PartKindName, PersonaDocument
from tavus_mcp.models.findings import RuleFinding, sort_by_severity
from tavus_mcp.models.parts.part_document import PartDocument


def check_part(
    kind: PartKindName,
    document: Mapping[str, Any] | PartDocument,
    catalog: Catalog,
    *,
    persona: PersonaDocument | None = None,
) -> list[RuleFinding]:
    """Return all findings about a part, worst first, with JSON Pointers inside the part.

    ``document`` holds the fields of the request that creates the part, and of a skill its
    ``skill_id``. A ``PartDocument`` with an id is a part that was read: fields that Tavus sets are
    not unknown, and masked secrets no mistakes. With ``persona`` the rules run that depend on the
    persona that uses the part.
    """
    part = _read_part(kind, document, persona)
    schema_findings = [*check_part_schema(part)]
    rule_findings = [
        finding
        for rule in PART_RULES
        if kind in rule.kinds
        for finding in find_violations(rule, part, catalog)
    ]
    return sort_by_severity(_merge_findings(schema_findings, rule_findings))


def check_part_change(
    before: PartDocument,
    after: PartDocument,
    catalog: Catalog,
    *,
    allow: Container[str] = frozenset(),
) -> list[RuleFinding]:
    """Return the findings that a change of a part causes; ``before`` is empty for a creation.

    Findings that existed before do not block. ``allow`` names rules that do not block either.
    Raises ``CheckRefused``, with all reasons, for what Tavus would reject.
    """
    known = check_part(before.kind, before, catalog) if before.data else []
    previous = {finding_identity(finding) for finding in known}
    findings = [
        finding
        for finding in check_part(after.kind, after, catalog)
        if finding_identity(finding) not in previous
    ]
    blocking = [item for item in findings if item.blocks_write and item.rule not in allow]
    if blocking:
        raise CheckRefused(partial(refusal, blocking))
    return findings


def _read_part(
    kind: PartKindName, document: Mapping[str, Any] | PartDocument, persona: PersonaDocument | None
) -> CheckedPart:
    if not isinstance(document, PartDocument):
        return CheckedPart(kind, dict(document), persona=persona)
    data = document.data
    if kind == "skill" and "skill_id" not in data:
        data = {**data, "skill_id": document.object_id.rpartition(":")[2]}
    return CheckedPart(kind, data, document.object_id, persona)


def _merge_findings(
    schema_findings: list[RuleFinding], rule_findings: list[RuleFinding]
) -> list[RuleFinding]:
    """Drop schema findings at whose path a rule reports an error: its message says more."""
    reported = Counter(item.path for item in rule_findings if item.severity == "error")
    return [item for item in schema_findings if not reported[item.path]] + rule_findings
