"""Two long texts are abridged to the places that differ."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.models.text_differences import abridge

_RULES = [f"Rule {number}: say {number * 7919 % 1000} words at most. " for number in range(400)]


def test_a_short_text_is_returned_whole() -> None:
    assert abridge("You help.", "You sell.") == ("You help.", "You sell.")


def test_one_place_is_returned_with_its_surroundings() -> None:
    before, after = abridge("".join(_RULES), "".join([*_RULES[:200], "New. ", *_RULES[200:]]))
    assert "New. Rule 200" in after
    assert "New." not in before
    assert max(len(before), len(after)) < 100


def test_of_distant_places_the_first_are_returned_and_the_rest_is_mentioned() -> None:
    """Found in use: the first 400 characters of both texts, without a word on what differs."""
    changed = list(_RULES)
    for number in (10, 100, 200, 300):
        changed[number] = f"Changed {number}. "
    before, after = abridge("".join(_RULES), "".join(changed))
    assert [f"Changed {number}" in after for number in (10, 100, 200, 300)] == [True] * 3 + [False]
    assert [f"Rule {number}:" in before for number in (10, 100, 200, 300)] == [True] * 3 + [False]
    assert after.endswith(f"(more places differ; {len(''.join(changed))} characters)")


def test_all_places_are_returned_if_they_are_few() -> None:
    changed = ["First. ", *_RULES[1:-1], "Last."]
    before, after = abridge("".join(_RULES), "".join(changed))
    assert after.startswith("First. Rule 1")
    assert after.endswith("Last.")
    assert before.startswith("Rule 0:")


def test_a_text_that_has_nothing_in_common_is_returned_whole() -> None:
    old, new = "a" * 5_000, "b" * 5_000
    assert abridge(old, new) == (old, new)


@given(st.text("ab ", max_size=900), st.text("ab ", max_size=900))
@settings(max_examples=examples(100))
def test_what_is_returned_comes_from_the_texts_and_differs(old: str, new: str) -> None:
    before, after = abridge(old, new)
    assert (before == after) == (old == new)
    for excerpts, text in ((before, old), (after, new)):
        parts = excerpts.partition(" (more places differ")[0].split("… …")
        assert all(part.strip("…") in text for part in parts)
