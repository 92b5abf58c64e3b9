"""Compare what was written with what is read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tavus_mcp.catalog import Catalog
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.json_patch import Operation, find, pointer_of, tokens
from tavus_mcp.models.masking import is_masked
from tavus_mcp.models.persona import WRITE_ONLY


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
