"""The three-way merge of fields: pure functions, with every pairing of changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.models.json_patch import ABSENT
from tavus_mcp.project.equivalence import build_equivalence, normalize
from tavus_mcp.project.merge import (
    MergeBase,
    MergedField,
    Side,
    compose,
    has_both_sides,
    merge_fields,
    object_side,
)
from tavus_mcp.project.sync import accept_account, accept_file, sync_base

IS_SAME = build_equivalence(lambda pointer: 5 if pointer == "/number" else None)
LEAVES = st.none() | st.booleans() | st.integers(0, 6) | st.sampled_from(["", "a", "b", "é"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["x", "y", "number"]), inner, max_size=3)
    ),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.sampled_from(["x", "y", "z", "number"]), VALUES, max_size=4)


def find_sides(base: MergeBase, file: Any, account: Any) -> dict[str, Side]:
    return {item.pointer: item.side for item in merge_fields(base, file, account, IS_SAME)}


def choose_file(item: MergedField) -> Any:
    return item.file


def choose_account(item: MergedField) -> Any:
    return item.account


def is_equal(left: Any, right: Any) -> bool:
    return bool(normalize(left) == normalize(right))


@pytest.mark.parametrize(
    ("file", "account", "side"),
    [
        ("old", "old", Side.NEITHER),
        ("old", "new", Side.REMOTE),
        ("old", ABSENT, Side.REMOTE),
        ("new", "old", Side.LOCAL),
        (ABSENT, "old", Side.LOCAL),
        ("new", "new", Side.SAME),
        (ABSENT, ABSENT, Side.SAME),
        ("new", "other", Side.CONFLICT),
        ("new", ABSENT, Side.CONFLICT),
        (ABSENT, "new", Side.CONFLICT),
    ],
)
def test_every_pairing_of_changes_of_a_field(file: Any, account: Any, side: Side) -> None:
    objects = [{} if value is ABSENT else {"x": {"y": value}} for value in (file, account)]
    base = MergeBase({"x": {"y": "old"}}, {"x": {"y": "old"}})
    assert set(find_sides(base, *objects).values()) == {side}


def test_changes_of_different_fields_are_no_conflict() -> None:
    base = MergeBase({"x": 1, "y": 1}, {"x": 1, "y": 1})
    fields = merge_fields(base, {"x": 2, "y": 1}, {"x": 1, "y": 3}, IS_SAME)
    assert {item.pointer: item.side for item in fields} == {"/x": Side.LOCAL, "/y": Side.REMOTE}
    assert has_both_sides(fields)
    assert Side.CONFLICT not in {item.side for item in fields}


def test_a_field_that_differs_since_the_last_sync_is_no_change() -> None:
    base = MergeBase({"llm": {"api_key_ref": "openai"}}, {"llm": {"api_key": "********"}})
    fields = merge_fields(base, base.file, base.account, IS_SAME)
    assert object_side(fields) is Side.NEITHER


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        (None, ABSENT, True),
        ("", None, True),
        ([], {}, True),
        ({"y": None}, ABSENT, True),
        (ABSENT, 5, True),
        (0, ABSENT, False),
        (False, ABSENT, False),
        (True, 1, False),
        ([{"y": ""}], [{}], True),
        ([1, 2], [2, 1], False),
    ],
)
def test_empty_values_and_defaults_mean_the_same_as_nothing(
    left: Any, right: Any, is_same: bool
) -> None:
    pointer = "/number" if right == 5 else "/x"
    assert IS_SAME(pointer, left, right) is is_same
    assert IS_SAME(pointer, right, left) is is_same


def test_null_in_place_of_a_key_is_a_change() -> None:
    """Documented: null removes a stored key, and a file without the field keeps it."""
    base = MergeBase({}, {"layers": {"llm": {"api_key": "********"}}})
    file = {"layers": {"llm": {"api_key": None}}}
    assert find_sides(base, file, base.account) == {"/layers/llm/api_key": Side.LOCAL}


@settings(max_examples=examples(12))
@given(OBJECTS, OBJECTS, OBJECTS)
def test_a_merge_loses_nothing(base: Any, file: Any, account: Any) -> None:
    """Each side can be composed again from the fields of the merge."""
    fields = merge_fields(MergeBase(base, base), file, account, IS_SAME)
    assert is_equal(compose(fields, choose_file), file)
    assert is_equal(compose(fields, choose_account), account)


@settings(max_examples=examples(12))
@given(OBJECTS, OBJECTS)
def test_without_changes_of_one_side_the_other_wins(base: Any, changed: Any) -> None:
    whole = MergeBase(base, base)
    local = {item.side for item in merge_fields(whole, changed, base, IS_SAME)}
    remote = {item.side for item in merge_fields(whole, base, changed, IS_SAME)}
    assert local <= {Side.NEITHER, Side.SAME, Side.LOCAL}
    assert remote <= {Side.NEITHER, Side.SAME, Side.REMOTE}


@settings(max_examples=examples(12))
@given(OBJECTS, OBJECTS, OBJECTS)
def test_after_a_sync_of_everything_nothing_is_changed(base: Any, file: Any, account: Any) -> None:
    """Also where the account holds another form of the written value."""
    synced = sync_base(MergeBase(base, base), file, account, IS_SAME)
    assert set(find_sides(synced, file, account).values()) <= {Side.NEITHER}


@settings(max_examples=examples(12))
@given(OBJECTS, OBJECTS, OBJECTS)
@example({}, {"z": {"x": 1}}, {"z": {"y": 2}})
def test_a_sync_of_local_changes_leaves_the_remote_ones(base: Any, file: Any, account: Any) -> None:
    """An apply neither hides nor later reverts the changes of others."""
    whole = MergeBase(base, base)
    fields = merge_fields(whole, file, account, IS_SAME)
    written = [item.pointer for item in fields if item.side is Side.LOCAL]
    target = compose(fields, lambda item: item.file if item.side is Side.LOCAL else item.account)
    synced = sync_base(whole, file, target, IS_SAME, written, before=account)
    after = find_sides(synced, file, target)
    assert Side.LOCAL not in after.values()
    expected = {item.pointer for item in fields if item.side in (Side.REMOTE, Side.CONFLICT)}
    actual = {path for path, side in after.items() if side in (Side.REMOTE, Side.CONFLICT)}
    assert actual == expected


def test_a_default_that_tavus_adds_beside_a_written_field_is_no_change() -> None:
    file: dict[str, Any] = {"z": {"x": 1}}
    account: dict[str, Any] = {"z": {"x": 1, "y": 2}}
    synced = sync_base(MergeBase(), file, account, IS_SAME, ["/z/x"], before={"z": {"y": None}})
    assert set(find_sides(synced, file, account).values()) == {Side.NEITHER}
    synced = sync_base(MergeBase(), file, account, IS_SAME, ["/z/x"])  # pulled: no write
    assert find_sides(synced, file, account)["/z/y"] is Side.REMOTE


@settings(max_examples=examples(12))
@given(OBJECTS, OBJECTS, OBJECTS)
def test_a_settled_conflict_is_a_change_of_the_other_side(
    base: Any, file: Any, account: Any
) -> None:
    whole = MergeBase(base, base)
    fields = merge_fields(whole, file, account, IS_SAME)
    conflicts = [item for item in fields if item.side is Side.CONFLICT]
    paths = [item.pointer for item in conflicts]
    for_file = find_sides(accept_account(whole, account, paths), file, account)
    for_account = find_sides(accept_file(whole, file, account, conflicts), file, account)
    assert {for_account[path] for path in paths} <= {Side.REMOTE}
    assert Side.CONFLICT not in for_file.values()
    assert Side.REMOTE not in {for_file.get(path) for path in paths}
