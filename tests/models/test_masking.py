"""Masking: which names and values are secret, and what replaces them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from persona_json import OBJECTS
from property_examples import examples

from tavus_mcp.models.masking import MASK, Masker, is_masked, is_secret_name


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "API-KEY", "x-api-key", "Authorization", "access_token", "client_secret",
     "password", "Cookie", "secret", "tokens", "elevenlabs_api_key", "aws_access_key"],
)  # fmt: skip
def test_names_of_secret_fields_are_recognised(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["model", "monkey", "keyboard", "max_tokens_per_turn", "author", "persona_name", "hotkey"],
)
def test_names_of_other_fields_are_not_treated_as_secret(name: str) -> None:
    assert not is_secret_name(name)


SECRETS = st.text("abcdefXYZ0123-_", min_size=8, max_size=12)


@given(secret=SECRETS, before=st.text(max_size=5), after=st.text(max_size=5))
@settings(max_examples=examples(100))
def test_a_known_secret_is_masked_everywhere(secret: str, before: str, after: str) -> None:
    value = {"note": [before + secret + after], "deep": {"x": secret}, "api_key": "other"}
    masked = json.dumps(Masker([secret]).mask(value))
    assert secret not in masked
    assert "other" not in masked


@given(value=OBJECTS)
@settings(max_examples=examples(80))
def test_masking_is_idempotent_and_preserves_the_structure(value: Any) -> None:
    masker = Masker(["secret-value"])
    once = masker.mask(value)
    assert masker.mask(once) == once
    assert once.keys() == value.keys()


def test_a_secret_that_starts_with_another_is_masked_completely() -> None:
    for number in range(40):
        short = f"secret-{number:02}"
        masked = Masker([short, short + "-and-more"]).mask_text(f"<{short}-and-more>")
        assert masked == f"<{MASK}>"


def test_a_short_value_is_not_masked_everywhere() -> None:
    """Masking 'low' or 'en' would make every answer unreadable."""
    assert Masker(["low"]).mask_text("slow and low") == "slow and low"


def test_header_values_are_masked_except_for_harmless_headers() -> None:
    headers = {"X-Anything": "v", "Content-Type": "application/json", "accept": "a"}
    masked = Masker().mask({"headers": headers})["headers"]
    assert masked == {"X-Anything": MASK, "Content-Type": "application/json", "accept": "a"}


def test_an_empty_key_is_not_masked() -> None:
    assert Masker().mask({"api_key": ""}) == {"api_key": ""}


@pytest.mark.parametrize(
    "text", [MASK, "sk-1****", "****abcd", "•••••", "***", "sk-...1234", "Bearer ****", "xxxxxxxx"]
)
def test_masks_are_recognised(text: str) -> None:
    assert is_masked(text)


@pytest.mark.parametrize(
    "text", ["", "sk-live-1", "**", "a" * 30 + "***", 5, None, ["***"], "Wait...", "a b ***"]
)
def test_other_texts_are_not_recognised_as_masks(text: object) -> None:
    assert not is_masked(text)


def test_secrets_are_collected_from_arguments_at_any_depth_without_masks() -> None:
    masker = Masker()
    masker.add_secrets_from({"a": [{"api_key": "deep-key-1"}], "token": MASK, "name": "not-a-key"})
    assert masker.mask_text("deep-key-1 not-a-key") == f"{MASK} not-a-key"
