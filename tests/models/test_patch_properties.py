"""``models.patch``: a diff is exact, small, and means to others what it means to us."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.models.json_patch import (
    Operation,
    PatchError,
    apply_patch,
    diff,
    get_at,
    pointer_of,
    pointer_tokens,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False, width=16)
    | st.text("ab~/é", max_size=3)
)
KEYS = st.text("ab~/0-", max_size=2)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=4)
LISTS = st.lists(st.integers(0, 2) | st.sampled_from(["a", None, True]), max_size=7)


def is_same_json(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON; 1 is not true, 1.0 is 1."""
    return normalize_json(one) == normalize_json(other)


def normalize_json(value: Any) -> str:
    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: plain(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [plain(inner) for inner in item]
        if isinstance(item, bool) or not isinstance(item, (int, float)):
            return item
        return float(item) or 0.0  # without the sign of zero

    return json.dumps(plain(value), sort_keys=True)


@given(before=OBJECTS, after=OBJECTS)
@example(before={"a": 1, "b": 2}, after={"b": 3, "a": 4})
@settings(max_examples=examples(100))
def test_the_order_of_a_diff_is_that_of_the_diff_it_leads_to(before: Any, after: Any) -> None:
    """A plan, and the receipt after it was applied, list the same changes in the same order."""
    planned = diff(before, after)
    written = diff(before, apply_patch(before, planned))
    first, second = ([json.dumps(item.to_json()) for item in it] for it in (planned, written))
    assert first == second


@given(before=OBJECTS, after=OBJECTS)
@example(before={"a": 1}, after={"a": True})
@example(before={"a": [0]}, after={"a": [False]})
@example(before={"a": {}}, after={"a": []})
@example(before={"a": None}, after={})
@example(before={"": {"": 1}}, after={"": {"": 2, "/": {"~1": 0}}})
@settings(max_examples=examples(150))
def test_applying_a_diff_produces_the_later_document(before: Any, after: Any) -> None:
    original = copy.deepcopy(before)
    assert is_same_json(apply_patch(before, diff(before, after)), after)
    assert before == original


@given(before=OBJECTS, after=OBJECTS)
@settings(max_examples=examples(150))
def test_another_library_applies_a_diff_to_the_same_result(before: Any, after: Any) -> None:
    """RFC 6902: Tavus applies patches with an applier of its own."""
    wire = [operation.to_json() for operation in diff(before, after)]
    assert is_same_json(jsonpatch.JsonPatch(wire).apply(copy.deepcopy(before)), after)


@given(before=LISTS, after=LISTS)
@settings(max_examples=examples(100))
def test_lists_are_patched_item_by_item(before: list[Any], after: list[Any]) -> None:
    operations = diff({"a": before}, {"a": after})
    assert is_same_json(apply_patch({"a": before}, operations), {"a": after})
    assert all(operation.path.startswith("/a/") for operation in operations) or not before
    assert len(operations) <= max(len(before), len(after))


@given(document=JSON)
@settings(max_examples=examples(100))
def test_the_diff_of_equal_documents_is_empty(document: Any) -> None:
    assert diff(document, copy.deepcopy(document)) == []


@given(document=OBJECTS, path=st.lists(KEYS, min_size=1, max_size=3), value=SCALARS)
@settings(max_examples=examples(100))
def test_one_changed_leaf_is_one_operation_on_that_leaf(
    document: Any, path: list[str], value: Any
) -> None:
    """An object is never replaced whole when a leaf differs."""
    parent = document
    for key in path[:-1]:
        parent = parent.setdefault(key, {}) if isinstance(parent, dict) else None
        assume(isinstance(parent, dict))
    assume(path[-1] not in parent or not isinstance(parent[path[-1]], (dict, list)))
    assume(not is_same_json(parent.get(path[-1], object), value) if path[-1] in parent else True)
    after = copy.deepcopy(document)
    get_at(after, pointer_of(path[:-1]))[path[-1]] = value
    (operation,) = diff(document, after)
    assert operation.path == pointer_of(path)
    assert operation.op == "add"


@given(before=OBJECTS, after=OBJECTS)
@settings(max_examples=examples(100))
def test_no_operation_replaces_an_object_by_an_object_or_a_list_by_a_list(
    before: Any, after: Any
) -> None:
    for operation in diff(before, after):
        if operation.op == "remove":
            continue
        old = get_at(before, operation.path)
        if isinstance(operation.value, (dict, list)) and operation.path.rpartition("/")[0]:
            parent = get_at(before, operation.path.rpartition("/")[0])
            inserted = isinstance(parent, list)
            assert inserted or type(old) is not type(operation.value)
        elif isinstance(operation.value, dict):
            assert not isinstance(old, dict)


@given(parts=st.lists(st.text("ab~/01 é", max_size=4), max_size=4))
def test_pointers_round_trip_through_split_and_join(parts: list[str]) -> None:
    """RFC 6901."""
    assert list(pointer_tokens(pointer_of(parts))) == parts


@pytest.mark.parametrize("pointer", ["a", "a/b", " /a", "#/a"])
def test_a_pointer_must_start_with_a_slash(pointer: str) -> None:
    with pytest.raises(PatchError, match="not a JSON Pointer"):
        pointer_tokens(pointer)


DOCUMENT: dict[str, Any] = {"a": {"b": 1}, "list": [1, 2, 3], "text": "x"}
OPERATIONS = st.builds(
    lambda op, path, source, value: (
        Operation(op, path, source=source)
        if op in ("copy", "move")
        else Operation(op, path)
        if op == "remove"
        else Operation(op, path, value)
    ),
    st.sampled_from(["add", "remove", "replace", "test", "copy", "move"]),
    st.sampled_from(
        ["/a", "/a/b", "/a/c", "/a/b/c", "/list", "/list/0", "/list/3", "/list/-", "/list/9", "/n"]
    ),
    st.sampled_from(["/a", "/a/b", "/list", "/list/1", "/text", "/none"]),
    st.sampled_from([1, True, "x", None, {}, [], {"b": 1}]),
)


@given(operations=st.lists(OPERATIONS, max_size=4))
@settings(max_examples=examples(150))
def test_our_patch_application_matches_another_library(
    operations: list[Operation],
) -> None:
    assume(not any(item.op == "test" and item.value in (1, True) for item in operations))
    try:
        theirs = jsonpatch.JsonPatch([item.to_json() for item in operations]).apply(
            copy.deepcopy(DOCUMENT)
        )
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError):
        with pytest.raises(PatchError):
            apply_patch(DOCUMENT, operations)
    else:
        assert is_same_json(apply_patch(DOCUMENT, operations), theirs)


