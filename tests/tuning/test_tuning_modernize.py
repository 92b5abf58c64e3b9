"""The goal ``modernize``: the example document and all legacy settings in their present form."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import SECRET, ToolClient, text_of
from persona_fixtures import (
    CUSTOM_LLM,
    PERSONA_ID,
    PROMPT,
    find_sentences,
    read_stored_persona,
    store_persona,
    suggest_tuning,
)
from tuning_fixtures import (
    CATALOG,
    RULE_CASES,
    SEED,
    apply_recommendation,
    case_documents,
    recommend_changes,
)

from tavus_mcp.checker.check import check
from tavus_mcp.checker.rules import RULES as CHECKS
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FLOW = "/layers/conversational_flow"
STT = "/layers/stt"
SEEING = "/layers/perception"
TTS = "/layers/tts"
CARTESIA = "a0e99841-438c-4a64-b679-ae501e7d6091"
TOOL = {"type": "function", "function": {"name": "note", "description": "Notes."}}
_OLD_BY_NAME = ("legacy", "deprecated", "retired", "spelling", "as-text", "in-words")
_OLD_BY_MATTER = {
    *("guardrails-both-generations", "audio-only-on-persona", "documents-inside-layers"),
    *("function-inline", "llm-key-in-headers", "tts-playht-field", "stt-hotwords-list"),
    *("tts-provider-voice-in-voice-id", "voice-setting-unsupported", "stt-turn-taking-overridden"),
    "perception-ambient-awareness",
}
OLD = _OLD_BY_MATTER | {
    rule.name for rule in CHECKS if any(word in rule.name for word in _OLD_BY_NAME)
}
"""The rules of the checker that are about something deprecated, legacy or retired."""

BLOCKS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    *(
        (model, {"layers": {"llm": {"model": model}}}, {"/layers/llm/model": "tavus-gemma-4"})
        for model in ("tavus-gpt-4o", "tavus-gpt-4o-mini", "tavus-llama", "tavus-gpt-4.1")
    ),
    (
        "context",
        {"context": "Focus on system design."},
        {"/context": None, "/system_prompt": f"{PROMPT}\n\nFocus on system design."},
    ),
    ("context twice", {"context": "choose a bicycle"}, {"/context": None}),
    (
        "cartesia",
        {"layers": {"tts": {"tts_engine": "cartesia", "voice_id": CARTESIA}}},
        {f"{TTS}/voice_id": None, f"{TTS}/external_voice_id": CARTESIA},
    ),
    (
        "a voice that was not heard",
        {"layers": {"tts": {"voice_id": "larry", "external_voice_id": CARTESIA}}},
        {f"{TTS}/voice_id": None},
    ),
    (
        "playht",
        {
            "layers": {
                "tts": {
                    "tts_engine": "playht",
                    "voice_id": "larry",
                    "playht_user_id": "u1",
                    "tts_model_name": "PlayHT2.0",
                    "voice_settings": {"speed": 1.1, "stability": 0.5},
                }
            }
        },
        {
            f"{TTS}/tts_engine": "cartesia",
            f"{TTS}/voice_id": None,
            f"{TTS}/playht_user_id": None,
            f"{TTS}/tts_model_name": None,
            f"{TTS}/voice_settings/stability": None,
        },
    ),
    (
        "raven-0 with the seed's switch",
        {"layers": {"perception": {"perception_model": "raven-0", "ambient_awareness": True}}},
        {
            f"{SEEING}/perception_model": "raven-1",
            f"{SEEING}/ambient_awareness": None,
            f"{SEEING}/visual_awareness_queries": [
                "What is to be seen around the user and on a shared screen?"
            ],
        },
    ),
    (
        "the seed's switch turned off",
        {"layers": {"perception": {"ambient_awareness": False}}},
        {f"{SEEING}/ambient_awareness": None},
    ),
    (
        "basic with names of its time",
        {
            "layers": {
                "perception": {
                    "perception_model": "basic",
                    "ambient_awareness_queries": ["Red?"],
                    "perception_tools": [TOOL],
                    "perception_tool_prompt": "When red.",
                }
            }
        },
        {
            f"{SEEING}/perception_model": "raven-1",
            f"{SEEING}/ambient_awareness_queries": None,
            f"{SEEING}/visual_awareness_queries": ["Red?"],
            f"{SEEING}/perception_tools": None,
            f"{SEEING}/visual_tools": [TOOL],
            f"{SEEING}/perception_tool_prompt": None,
            f"{SEEING}/visual_tool_prompt": "When red.",
        },
    ),
    (
        "the seed's turn-taking",
        {
            "layers": {
                "stt": {
                    "smart_turn_detection": True,
                    "participant_pause_sensitivity": "high",
                    "participant_interrupt_sensitivity": "low",
                }
            }
        },
        {
            f"{STT}/smart_turn_detection": None,
            f"{STT}/participant_pause_sensitivity": None,
            f"{STT}/participant_interrupt_sensitivity": None,
            f"{FLOW}/turn_detection_model": "sparrow-2",
            f"{FLOW}/turn_taking_patience": "low",
            f"{FLOW}/replica_interruptibility": "low",
            f"{FLOW}/voice_isolation": "off",
        },
    ),
    (
        "turn-taking that is overridden already",
        {
            "layers": {
                "stt": {"participant_pause_sensitivity": "high"},
                "conversational_flow": {"turn_taking_patience": "high", "voice_isolation": "near"},
            }
        },
        {f"{STT}/participant_pause_sensitivity": None},
    ),
    (
        "a turn model that nobody supports",
        {"layers": {"conversational_flow": {"turn_detection_model": "timebased"}}},
        {f"{FLOW}/turn_detection_model": "sparrow-2"},
    ),
    (
        "an engine and a list of hot words",
        {"layers": {"stt": {"stt_engine": "tavus-advanced", "hotwords": ["Brompton", "Kettler"]}}},
        {f"{STT}/stt_engine": "tavus-auto", f"{STT}/hotwords": "Brompton, Kettler"},
    ),
    (
        "words in quotes",
        {"layers": {"tts": {"tts_emotion_control": "false", "voice_settings": {"speed": "fast"}}}},
        {f"{TTS}/tts_emotion_control": False, f"{TTS}/voice_settings/speed": 1.1},
    ),
    (
        "sonic-1",
        {
            "layers": {
                "tts": {
                    "tts_model_name": "sonic-1",
                    "voice_settings": {"speed": 0.5, "emotion": ["positivity:high"]},
                }
            }
        },
        {
            f"{TTS}/tts_model_name": "sonic-3",
            f"{TTS}/voice_settings/speed": 1.1,
            f"{TTS}/voice_settings/emotion": None,
        },
    ),
    (
        "sonic-1 at the usual speed, in words",
        {"layers": {"tts": {"tts_model_name": "sonic-1", "voice_settings": {"speed": "normal"}}}},
        {f"{TTS}/voice_settings/speed": None},
    ),
    (
        "an interruptibility of a docs example",
        {"layers": {"conversational_flow": {"replica_interruptibility": "verylow"}}},
        {f"{FLOW}/replica_interruptibility": "low"},
    ),
]


@pytest.mark.parametrize(("old", "today"), [block[1:] for block in BLOCKS], ids=lambda one: None)
def test_every_deprecated_setting_is_converted_and_nothing_else_changes(
    old: dict[str, Any], today: dict[str, Any]
) -> None:
    """Settings are converted by meaning, without an audible difference."""
    data = {**RULE_CASES["base"], **old}
    recommendation = recommend_changes(data, "modernize")
    change = recommendation.change
    assert {**change.values, **dict.fromkeys(change.unset)} == today  # type: ignore[attr-defined]
    assert set(recommendation.reasons) == set(today)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"stt": {"participant_interrupt_sensitivity": "low"}}, "Converted by meaning"),
        ({"perception": {"ambient_awareness": True}}, "undocumented"),
        (
            {
                "perception": {
                    "ambient_awareness_queries": ["A?"],
                    "visual_awareness_queries": ["B?"],
                }
            },
            "were both set",
        ),
        ({"tts": {"tts_engine": "playht"}}, "Choose a voice"),
        ({"tts": {"voice_settings": {"speed": "slow"}}}, "converted to a number"),
        ({"tts": {"voice_settings": {"emotion": ["anger"]}}}, "fixed emotions"),
        ({"conversational_flow": {"turn_detection_model": "time-based"}}, "no exact equivalent"),
        ({"document_ids": ["d8-a"]}, "now the documents are attached"),
    ],
)
async def test_assumed_values_are_in_the_plan_and_flagged(
    tool_client: ToolClient, store: Store, layers: dict[str, Any], message: str
) -> None:
    store_persona(store, layers=layers)
    answer = await suggest_tuning(tool_client, "modernize")
    assert answer["changes"]
    (finding,) = [one for one in answer["findings"] if message in f"{one['message']} {one['hint']}"]
    assert finding["severity"] == "warning"
    assert finding["hint"]


@pytest.mark.parametrize(
    ("fields", "path", "call"),
    [
        ({"guardrails_id": "g1"}, "/guardrails_id", "Attach single guardrails"),
        ({"layers": {"llm": {"tools": [TOOL]}}}, "/layers/llm/tools", "attach_parts(persona_id"),
        (
            {"layers": {"llm": {**CUSTOM_LLM, "headers": {"x-api-key": "k-0123456789"}}}},
            "/layers/llm/headers/x-api-key",
            "x-api-key holds a key as well; api_key is set and is enough",
        ),
        (
            {
                "layers": {
                    "llm": {**CUSTOM_LLM, "api_key": "", "headers": {"x-api-key": "k-01234567"}}
                }
            },
            "/layers/llm/headers/x-api-key",
            "api_key_ref=...",
        ),
    ],
)
async def test_settings_without_conversion_are_flagged_with_the_call_to_make(
    tool_client: ToolClient, store: Store, fields: dict[str, Any], path: str, call: str
) -> None:
    store_persona(store, **fields)
    answer = await suggest_tuning(tool_client, "modernize")
    assert answer["status"] == "unchanged"
    assert [one for one in find_sentences(answer, call) if one.startswith(f"{path}:")]
    severities = {one["path"]: one["severity"] for one in answer["findings"]}
    assert severities[path] == (
        "info" if path == "/layers/llm/tools" else "warning"
    )  # as check_persona


DOCUMENTS = [*case_documents(), ("the seed, all at once", SEED)]


@pytest.mark.parametrize("data", [one for _, one in DOCUMENTS], ids=[name for name, _ in DOCUMENTS])
def test_the_checker_finds_only_flagged_deprecations_afterwards(data: dict[str, Any]) -> None:
    """One step converts every case that the checker knows."""
    recommendation = recommend_changes(data, "modernize")
    flagged = {one.path for one in recommendation.findings}
    left = [
        one
        for one in check(PersonaDocument(apply_recommendation(recommendation, data)), CATALOG)
        if one.rule in OLD and one.path not in flagged
    ]
    assert left == []


def test_empty_legacy_fields_are_removed_only_when_they_conflict() -> None:
    tts = {"voice_id": CARTESIA, "external_voice_id": "", "tts_engine": ""}
    data = {**RULE_CASES["base"], "layers": {"tts": tts, "stt": {"hotwords": ""}}}
    after = apply_recommendation(recommend_changes(data, "modernize"), data)
    assert after["layers"] == {
        "tts": {"external_voice_id": CARTESIA, "tts_engine": ""},
        "stt": {"hotwords": ""},
    }


def test_the_named_deprecation_rules_exist() -> None:
    assert {rule.name for rule in CHECKS} >= OLD


async def test_the_whole_seed_is_modernized_in_one_revision(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store, **SEED)
    answer = await suggest_tuning(tool_client, "modernize")
    applied = await tool_client.expect_result("apply_plan", plan_id=answer["plan_id"])
    assert applied["status"] == "applied"
    assert len(tool_client.transport.writes) == 1
    layers = read_stored_persona(store)["layers"]
    assert layers["tts"] == {"tts_engine": "cartesia"}
    assert layers["perception"]["perception_model"] == "raven-1"
    assert layers["conversational_flow"]["turn_taking_patience"] == "medium"
    assert layers["conversational_flow"]["voice_isolation"] == "off"
    assert layers["llm"]["tools"] == SEED["layers"]["llm"]["tools"]
    again = await suggest_tuning(tool_client, "modernize")
    assert again["status"] == "unchanged"


REFUSED = (
    "words in quotes",
    "sonic-1 at the usual speed, in words",
)
"""What Tavus takes from nobody any more, so that no undo can bring it back."""


@pytest.mark.parametrize("name", [name for name, *_ in BLOCKS])
async def test_modernizing_can_be_undone(tool_client: ToolClient, store: Store, name: str) -> None:
    """The undo of the receipt brings back exactly the earlier document."""
    store_persona(store, **next(old for one, old, _ in BLOCKS if one == name))
    before = (await tool_client.expect_result("get_persona", persona_id=PERSONA_ID))["revision"]
    answer = await suggest_tuning(tool_client, "modernize")
    applied = await tool_client.expect_result("apply_plan", plan_id=answer["plan_id"])
    assert applied["revision"] != before
    undo = applied["undo"]
    if name in REFUSED:
        assert "Tavus answered 400" in await tool_client.expect_error(
            undo["tool"], **undo["arguments"]
        )
        return
    await tool_client.expect_result(undo["tool"], **undo["arguments"])
    assert (await tool_client.expect_result("get_persona", persona_id=PERSONA_ID))[
        "revision"
    ] == before


async def test_a_bearer_key_is_moved_from_a_header_to_api_key_without_being_revealed(
    tool_client: ToolClient, store: Store
) -> None:
    """Older docs put the key there; Tavus accepts an address only with api_key."""
    llm = {"model": "m", "base_url": "https://llm.example.com/v1"}
    headers = {"Authorization": f"Bearer {SECRET}", "x-team": "blue"}
    store_persona(store, layers={"llm": {**llm, "headers": headers}})
    result = await tool_client.call("suggest_tuning", persona_id=PERSONA_ID, goals=["modernize"])
    assert result.structured_content is not None
    assert SECRET not in text_of(result) + str(result.structured_content)
    await tool_client.expect_result("apply_plan", plan_id=result.structured_content["plan_id"])
    assert read_stored_persona(store)["layers"]["llm"] == {
        **llm,
        "api_key": SECRET,
        "headers": {"x-team": "blue"},
    }


def test_a_modern_persona_has_nothing_to_modernize() -> None:
    clean = {**RULE_CASES["clean"], "layers": {**RULE_CASES["clean"]["layers"], "llm": {}}}
    recommendation = recommend_changes(clean, "modernize")
    assert recommendation.reasons == {}
    assert recommendation.findings == []
    assert [one.goal for one in recommendation.already_met] == ["modernize"]
