"""Findings about many personas, grouped by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import SEVERITY_ORDER, Finding, RuleFinding
from tavus_mcp.text import count_personas

MAX_DETAILED_GROUPS = 16
"""Most groups with message, hint and source; those after them have a count only."""
MAX_IDS_PER_GROUP = 20
"""Most persona ids of one group; fewer when there are many groups."""
_MAX_NAMED_PERSONAS = 3
"""Most personas whose ids a message gives; it counts more."""
_MAX_TOTAL_IDS = 160
_INDIVIDUAL_FIX_HINT = (
    "Each persona needs values of its own; check_persona shows them. For outdated settings: "
    "plan_bulk_change with this finding and goals=['modernize']."
)


@dataclass
class _Group:
    """The findings of one rule: the first of them, and the ids of the personas.

    ``count`` is the number of personas, ``finding_count`` that of findings.
    """

    example: Finding
    has_same_message: bool = True
    has_same_hint: bool = True
    has_same_path: bool = True
    count: int = 0
    finding_count: int = 0
    persona_ids: list[str] = field(default_factory=list)

    def add(self, persona_id: str, finding: Finding) -> None:
        self.count += 1
        self.has_same_message = self.has_same_message and finding.message == self.example.message
        self.has_same_hint = self.has_same_hint and finding.hint == self.example.hint
        self.has_same_path = self.has_same_path and finding.path == self.example.path
        if len(self.persona_ids) < MAX_IDS_PER_GROUP:
            self.persona_ids.append(persona_id)

    @property
    def message(self) -> str:
        """The message of the findings, or an example of it if they have several."""
        opening = "" if self.has_same_message else "For example: "
        return f"{opening}{self.example.message}"

    @property
    def message_with_ids(self) -> str:
        """The message of the first finding, with the personas: their ids if they are few."""
        opening = count_personas(self.count)
        if self.count <= _MAX_NAMED_PERSONAS:
            opening += f" ({', '.join(self.persona_ids)})"
        opening += "" if self.has_same_message else ", for example"
        return f"{opening}: {self.example.message}"

    @property
    def path(self) -> str:
        """The field that the findings are about, if it is the same in all."""
        return self.example.path if self.has_same_path else ""

    @property
    def hint(self) -> str | None:
        """The hint of the findings if all have the same, else where to get each one's."""
        return self.example.hint if self.has_same_hint else _INDIVIDUAL_FIX_HINT


class FindingSummary:
    """Groups findings by rule and counts their personas."""

    def __init__(self, severity: str = "info") -> None:
        self._max_severity_order = SEVERITY_ORDER[severity]
        self._groups: dict[tuple[str, str], _Group] = {}
        self.counts: Counter[str] = Counter()

    def add(self, persona_id: str, findings: Iterable[Finding]) -> None:
        """Add the findings about one persona; it counts once for each rule."""
        added = set()
        for finding in findings:
            if SEVERITY_ORDER[finding.severity] > self._max_severity_order:
                continue
            self.counts[finding.severity] += 1
            rule = finding.rule if isinstance(finding, RuleFinding) else None
            key = (finding.severity, rule or finding.message)
            group = self._groups.setdefault(key, _Group(finding))
            group.finding_count += 1
            if key not in added:
                added.add(key)
                group.add(persona_id, finding)

    def groups(self) -> list[JsonObject]:
        """Return a row for each rule: most severe first, then those with a fix, then frequent."""
        ranked = self._ranked_groups()
        max_ids = min(MAX_IDS_PER_GROUP, max(3, _MAX_TOTAL_IDS // max(1, len(ranked))))
        return [
            _detailed_row(group, max_ids) if index < MAX_DETAILED_GROUPS else _summary_row(group)
            for index, group in enumerate(ranked)
        ]

    def findings(self, limit: int) -> list[Finding]:
        """Return one finding for each of the first ``limit`` rules, with its personas."""
        return [
            group.example.model_copy(
                update={
                    "message": group.message_with_ids,
                    "hint": group.hint,
                    "path": group.path,
                }
            )
            for group in self._ranked_groups()[:limit]
        ]

    def _ranked_groups(self) -> list[_Group]:
        ranked = sorted(
            self._groups.items(),
            key=lambda item: (
                SEVERITY_ORDER[item[0][0]],
                getattr(item[1].example, "fix", None) is None,
                -item[1].count,
                item[0],
            ),
        )
        return [group for _, group in ranked]


def _detailed_row(group: _Group, max_ids: int) -> JsonObject:
    example = group.example
    row = {
        **_summary_row(group),
        "message": group.message,
        "hint": group.hint,
        "source": getattr(example, "source", None),
        "persona_ids": group.persona_ids[:max_ids],
    }
    return {name: value for name, value in row.items() if value is not None}


def _summary_row(group: _Group) -> JsonObject:
    rule = getattr(group.example, "rule", None)
    row = {"rule": rule, "severity": group.example.severity, "personas": group.count}
    has_more = group.finding_count != group.count  # else the counts of findings would not add up
    return {**row, "findings": group.finding_count} if has_more else row
