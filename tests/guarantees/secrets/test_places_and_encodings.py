"""Each place of a secret, each encoding of a known one: alone, and through the whole server."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from canaries import collect_outputs, read_folder, render_result
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mcp_client import SECRET, ToolClient
from property_examples import examples
from secret_places import ENCODINGS, PLACES, PLAIN_NAMES, REQUEST_PLACES, SECRET_NAMES, find_traces

from tavus_mcp.models.masking import MASK, Masker, is_maskable, is_secret_name
from tavus_mcp.models.secret_encodings import is_wording
from tavus_mcp.sandbox.store import Store

KEYS = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/+=.~!#%&\"'<>",
    min_size=12,
    max_size=40,
).filter(lambda key: len(set(key)) > 6 and "..." not in key and is_maskable(key))
HOLDERS = {
    "extra_body": lambda value: {"llm": {"extra_body": {"a": value}}},
    "default_query": lambda value: {"llm": {"default_query": {"a": value}}},
    "an unknown layer": lambda value: {"transport": {"input_settings": value}},
    "a server": lambda value: {"mcp": {"servers": [{"options": value}]}},
}


@pytest.mark.parametrize("place", PLACES)
@given(key=KEYS)
@settings(max_examples=examples(15))
def test_a_secret_is_recognised_by_its_place(place: str, key: str) -> None:
    value = PLACES[place](key)
    masked = Masker().mask_with_paths(value)
    assert find_traces(json.dumps(masked.value), key) == []
    assert masked.paths
    again = Masker().mask_with_paths(masked.value)
    assert again.value == masked.value


@pytest.mark.parametrize("name", SECRET_NAMES)
@given(key=KEYS)
@settings(max_examples=examples(10))
def test_a_secret_of_an_accepted_request_is_known(name: str, key: str) -> None:
    masker = Masker()
    masker.add_secrets_from({name: key})
    assert masker.mask_text(f"It is {key} here.") == f"It is {MASK} here."


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(key=KEYS, before=st.text("ab :\n", max_size=4), after=st.text("ab :\n", max_size=4))
@settings(max_examples=examples(40))
def test_a_known_secret_is_masked_in_every_encoding(
    encoding: str, key: str, before: str, after: str
) -> None:
    encoded = ENCODINGS[encoding](key)
    assume(len(encoded) >= len(key) or not is_wording(encoded))  # words are left as they are
    masker = Masker([key])
    masked = masker.mask_text(f"{before} {encoded} {after}")
    assert MASK in masked
    assert find_traces(masked, key) == []
    assert len(masked) < len(before) + len(after) + 60


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("receptionist24", "You are the receptionist of a clinic"),
        ("receptionist2", "The receptionist \\ of a clinic, 100%25"),
        ("greeting12", '/greeting: call it with unset=["greeting"].'),
        ("greetings1", "the greeting"),
        ("system_prompts1", "/system_prompt is empty."),
        ("front-desk-agent-7", "the front-desk-agent"),
        ("tavus-gemma-4-key", "the model tavus-gemma-4"),
    ],
)
def test_words_that_a_known_secret_begins_with_are_left(secret: str, text: str) -> None:
    masker = Masker([secret])
    assert masker.mask_text(text) == text
    assert masker.mask_text(f"{text} {secret}") == f"{text} {MASK}"


@pytest.mark.parametrize(
    "secret", ["hunter2-a8f3k29d", "abc...def12345", "correct-horse-battery", "qwrtzpsdfghjklmn"]
)
def test_a_key_without_its_last_character_is_masked(secret: str) -> None:
    assert Masker([secret]).mask_text(f"It is {secret[:-1]}") == f"It is {MASK}"


@given(number=st.integers(10**9, 10**15))
def test_a_known_secret_of_digits_is_masked_as_a_number(number: int) -> None:
    masked = Masker([str(number)]).mask({"a": number, "b": float(number), "c": [number, 7]})
    assert masked == {"a": MASK, "b": MASK, "c": [MASK, 7]}


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_names_of_other_fields(name: str) -> None:
    assert not is_secret_name(name)


def test_definitions_of_a_schema_and_counts_stay() -> None:
    value = {
        "properties": {"api_key": {"type": "string", "description": "The key.", "enum": []}},
        "required": ["api_key"],
        "max_tokens": 512,
        "maxTokens": 9,
        "max_completion_tokens": "512",
        "url": "https://example.com/v1?model=gpt-4o&api-version=2024-10-21&v=dQw4w9WgXcQ&token=<KEY>",
        "note": "Call GET /items?token=YOUR_TOKEN and mail ada@example.com, see https://a.b/c?d=e.",
    }
    assert Masker().mask_with_paths(value).paths == ("/url",)
    value["url"] = "https://example.com/v1?model=gpt-4o&api-version=2024-10-21&token=<KEY>"
    assert Masker().mask(value) == value


@pytest.mark.anyio
@pytest.mark.parametrize("holder", HOLDERS)
async def test_a_stored_secret_is_revealed_nowhere(
    tool_client: ToolClient, store: Store, holder: str
) -> None:
    """In results, errors, plans, resources, the journal and files, at whatever place it is."""
    places = {name: build for name, build in PLACES.items() if name not in REQUEST_PLACES}
    canaries = {place: f"cn4ry{number:02}f0d1b2c3x9" for number, place in enumerate(places)}
    value = {
        f"p{number}": build(canaries[place]) for number, (place, build) in enumerate(places.items())
    }
    persona_id = await tool_client.create_persona()
    row = store.get("persona", persona_id) or {}
    store.put("persona", persona_id, {**row, "layers": HOLDERS[holder](value)})
    outputs = await collect_all_outputs(tool_client, persona_id)
    assert all(canary in json.dumps(value) for canary in canaries.values())
    leaks = {
        (place, how)
        for place, canary in canaries.items()
        for how, text in outputs.items()
        if canary[:14] in text
    }
    assert leaks == set()


@pytest.mark.anyio
async def test_a_known_secret_is_revealed_in_no_encoding(
    tool_client: ToolClient, store: Store
) -> None:
    encoded = {name: encode(SECRET).strip('"') for name, encode in ENCODINGS.items()}
    tools = [
        {"type": "function", "function": {"name": f"f{number}", "description": f"Say {text} now."}}
        for number, text in enumerate(encoded.values())
    ]
    persona_id = await tool_client.create_persona()
    row = store.get("persona", persona_id) or {}
    fields = {"greeting": " ".join(encoded.values()), "layers": {"llm": {"tools": tools}}}
    store.put("persona", persona_id, {**row, **fields})
    outputs = await collect_all_outputs(tool_client, persona_id)
    leaks = {
        (name, how)
        for name, text in encoded.items()
        for how, output in outputs.items()
        if text in output
    }
    assert leaks == set()


async def collect_all_outputs(tool_client: ToolClient, persona_id: str) -> dict[str, str]:
    """Return every output about a persona, its file, and what is on disk."""
    outputs = await collect_outputs(tool_client, persona_id)
    exported = await tool_client.call("export_persona", persona_id=persona_id)
    folder = read_folder(Path(os.environ["TAVUS_MCP_DATA_DIR"])).decode("latin-1")
    return {**outputs, "export_persona": render_result(exported), "files": folder}
