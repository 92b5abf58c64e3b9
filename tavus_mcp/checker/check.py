"""Check a whole persona, or a change of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.rule import MAX_FINDINGS_PER_RULE, MORE_FINDINGS_NOTE
from tavus_mcp.checker.rules import RULES
from tavus_mcp.checker.rules.persona import FIELD_UNDOCUMENTED
from tavus_mcp.checker.schema_check import SHAPE, UNKNOWN_FIELD, VALUE_AS_TEXT, check_schema
from tavus_mcp.errors import CheckRefused
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, sort_by_severity
from tavus_mcp.models.json_patch import Operation
from tavus_mcp.text import quote_foreign, quote_path

UNKNOWN_FIELDS = frozenset({UNKNOWN_FIELD})
"""For ``allow``: fields that are not in the schema."""
PRIVATE_URLS = frozenset({"llm-url-private", "llm-url-not-https"})
"""For ``allow``: addresses that are private or without TLS."""


class _EveryRule(Container[str]):
    """Contains every rule."""

    def __contains__(self, rule: object) -> bool:
        """Return True."""
        return True


EVERY_RULE = _EveryRule()
"""For ``allow``: what Tavus had stored may be sent back, whatever a rule says of it."""


def allowed_rules(*, unknown: bool = False, private_url: bool = False) -> frozenset[str]:
    """Return ``allow`` for a caller that lets unknown fields or private addresses pass."""
    return (UNKNOWN_FIELDS if unknown else frozenset()) | (
        PRIVATE_URLS if private_url else frozenset()
    )


def check(document: PersonaDocument, catalog: Catalog) -> list[RuleFinding]:
    """Return all findings about a persona, worst first, each fix once."""
    return _show_fixes_once(find_findings(document, catalog))


def _show_fixes_once(findings: list[RuleFinding]) -> list[RuleFinding]:
    """Return findings whose fix an earlier one has with a reference to it instead."""
    paths: dict[str, str] = {}
    result = []
    for finding in findings:
        first = paths.setdefault(finding.fix_identity, finding.path)
        if finding.fix_identity and first != finding.path:
            hint = f"The fix of {quote_path(first)} fixes this as well."
            finding = finding.model_copy(update={"hint": hint, "fix": None})
        result.append(finding)
    return result


def find_findings(document: PersonaDocument, catalog: Catalog) -> list[RuleFinding]:
    """Return all findings about a persona, worst first, each with its fix."""
    rule_findings = [finding for rule in RULES for finding in rule.findings(document, catalog)]
    schema_findings = _limit_findings(check_schema(document, catalog))
    intended = {
        path
        for finding in schema_findings
        for path in finding.intended_paths
        if document.at(path) is None
    }
    rule_findings = [finding for finding in rule_findings if finding.path not in intended]
    return sort_by_severity(_merge_findings(schema_findings, rule_findings))


def _limit_findings(findings: list[RuleFinding]) -> list[RuleFinding]:
    """Return the first findings of each rule; the last of them says that there are more."""
    counts = Counter(finding.rule for finding in findings)
    limited, listed = [], Counter[str | None]()
    for finding in findings:
        listed[finding.rule] += 1
        if listed[finding.rule] > MAX_FINDINGS_PER_RULE:
            continue
        is_last = listed[finding.rule] == MAX_FINDINGS_PER_RULE < counts[finding.rule]
        message = finding.message + MORE_FINDINGS_NOTE * is_last
        limited.append(finding.model_copy(update={"message": message}) if is_last else finding)
    return limited


def check_change(
    before: PersonaDocument,
    after: PersonaDocument,
    operations: Sequence[Operation],
    catalog: Catalog,
    *,
    allow: Container[str] = frozenset(),
) -> list[RuleFinding]:
    """Return the findings that a change causes or touches; remarks only if they are new.

    Findings that existed before do not block the change. ``allow`` names rules that are reported
    but do not block. Raises ``CheckRefused``, with all reasons, for what Tavus would reject.
    """
    findings, previous = find_findings(after, catalog), _PreviousFindings(before, catalog)
    changed_paths = {operation.path for operation in operations}
    changed_or_above = _all_ancestors(changed_paths)
    blocking = _select_blocking(findings, previous, operations, allow)
    if blocking:
        raise CheckRefused(partial(refusal, blocking))
    return _show_fixes_once(
        [
            finding
            for finding in findings
            if (
                finding.severity != "info"
                and (finding.path in changed_or_above or _is_within(changed_paths, finding.path))
            )
            or finding not in previous
        ]
    )


def blocking_findings(
    before: PersonaDocument,
    after: PersonaDocument,
    operations: Sequence[Operation],
    catalog: Catalog,
    *,
    allow: Container[str] = frozenset(),
) -> list[RuleFinding]:
    """Return the findings for which ``check_change`` would refuse a change."""
    previous = _PreviousFindings(before, catalog)
    return _select_blocking(find_findings(after, catalog), previous, operations, allow)


@dataclass(frozen=True)
class _PreviousFindings(Container[RuleFinding]):
    """The findings from before a change, looked for when that decides on one after it."""

    document: PersonaDocument
    catalog: Catalog

    def __contains__(self, finding: object) -> bool:
        """Return True if there was the same finding before."""
        return isinstance(finding, RuleFinding) and finding_identity(finding) in self._identities

    @cached_property
    def _identities(self) -> frozenset[tuple[str | None, str, str]]:
        return frozenset(map(finding_identity, find_findings(self.document, self.catalog)))


def _select_blocking(
    findings: Sequence[RuleFinding],
    previous: Container[RuleFinding],
    operations: Sequence[Operation],
    allow: Container[str],
) -> list[RuleFinding]:
    """Return the findings that refuse a change: new ones, and those in what is written."""
    written_paths = {operation.path for operation in operations if operation.op != "remove"}
    return [
        finding
        for finding in findings
        if finding.blocks_write
        and finding.rule not in allow
        and (_is_within(written_paths, finding.path) or finding not in previous)
    ]


def finding_identity(finding: RuleFinding) -> tuple[str | None, str, str]:
    """Return a key that stays the same when a list item moves to another index."""
    tokens = ["*" if token.isdecimal() else token for token in finding.path.split("/")]
    # the message about one unknown field depends on the others
    message = "" if finding.rule == UNKNOWN_FIELD else finding.message
    return finding.rule, "/".join(tokens), message


def _merge_findings(
    schema_findings: list[RuleFinding], rule_findings: list[RuleFinding]
) -> list[RuleFinding]:
    """Drop schema findings that a rule reports at the same path: its message is more specific.

    The rule's finding then blocks a write as the schema finding would have.
    """
    severities = {finding.path: finding.severity for finding in rule_findings}
    covered = {finding.path for finding in rule_findings if finding.covers_subtree}
    invalid = {finding.path for finding in schema_findings if finding.rule == SHAPE}
    invalid_or_above = _all_ancestors(invalid)
    reports = Counter(finding.path for finding in rule_findings)
    merged = [
        finding
        for finding in schema_findings
        if severities.get(finding.path) not in _SUPERSEDING_SEVERITIES[finding.rule or ""]
        and not _is_within(covered, finding.path)
    ]
    for finding in rule_findings:
        if finding.rule == FIELD_UNDOCUMENTED and reports[finding.path] > 1:
            continue
        if finding.severity == "error" and _supersedes(finding, invalid, invalid_or_above):
            finding = finding.model_copy(update={"blocks_write": True})
        merged.append(finding)
    return merged


def _supersedes(finding: RuleFinding, invalid_paths: Set[str], invalid_or_above: Set[str]) -> bool:
    covers_one = finding.path in invalid_or_above
    return finding.path in invalid_paths or (finding.covers_subtree and covers_one)


# The severities of a rule's finding that replace a schema finding at the same path: about a wrong
# value only an error is the same mistake, about an unknown field any finding.
_SUPERSEDING_SEVERITIES: Mapping[str, tuple[str, ...]] = {
    SHAPE: ("error",),
    VALUE_AS_TEXT: ("error",),
    UNKNOWN_FIELD: ("error", "warning", "info"),
}


REFUSAL_OPENING = "Refused before anything was sent. "
"""What the text of every refused write begins with."""


def refusal(
    blocking: Sequence[RuleFinding], unserved: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return the text of a refused write, with each reason; see ``refusal_reasons``."""
    return REFUSAL_OPENING + " ".join(refusal_reasons(blocking, unserved))


