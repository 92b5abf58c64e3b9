"""Checking a persona: everything at once, and nothing that a change did not touch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.rules import RULES
from tavus_mcp.checker.rules.persona import FIELD_UNDOCUMENTED
from tavus_mcp.checker.schema_check import SHAPE, UNKNOWN_FIELD, VALUE_AS_TEXT, misfits
from tavus_mcp.errors import Refused
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding, by_severity
from tavus_mcp.models.json_patch import Operation

UNKNOWN_FIELDS = frozenset({UNKNOWN_FIELD})
"""What a caller allows who lets fields pass that are not in our schema."""
PRIVATE_URLS = frozenset({"llm-url-private", "llm-url-not-https"})
"""What a caller allows who lets addresses pass that the internet cannot, or should not, reach."""


def check(document: Document, catalog: Catalog) -> list[Finding]:
    """Return all findings about a persona, worst first."""
    ruled = [item for rule in RULES for item in rule.findings(document, catalog)]
    shapes = misfits(document, catalog)
    meant = {item.meant for item in shapes if item.meant and document.at(item.meant) is None}
    return by_severity(_merged(shapes, [item for item in ruled if item.path not in meant]))


def check_change(
    before: Document,
    after: Document,
    operations: Sequence[Operation],
    catalog: Catalog,
    *,
    allow: frozenset[str] = frozenset(),
) -> list[Finding]:
    """Return the findings that a change brings or touches; refuse what Tavus would reject.

    What was wrong before the change does not stop it. ``allow`` names rules that are
    to remark, not to refuse. Raises ``Refused`` with every reason at once.
    """
    known = {_key(item) for item in check(before, catalog)}
    touched = [operation.path for operation in operations]
    written = [operation.path for operation in operations if operation.op != "remove"]
    found = check(after, catalog)
    blocking = [
        item
        for item in found
        if item.blocks
        and item.rule not in allow
        and (_key(item) not in known or _within(written, item.path))
    ]
    if blocking:
        raise Refused(refusal(blocking))
    return [item for item in found if _key(item) not in known or _touches(touched, item.path)]


def _key(item: Finding) -> tuple[str | None, str, str]:
    """Return what makes a finding the same as before, wherever its list item stands by now."""
    places = ["*" if token.isdecimal() else token for token in item.path.split("/")]
    return item.rule, "/".join(places), item.message


def _merged(shapes: list[Finding], ruled: list[Finding]) -> list[Finding]:
    """Say one thing once: where a rule speaks of a place, its words stand for the schema's."""
    spoken = {item.path: item.severity for item in ruled}
    covered = [item.path for item in ruled if item.covers]
    wrong = {item.path for item in shapes if item.rule == SHAPE}
    kept = [
        item
        for item in shapes
        if spoken.get(item.path) not in _TOLD[item.rule or ""] and not _within(covered, item.path)
    ]
    places = Counter(item.path for item in ruled)
    return kept + [
        item.model_copy(update={"blocks": item.blocks or _speaks_for(item, wrong)})
        if item.severity == "error"
        else item
        for item in ruled
        if item.rule != FIELD_UNDOCUMENTED or places[item.path] == 1
    ]


def _speaks_for(item: Finding, wrong: set[str]) -> bool:
    return item.path in wrong or (item.covers and any(_within([item.path], one) for one in wrong))


# A rule stands for the schema's words when it is about the same mistake: an error where the shape
# is wrong, whatever it says where the field is unknown.
_TOLD: Mapping[str, tuple[str, ...]] = {
    SHAPE: ("error",),
    VALUE_AS_TEXT: ("error",),
    UNKNOWN_FIELD: ("error", "warning", "info"),
}


def refusal(blocking: Sequence[Finding]) -> str:
    """Say why nothing was sent: each reason with its place and what to do instead.

    What does not fit the schema says itself what is allowed; its hint mends a persona that has it.
    """
    reasons = (
        f"{item.path}: {item.message}"
        + (f" {item.hint}" if item.hint and item.rule not in (SHAPE, UNKNOWN_FIELD) else "")
        for item in blocking
    )
    return "Refused before anything was sent. " + " ".join(reasons)


def _within(written: Sequence[str], path: str) -> bool:
    return any(path == one or path.startswith(one + "/") for one in written)


def _touches(touched: Sequence[str], path: str) -> bool:
    return _within(touched, path) or any(one.startswith(path + "/") for one in touched)
