"""Placeholders in arguments are refused before a request; all mistakes are reported at once."""

from __future__ import annotations

import pytest
from mcp_client import ToolClient

from tavus_mcp.models.base import JsonObject

pytestmark = pytest.mark.anyio

IDS = (
    "<persona_id>",
    "${PERSONA_ID}",
    "{{persona_id}}",
    "YOUR_PERSONA_ID",
    "REPLACE_ME",
    "PERSONA_ID",
)
ID_ARGUMENTS: list[tuple[str, JsonObject, str]] = [
    ("get_persona", {"persona_id": "$X"}, "Put the id of a persona there"),
    ("update_persona", {"persona_id": "$X", "name": "A"}, "Put the id of a persona there"),
    ("create_persona", {"based_on": "$X"}, "/based_on: this is a placeholder"),
    ("compare_personas", {"first": "$X", "second": "p1"}, "/first: this is a placeholder"),
    ("get_conversation", {"conversation_id": "$X"}, "Put the id of a conversation there"),
    ("apply_plan", {"plan_id": "$X"}, "Put the plan_id of a plan there"),
    (
        "restore_revision",
        {"persona_id": "p1", "revision": "$X"},
        "/revision: this is a placeholder",
    ),
    ("list_personas", {"cursor": "$X"}, "/cursor: this is a placeholder"),
    (
        "update_persona",
        {"persona_id": "p1", "name": "A", "if_revision": "$X"},
        "/if_revision: this",
    ),
]


@pytest.mark.parametrize("value", IDS)
@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    ID_ARGUMENTS,
    ids=[f"{t}-{n}" for n, (t, _, _) in enumerate(ID_ARGUMENTS)],
)
async def test_a_placeholder_for_an_id_is_refused_before_a_request(
    tool_client: ToolClient, tool: str, arguments: JsonObject, says: str, value: str
) -> None:
    given = {name: value if item == "$X" else item for name, item in arguments.items()}
    message = await tool_client.expect_error(tool, **given)
    assert "this is a placeholder" in message
    assert says in message
    assert tool_client.transport.requests == []


FIELD_ARGUMENTS: list[tuple[str, JsonObject, str]] = [
    ("configure_tts", {"external_voice_id": "REPLACE_ME"}, "Put the id of a voice in its place"),
    ("configure_tts", {"api_key": "${ELEVENLABS_API_KEY}"}, "Put a key in its place"),
    ("configure_llm", {"model": "{{model}}"}, "Put the name of a model in its place"),
    ("configure_llm", {"base_url": "https://<host>/v1", "api_key": "x"}, "holds a placeholder"),
    ("configure_llm", {"api_key_ref": "${OPENAI_KEY}"}, "TAVUS_SECRET_X"),
    ("update_persona", {"default_replica_id": "YOUR_REPLICA_ID"}, "Put the id of a replica"),
    ("update_persona", {"documents": ["<document>"]}, "Put the id of a document"),
    ("update_persona", {"name": "${NAME}"}, "Put the name of the persona in its place"),
]


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    FIELD_ARGUMENTS,
    ids=[f"{t}.{next(iter(a))}" for t, a, _ in FIELD_ARGUMENTS],
)
async def test_a_placeholder_in_a_field_is_refused_before_anything_is_sent(
    tool_client: ToolClient, tool: str, arguments: JsonObject, says: str
) -> None:
    persona_id = await tool_client.create_persona()
    message = await tool_client.expect_error(tool, persona_id=persona_id, **arguments)
    assert says in message
    assert len(tool_client.transport.writes) == 1


@pytest.mark.parametrize("field", ["system_prompt", "greeting"])
async def test_a_template_in_a_text_is_sent(tool_client: ToolClient, field: str) -> None:
    text = "Greet {{name}} of ${COMPANY}, then read <instructions>."
    persona_id = await tool_client.create_persona(**{field: text})
    assert (await tool_client.read_persona(persona_id))[field] == text


SEVERAL: list[tuple[str, JsonObject, list[str]]] = [
    (
        "create_persona",
        {
            "nmae": "A",
            "languages": 7,
            "layers": {
                "llm": {"temperature": 0.3, "base_url": "http://127.0.0.1/v1", "model": "m"},
                "tts": {"external_voice_id": "<voice>", "voice_settings": {"speed": "x"}},
            },
        },
        [
            "/nmae: unknown field; did you mean 'name'?",
            "/languages: must be a list",
            "/layers/llm/temperature: unknown field here",
            "/layers/tts/voice_settings/speed: must be a number",
            "/layers/llm/base_url: base_url is an address of this machine",
            "/layers/llm/api_key: ",
            "/layers/tts/external_voice_id: This is a placeholder",
            "/system_prompt: ",
        ],
    ),
    (
        "update_persona",
        {"persona_id": "<id>", "languages": 7, "unset": ["gretting"], "firstMessage": "Hi"},
        [
            "/persona_id: this is a placeholder",
            "/languages: must be a list",
            "/unset/0: ",
            "/firstMessage: unknown field here",
        ],
    ),
    (
        "configure_llm",
        {"persona_id": "p1", "api_key_ref": "nothing_of_this_name", "unset": ["modle"], "tune": 1},
        ["/api_key_ref: ", "/unset/0: ", "/tune: unknown field"],
    ),
    (
        "configure_llm",
        {"persona_id": "p1", "api_key_ref": "nothing_of_this_name", "unset": ["modle"]},
        ["/api_key_ref: ", "/unset/0: "],
    ),
]


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    SEVERAL,
    ids=[f"{t}-{n}" for n, (t, _, _) in enumerate(SEVERAL)],
)
async def test_mistakes_of_several_kinds_are_reported_at_once(
    tool_client: ToolClient, tool: str, arguments: JsonObject, expected: list[str]
) -> None:
    message = await tool_client.expect_error(tool, **arguments)
    assert [part for part in expected if part not in message] == []
    assert tool_client.transport.writes == []