def refusal_reasons(
    blocking: Sequence[RuleFinding], unserved: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Return each reason to refuse a write, with its path and what to do instead.

    The messages of schema findings say what is allowed; their hints are about stored personas.
    ``unserved`` holds the tools that the server lacks, each with the reason.
    """
    reasons = []
    for finding in blocking:
        has_hint = finding.hint and finding.rule not in (SHAPE, UNKNOWN_FIELD)
        hint = f" {finding.render_hint(unserved)}" if has_hint else ""
        if finding.intended_paths and not finding.message.endswith("?"):
            hint = f" Give {' and '.join(map(quote_foreign, finding.intended_paths))} instead."
        reasons.append(f"{quote_path(finding.path)}: {finding.message}{hint}")
    return reasons


def _is_within(parent_paths: Set[str], path: str) -> bool:
    """Return True for one of these paths, or a path below one of them."""
    return any(ancestor in parent_paths for ancestor in _self_and_ancestors(path))


def _self_and_ancestors(path: str) -> Iterator[str]:
    """Yield a path and every path above it; of sets of them, lookups stay fast in big documents."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def _all_ancestors(paths: Iterable[str]) -> frozenset[str]:
    """Return these paths and every path above one of them."""
    return frozenset(ancestor for path in paths for ancestor in _self_and_ancestors(path))
