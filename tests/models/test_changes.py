"""Changes of a persona, and how a receipt lists them."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.models.changes import EditText, SetFields
from tavus_mcp.models.json_patch import Operation, apply_patch, diff
from tavus_mcp.models.masking import Masker
from tavus_mcp.models.receipt import NO_DEFAULTS, changes_of
from tavus_mcp.models.text_differences import MAX_UNABRIDGED_CHARS

TEXTS = st.text("ab ", min_size=1, max_size=12)


@given(shared=st.integers(100, 400), old=TEXTS, new=TEXTS)
@settings(max_examples=examples(80))
def test_a_long_text_is_rendered_as_an_excerpt_with_the_difference(
    shared: int, old: str, new: str
) -> None:
    head, tail = "x" * shared, "y" * shared
    before, after = head + old + tail, head + new + tail
    if before == after:
        return
    operation = Operation("add", "/greeting", after)
    (change,) = changes_of({"greeting": before}, [operation], Masker(), NO_DEFAULTS)
    assert change.before != change.after
    assert len(change.before) < MAX_UNABRIDGED_CHARS
    assert change.before.strip("…") in before
    assert change.after.strip("…") in after


def test_a_short_text_is_displayed_in_full() -> None:
    operation = Operation("add", "/greeting", "Hello!")
    (change,) = changes_of({"greeting": "Hi!"}, [operation], Masker(), NO_DEFAULTS)
    assert (change.before, change.after) == ("Hi!", "Hello!")


FIELDS = st.dictionaries(
    st.sampled_from(["/a", "/b/c", "/b/d/e", "/f"]),
    st.integers() | st.text(max_size=3) | st.dictionaries(st.sampled_from("xy"), st.integers()),
    max_size=4,
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "a": st.integers(),
        "b": st.dictionaries(st.sampled_from(["c", "d", "keep"]), st.integers()),
        "keep": st.integers(),
    },
)


@given(document=DOCUMENTS, values=FIELDS)
@settings(max_examples=examples(150))
def test_setting_fields_leaves_the_rest_unchanged_and_is_idempotent(
    document: dict[str, Any], values: dict[str, Any]
) -> None:
    change = SetFields(values)
    once = change.apply(document)
    assert change.apply(once) == once
    assert once.get("keep") == document.get("keep")
    if isinstance(document.get("b"), dict) and "keep" in document["b"]:
        assert once["b"]["keep"] == document["b"]["keep"]
    assert apply_patch(document, diff(document, once)) == once


def test_editing_a_text_changes_no_other_field_and_not_its_input() -> None:
    document = {"system_prompt": "one two", "greeting": "one"}
    assert EditText("system_prompt", "one", "1").apply(document) == {
        "system_prompt": "1 two",
        "greeting": "one",
    }
    assert document["system_prompt"] == "one two"
