"""Checking a persona: everything at once, and nothing that a change did not touch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tavus_mcp.catalog import Catalog
from tavus_mcp.errors import Refused
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding, by_severity
from tavus_mcp.models.json_patch import Operation, find, pointer_of, tokens
from tavus_mcp.models.masking import MASK, is_masked, masks_in
from tavus_mcp.models.persona import WRITE_ONLY
from tavus_mcp.usecases.misfits import SHAPE, UNKNOWN_FIELD, VALUE_AS_TEXT, misfits
from tavus_mcp.usecases.rules import RULES
from tavus_mcp.usecases.rules.persona import FIELD_UNDOCUMENTED

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


def refuse_masks(operations: Sequence[Operation]) -> None:
    """Refuse to write the mask that stands for a secret."""
    masked = [item.path for item in operations if _writes_mask(item)]
    if masked:
        raise Refused(
            f"{', '.join(masked)}: this is the mask that stands for a secret, not the secret. "
            "Leave the field out to keep the stored key, or name a new one with api_key_ref."
        )


def refuse_mixed_conferencing(operations: Sequence[Operation]) -> None:
    """Refuse to change the meeting identity together with anything else (vendor: meetings)."""
    meeting = [item for item in operations if item.path.startswith("/layers/conferencing")]
    if meeting and len(meeting) < len(operations):
        raise Refused(
            "/layers/conferencing: Tavus takes this layer only in a change of its own. Make two "
            "calls: one for conferencing, one for the rest."
        )


def _writes_mask(operation: Operation) -> bool:
    *above, name = tokens(operation.path)
    return operation.op != "remove" and (
        MASK in operation.path or masks_in(operation.value, name, header=above[-1:] == ["headers"])
    )


def not_stuck(
    wanted: Document, now: Document, operations: Sequence[Operation], catalog: Catalog
) -> list[Finding]:
    """Return a finding for each changed field that reads back otherwise than it was written.

    Masked keys and omitted defaults are no reason: Tavus shows neither (docs: get-persona).
    """
    return [
        Finding(
            severity="warning",
            path=operation.path,
            message="Written, but it does not read back as it was written.",
            hint="Read it with get_persona; if it is not there, Tavus did not accept the value.",
            rule="not-stuck",
            source="N#71196814473",
        )
        for operation in operations
        if not _stuck(operation.path, wanted, now, catalog)
    ]


def _stuck(path: str, wanted: Document, now: Document, catalog: Catalog) -> bool:
    if tokens(path)[0] in WRITE_ONLY:
        return True
    return reads_as(find(wanted.data, path), find(now.data, path), path, catalog)


_BLANKS: tuple[object, ...] = (None, "", [], {})


def _default(path: str, catalog: Catalog) -> object:
    """Return what Tavus fills in for a field when nobody sets it (docs: create-persona)."""
    match tokens(path):
        case ["pipeline_mode"]:
            return "full"
        case ["layers", layer, *names] if layer in catalog.layers() and names:
            fact = catalog.field(layer, ".".join(names))
            return fact.default if fact else None
    return None


def reads_as(want: object, got: object, path: str, catalog: Catalog) -> bool:
    """Compare what was written with what is read: masked keys and defaults tell nothing.

    ``None`` stands for what was not written.
    """
    if isinstance(want, dict) and isinstance(got, dict):
        return all(
            reads_as(item, got.get(key), f"{path}/{key}", catalog) for key, item in want.items()
        )
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(
            reads_as(one, other, path, catalog) for one, other in zip(want, got, strict=True)
        )
    if want == got or is_masked(got) or (want in _BLANKS and got in _BLANKS):
        return True
    default = _default(path, catalog)
    return default is not None and None in (want, got) and default in (want, got)


def elsewhere(wanted: Document, now: Document, catalog: Catalog) -> list[str]:
    """Return the paths at which a whole persona reads otherwise than it was to be.

    What the server sets, what it never shows, masked keys and defaults tell nothing.
    """
    want, got = (
        {key: value for key, value in one.written().items() if key not in WRITE_ONLY}
        for one in (wanted, now)
    )
    return list(_differing(want, got, "", catalog))


def _differing(want: object, got: object, path: str, catalog: Catalog) -> Iterator[str]:
    sides = [{} if side is None else side for side in (want, got)]
    one, other = sides
    if (want, got) != (None, None) and isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            inner = path + pointer_of([key])
            yield from _differing(one.get(key), other.get(key), inner, catalog)
    elif not reads_as(want, got, path, catalog):
        yield path


def _within(written: Sequence[str], path: str) -> bool:
    return any(path == one or path.startswith(one + "/") for one in written)


def _touches(touched: Sequence[str], path: str) -> bool:
    return _within(touched, path) or any(one.startswith(path + "/") for one in touched)