FAILURES = [
    (Operation("replace", "/none", 1), "there is nothing at '/none'"),
    (Operation("copy", "/a", source="/text/0"), "there is nothing at '/text/0'"),
    (Operation("add", "/none/x", 1), "'/none/x' has no parent; add '/none' first"),
    (Operation("add", "/list/4", 1), "'/list/4' is outside its list of 3"),
    (Operation("move", "/list/3", source="/list/0"), "'/list/3' is outside its list of 2"),
    (Operation("move", "/a/b", source="/a"), "/a cannot be moved into itself"),
    (Operation("test", "/text", "y"), "the value of /text is not the tested one"),
    (Operation("test", "/none", "y"), "there is nothing at '/none'"),
    (Operation("remove", "a"), "'a' is not a JSON Pointer: it must start with '/'"),
    (
        Operation("set", "/a", 1),
        "op 'set' is unknown; it is one of add, remove, replace, copy, move, test",
    ),
]


@pytest.mark.parametrize(("operation", "message"), FAILURES)
def test_a_failure_says_what_does_not_fit(operation: Operation, message: str) -> None:
    with pytest.raises(PatchError) as caught:
        apply_patch(DOCUMENT, [operation])
    assert str(caught.value) == f"operation 0 ({operation.op}): {message}"


def test_a_failing_operation_is_named_and_the_document_is_unchanged() -> None:
    operations = [Operation("add", "/a/c", 2), Operation("remove", "/nothing")]
    with pytest.raises(PatchError, match=r"operation 1 \(remove\)"):
        apply_patch(DOCUMENT, operations)
    assert DOCUMENT["a"] == {"b": 1}


def test_the_whole_document_cannot_be_removed() -> None:
    with pytest.raises(PatchError, match="cannot be removed"):
        apply_patch(DOCUMENT, [Operation("remove", "")])


@pytest.mark.parametrize(
    ("value", "holds"), [(1, True), (1.0, True), (True, False), ("1", False), (None, False)]
)
def test_a_test_operation_distinguishes_true_from_1(value: Any, holds: bool) -> None:
    """RFC 6902 section 4.6: equality of JSON values."""
    operation = Operation("test", "/a/b", value)
    if holds:
        assert apply_patch(DOCUMENT, [operation]) == DOCUMENT
    else:
        with pytest.raises(PatchError):
            apply_patch(DOCUMENT, [operation])
