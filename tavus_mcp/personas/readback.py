"""Compare what was written with what is read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tavus_mcp.catalog import Catalog
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.hidden_keys import KEY_PATHS
from tavus_mcp.models.json_patch import Operation, pointer_of, pointer_tokens
from tavus_mcp.models.masking import is_masked, is_secret_path
from tavus_mcp.models.persona import UNKNOWN_WHEN_ABSENT, is_unread


def verify_written(
    expected: Document,
    actual: Document,
    operations: Sequence[Operation],
    catalog: Catalog,
) -> list[RuleFinding]:
    """Return a finding for each changed field that does not read back as it was written.

    Masked keys and omitted defaults count as written: Tavus returns neither (docs: get-persona).
    """
    return [
        warning(
            "not-stuck",
            "Written, but it does not read back as it was written.",
            path=operation.path,
            hint="Read it with get_persona; if it is not there, Tavus did not accept the value.",
            source="N#71196814473",
        )
        for operation in operations
        if not _was_written(operation.path, expected, actual, catalog)
    ]


def _was_written(path: str, expected: Document, actual: Document, catalog: Catalog) -> bool:
    return is_unread(actual.data, path) or is_equivalent_value(
        expected.at(path), actual.at(path), path, catalog
    )


_EMPTY_VALUES: tuple[object, ...] = (None, "", [], {})


def is_equivalent_value(expected: object, actual: object, path: str, catalog: Catalog) -> bool:
    """Tell whether a value reads back as it was written; ``None`` stands for an absent one.

    A masked key is equivalent to any value, and so is one that reads do not show; an absent value
    to the default of its field, and an absent object to one that holds nothing but defaults.
    """
    if isinstance(expected, dict) and isinstance(actual, dict | None):
        members = actual or {}
        return all(
            is_equivalent_value(item, members.get(key), f"{path}/{key}", catalog)
            for key, item in expected.items()
        )
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(
            is_equivalent_value(wanted, found, path, catalog)
            for wanted, found in zip(expected, actual, strict=True)
        )
    if (
        expected == actual
        or (is_masked(actual) and is_secret_path(pointer_tokens(path)))
        or (expected in _EMPTY_VALUES and actual in _EMPTY_VALUES)
        or (path in KEY_PATHS and actual is None and expected is not None)
    ):
        return True
    default = catalog.default_value(path)
    return default is not None and None in (expected, actual) and default in (expected, actual)


def unexpected_differences(expected: Document, actual: Document, catalog: Catalog) -> list[str]:
    """Return the paths at which a whole persona does not read back as expected.

    Fields that the server sets, that either document does not show, masked keys and defaults are
    left out.
    """
    unknown = {
        name
        for name in UNKNOWN_WHEN_ABSENT
        if name not in expected.data.keys() & actual.data.keys()
    }
    wanted, found = (
        {key: value for key, value in document.writable_fields().items() if key not in unknown}
        for document in (expected, actual)
    )
    return list(_iter_differences(wanted, found, "", catalog))


def _iter_differences(
    expected: object, actual: object, path: str, catalog: Catalog
) -> Iterator[str]:
    wanted, found = ({} if side is None else side for side in (expected, actual))
    both_absent = expected is None and actual is None
    if not both_absent and isinstance(wanted, dict) and isinstance(found, dict):
        for key in {**wanted, **found}:
            inner = path + pointer_of([key])
            yield from _iter_differences(wanted.get(key), found.get(key), inner, catalog)
    elif not is_equivalent_value(expected, actual, path, catalog):
        yield path
