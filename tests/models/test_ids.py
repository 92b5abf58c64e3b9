"""Validation of ids."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.models.base import parse_id


@pytest.mark.parametrize("text", ["p1", "P-1_x", "d8-5c71baca86fc", "a" * 64, "0"])
def test_valid_ids_are_accepted(text: str) -> None:
    assert parse_id(text) == text


@given(text=st.text(max_size=70))
@settings(max_examples=examples(100))
def test_an_id_cannot_leave_its_path_segment(text: str) -> None:
    plain = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    fine = 1 <= len(text) <= 64 and plain and text[0].isalnum()
    if fine:
        assert parse_id(text) == text
    else:
        with pytest.raises(ValueError, match="not an id"):
            parse_id(text)
