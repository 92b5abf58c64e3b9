"""The list of masked places alone decides which fields of a stored revision can be restored."""

from __future__ import annotations

from typing import Any

import pytest

from tavus_mcp.history.redactions import (
    is_restorable,
    redacted_paths,
    restore_visible,
    writes_mask,
)
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.masking_v1 import find_masked_places

STORED: dict[str, Any] = {
    "greeting": MASK,
    "system_prompt": f"Say {MASK}.",
    "layers": {"tts": {"api_key": MASK, "speed": 1}, "list": [{"a": 1}, {"token": MASK}]},
}
MASKED = frozenset(
    {("system_prompt",), ("layers", "tts", "api_key"), ("layers", "list", "1", "token")}
)


def test_only_listed_places_are_masks() -> None:
    assert redacted_paths(STORED, {}, MASKED) == [
        "/system_prompt",
        "/layers/tts/api_key",
        "/layers/list",
    ]
    assert redacted_paths(STORED, {}, frozenset()) == []
    assert restore_visible(STORED, {}, MASKED) == {
        "greeting": MASK,
        "layers": {"tts": {"speed": 1}},
    }


def test_masked_values_are_as_they_are_now() -> None:
    current = {"system_prompt": "Say it.", "layers": {"tts": {"api_key": "k"}, "list": []}}
    assert restore_visible(STORED, current, MASKED) == {
        "greeting": MASK,
        "system_prompt": "Say it.",
        "layers": {"tts": {"api_key": "k", "speed": 1}, "list": []},
    }


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ([{"a": 2}, {"token": MASK}], True),
        ([{"a": 1}, {"token": MASK}, {"b": 1}], True),
        ([{"a": 1}, {"token": "k"}], False),
        ([], False),
    ],
)
def test_items_that_are_not_written_may_be_masked(current: list[Any], expected: bool) -> None:
    stored = STORED["layers"]["list"]
    assert is_restorable(stored, current, ("layers", "list"), MASKED) is expected


def test_an_operation_that_would_write_a_mask_is_found() -> None:
    assert writes_mask(STORED["layers"]["tts"], ("layers", "tts"), MASKED)
    assert not writes_mask({"speed": 1}, ("layers", "tts"), MASKED)
    assert not writes_mask(MASK, ("greeting",), MASKED)


def test_masks_of_version_0_1_are_known_by_their_characters() -> None:
    stored = {
        "greeting": "Hi ***",
        "context": f"Say {MASK}.",
        "layers": {"tts": {"api_key": "sk-1****"}, "llm": {"headers": {"X-A": "***"}}},
    }
    assert set(find_masked_places(stored)) == {
        ("context",),
        ("layers", "tts", "api_key"),
        ("layers", "llm", "headers", "X-A"),
    }


def test_a_field_whose_name_version_0_1_masked_is_never_removed() -> None:
    """The name could be that of any field, so that none is known to have been absent."""
    stored = {MASK: "Hello.", "system_prompt": "Be brief."}
    masked = frozenset(find_masked_places(stored))
    current = {"greeting": "Hello.", "system_prompt": "Be long."}
    assert restore_visible(stored, current, masked) == current
    assert not is_restorable(None, "Hello.", ("greeting",), masked)
