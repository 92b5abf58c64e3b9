"""Findings about parts, made of violations."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.parts.part_calls import build_tool_calls
from tavus_mcp.checker.parts.part_rule import CheckedPart, PartRule
from tavus_mcp.checker.rule import MAX_FINDINGS_PER_RULE, MORE_FINDINGS_NOTE, Violation
from tavus_mcp.models.findings import RuleFinding, Severity


def find_violations(rule: PartRule, part: CheckedPart, catalog: Catalog) -> Iterator[RuleFinding]:
    """Yield a finding for each of the first violations of a rule."""
    yield from build_findings(
        part,
        rule.check(part, catalog),
        rule.severity,
        rule=rule.name,
        source=rule.source,
        blocks_write=rule.blocks_write,
    )


def build_findings(
    part: CheckedPart, violations: Iterable[Violation], severity: Severity, **fields: object
) -> Iterator[RuleFinding]:
    """Yield a finding for each of the first violations; the last says if there are more.

    Findings about a stored part have the calls that fix them.
    """
    first = list(itertools.islice(violations, MAX_FINDINGS_PER_RULE + 1))
    if len(first) > MAX_FINDINGS_PER_RULE:
        first[-2].message += MORE_FINDINGS_NOTE
    for violation in first[:MAX_FINDINGS_PER_RULE]:
        finding = violation.finding(severity, "", **fields)
        calls = build_tool_calls(part, violation.fix)
        yield finding.model_copy(update={"fix": calls}) if calls else finding
