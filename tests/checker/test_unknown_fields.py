"""Unknown fields: every tool gives the same advice, and a fix moves a value where it can."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient

from tavus_mcp.catalog import load_catalog
from tavus_mcp.catalog.foreign_fields import ForeignField, foreign_fields
from tavus_mcp.checker.check import check, check_change, refusal
from tavus_mcp.checker.unknown_fields import find_meaning
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import Operation, pointer_of
from tavus_mcp.models.layers import CONFIGURABLE_LAYERS, layer_arguments
from tavus_mcp.models.persona import persona_arguments
from tavus_mcp.personas.patch_input import parse_patch
from tavus_mcp.server.unknown_arguments import build_explainer

pytestmark = pytest.mark.anyio

CATALOG = load_catalog()
ELEVENLABS_VOICE = "21m00Tcm4TlvDq8ikWAM"
TAVUS_VOICE = "v0123456789ab"
WHOLE_PERSONA_TOOLS = ("create_persona", "update_persona")
ARGUMENTS_BY_POINTER = {
    pointer: argument
    for arguments in (persona_arguments(), *map(layer_arguments, sorted(CONFIGURABLE_LAYERS)))
    for argument, pointer in arguments.items()
}


def foreign_names() -> list[tuple[str, str, ForeignField]]:
    """Return each layer and name of the table once, with the entry for a plain text."""
    return [
        (layer, name, entry)
        for entry in foreign_fields()
        if entry.value_pattern is None
        for layer in entry.where
        for name in entry.names
    ]


def refuse_creation(pointer: str, value: Any) -> str:
    """Return why a persona with the field is not created; persona files are refused like this."""
    document = PersonaDocument(SetFields({pointer: value, "/system_prompt": "You help."}).apply({}))
    findings = check(document, CATALOG)
    return refusal([item for item in findings if item.path == pointer])


def explain_argument(tool: str, path: str, value: Any) -> str:
    explain = build_explainer(tool, (), CATALOG)
    assert explain is not None
    return explain(path, value) or ""


def refuse_patch(pointer: str, value: Any) -> str:
    with pytest.raises(InvalidArgument) as error:
        parse_patch([{"op": "add", "path": pointer, "value": value}], CATALOG)
    return str(error.value)


@pytest.mark.parametrize(
    ("layer", "name", "entry"),
    foreign_names(),
    ids=[f"{layer or 'persona'}.{name}" for layer, name, _ in foreign_names()],
)
def test_all_tools_name_the_same_field_for_a_foreign_one(
    layer: str, name: str, entry: ForeignField
) -> None:
    """The value is a list of a number, which no field takes."""
    value = [7]
    pointer = pointer_of(["layers", layer, name]) if layer else pointer_of([name])
    meaning = find_meaning(pointer, value, CATALOG)
    assert meaning is not None
    assert meaning.reason == entry.why
    answers = [refuse_creation(pointer, value)]
    if layer in CONFIGURABLE_LAYERS:
        answers.append(explain_argument(f"configure_{layer}", f"/{name}", value))
        answers.append(explain_argument("create_persona", pointer, value))
    elif not layer:
        answers += [explain_argument(tool, pointer, value) for tool in WHOLE_PERSONA_TOOLS]
        answers.append(refuse_patch(pointer, value))
    for answer in answers:
        assert meaning.reason in answer
        for target in meaning.targets:
            argument = ARGUMENTS_BY_POINTER.get(target, target.rpartition("/")[2])
            assert f"{argument}'" in answer or f"({argument}=...)" in answer or target in answer


@pytest.mark.parametrize(
    ("pointer", "value", "targets"),
    [
        ("/layers/tts/voiceId", ELEVENLABS_VOICE, ("/layers/tts/external_voice_id",)),
        ("/layers/tts/voiceId", TAVUS_VOICE, ("/layers/tts/voice_id",)),
        ("/voice_id", ELEVENLABS_VOICE, ("/layers/tts/external_voice_id",)),
        ("/voiceId", TAVUS_VOICE, ("/layers/tts/voice_id",)),
        ("/systemPrompt", "x", ("/system_prompt",)),
        ("/layers/llm/baseUrl", "x", ("/layers/llm/base_url",)),
        ("/layers/tts/ttsEngine", "x", ("/layers/tts/tts_engine",)),
        ("/firstMessage", "x", ("/greeting",)),
        ("/system_promt", "x", ("/system_prompt",)),
        ("/layers/llm/modle", "x", ("/layers/llm/model",)),
        ("/hotwords", "x", ("/layers/stt/hotwords",)),
        ("/guardrails_name", "x", ()),
        ("/objectivesName", "x", ()),
        ("/voiceName", "Rachel", ()),
    ],
)
def test_a_field_is_recognised_by_its_name_and_value(
    pointer: str, value: str, targets: tuple[str, ...]
) -> None:
    meaning = find_meaning(pointer, value, CATALOG)
    assert meaning is not None
    assert meaning.targets == targets


@pytest.mark.parametrize("pointer", ["/xyz", "/layers/llm/foo", "/layers/tts/zzz", "/layers/qqq"])
def test_nothing_is_guessed_where_nothing_is_near(pointer: str) -> None:
    meaning = find_meaning(pointer, "x", CATALOG)
    assert meaning is None or not meaning.targets


NESTED: list[tuple[str, Any, JsonObject]] = [
    (
        "/model",
        {
            "provider": "openai",
            "model": "gpt-4o",
            "temperature": 0.3,
            "messages": [{"role": "system", "content": "You interview."}],
        },
        {
            "/layers/llm/model": "gpt-4o",
            "/layers/llm/extra_body/temperature": 0.3,
            "/system_prompt": "You interview.",
        },
    ),
    (
        "/voice",
        {"provider": "11labs", "voiceId": ELEVENLABS_VOICE, "stability": 0.5},
        {
            "/layers/tts/tts_engine": "elevenlabs",
            "/layers/tts/external_voice_id": ELEVENLABS_VOICE,
            "/layers/tts/voice_settings/stability": 0.5,
        },
    ),
    (
        "/transcriber",
        {"model": "tavus-auto", "keywords": ["Tavus", "Ana"], "language": "es"},
        {
            "/layers/stt/stt_engine": "tavus-auto",
            "/layers/stt/hotwords": "Tavus, Ana",
            "/languages": ["es"],
        },
    ),
    ("/layers/llm/llm", {"model": "tavus-gpt-oss"}, {"/layers/llm/model": "tavus-gpt-oss"}),
    (
        "/llm",
        {"model": "tavus-gpt-oss", "temperature": 0.2},
        {"/layers/llm/model": "tavus-gpt-oss", "/layers/llm/extra_body/temperature": 0.2},
    ),
    (
        "/conversation_config",
        {"agent": {"first_message": "Hi!", "language": "en", "prompt": {"prompt": "You help."}}},
        {"/greeting": "Hi!", "/languages": ["en"], "/system_prompt": "You help."},
    ),
    (
        "/layers/llm/messages",
        [{"role": "system", "content": "You help."}, {"role": "user", "content": "Hi"}],
        {"/system_prompt": "You help."},
    ),
]


@pytest.mark.parametrize(("pointer", "value", "moved"), NESTED, ids=[case[0] for case in NESTED])
def test_an_object_of_another_product_is_taken_apart(
    pointer: str, value: Any, moved: JsonObject
) -> None:
    meaning = find_meaning(pointer, value, CATALOG)
    assert meaning is not None
    assert dict(meaning.values) == moved


@pytest.mark.parametrize(("pointer", "value", "moved"), NESTED, ids=[case[0] for case in NESTED])
async def test_the_fix_of_a_foreign_object_moves_its_members(
    tool_client: ToolClient, pointer: str, value: Any, moved: JsonObject
) -> None:
    document: JsonObject = {"persona_name": "A", "default_replica_id": "rfe12d8b9597"}
    document |= {} if "/system_prompt" in moved else {"system_prompt": "You help."}
    document |= SetFields({pointer: value}).apply({})
    report = await tool_client.expect_result("check_persona", document=document)
    hints = {item["path"]: item["hint"] for item in report["findings"]}
    assert hints[pointer].startswith("Move it: ")
    assert [target for target in moved if target not in hints[pointer]] == []
    assert "/system_prompt" not in hints


@pytest.mark.parametrize("removed", ["aaa", "zzz"])
def test_an_unknown_field_that_is_stored_does_not_block_the_removal_of_another(
    removed: str,
) -> None:
    stored = {"persona_id": "p0123456789a", "system_prompt": "You help.", "aaa": 1, "zzz": 2}
    before = PersonaDocument(stored)
    after = PersonaDocument({name: value for name, value in stored.items() if name != removed})
    operations = [Operation("remove", f"/{removed}")]
    check_change(before, after, operations, CATALOG)


async def test_the_fields_of_an_object_are_listed_once_in_a_report(
    tool_client: ToolClient,
) -> None:
    draft = {"system_prompt": "You help.", "layers": {"llm": {"zzz": 1, "qqq": 2}, "stt": {"w": 3}}}
    report = await tool_client.expect_result("check_persona", document=draft)
    messages = [item["message"] for item in report["findings"] if item["rule"] == "unknown-field"]
    assert len(messages) == 3
    assert sum("Fields of /layers/llm: " in message for message in messages) == 1
    assert sum("Fields of /layers/stt: " in message for message in messages) == 1


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("update_persona", {"layers": {}}, "A layer is changed with its configure_* tool"),
        ("update_persona", {"is_template": True}, "Use patch_persona for /is_template"),
        ("update_persona", {"model": "x"}, "Give configure_llm(model=...) instead"),
        ("configure_llm", {"tools": []}, "Use set_function_tool for /layers/llm/tools"),
        ("configure_llm", {"prompt": "x"}, "Give update_persona(system_prompt=...) instead"),
        ("configure_tts", {"voiceId": "x"}, "Give 'external_voice_id' instead"),
        ("configure_stt", {"language": "es"}, "Give update_persona(languages=...) instead"),
        ("update_persona", {"first_message": "x"}, "Give 'greeting' instead"),
    ],
)
async def test_the_advice_is_in_terms_of_a_tool_that_sets_the_field(
    tool_client: ToolClient, tool: str, arguments: JsonObject, says: str
) -> None:
    message = await tool_client.expect_error(tool, persona_id="p1", **arguments)
    assert says in message
