"""Ten tasks in plain words, as the calls that a model with good judgement makes.

Language models needed 256 calls and 229 kB of answers for such tasks, mostly because everything was
done once per persona. Each task here ends with a check that it was done.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from mcp_client import ToolClient, text_of

from tavus_mcp.sandbox.store import Store
from tavus_mcp.settings import DEFAULT_TOOLSETS

pytestmark = pytest.mark.anyio

MOST_CALLS, MOST_BYTES = 30, 45_000
"""Of all tasks together; models make some calls more, and have 70 calls and 90 kB."""
PROMPT = (
    "You are the assistant of Acme. You help people with orders and returns. " * 40
    + "Never promise a date. Say that you are from Acme."
)


@dataclass
class Conversation:
    """The calls of one task, with their number and the bytes of text that the model reads."""

    tool_client: ToolClient
    calls: int = 0
    text_bytes: int = 0
    tools: list[str] = field(default_factory=list)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.tool_client.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        self.calls += 1
        self.text_bytes += len(text_of(result).encode())
        self.tools.append(tool)
        return dict(result.structured_content or {})


def store_account(store: Store) -> list[str]:
    """Store 40 personas of one company, with old models, long prompts and functions."""
    models = ("tavus-gpt-4o", "tavus-gemma-4", "tavus-gpt-oss", "tavus-llama")
    ids = [f"p{number:011x}" for number in range(40)]
    for number, persona_id in enumerate(ids):
        function = {"name": "find_order", "description": "Find an order at Acme."}
        layers: dict[str, Any] = {"llm": {"model": models[number % 4]}}
        if number % 5 == 0:
            layers["llm"]["tools"] = [{"type": "function", "function": function}]
            layers["tts"] = {"tts_engine": "elevenlabs", "external_voice_id": f"voice{number}"}
        row = {
            "persona_id": persona_id,
            "persona_name": f"{'Test' if number >= 35 else 'Acme'} agent {number}",
            "persona_type": "user",
            "pipeline_mode": "full",
            "system_prompt": PROMPT,
            "greeting": "Welcome to Acme!",
            "default_replica_id": "rfe12d8b9597",
            "layers": layers,
            "created_at": "2026-11-01T10:00:00.000000+00:00",
            "updated_at": "2026-11-01T10:00:00.000000+00:00",
        }
        store.put("persona", persona_id, row)
    return ids


async def find_outdated(talk: Conversation, store: Store, ids: list[str]) -> None:
    """Which of mine are outdated?"""
    audit = await talk.call("audit_personas")
    rules = {group["rule"]: group for group in audit["groups"]}
    assert rules["llm-model-retired"]["personas"] == 10
    assert rules["llm-model-deprecated"]["personas"] == 10
    assert audit["names"][ids[3]] == "Acme agent 3"


async def set_languages(talk: Conversation, store: Store, ids: list[str]) -> None:
    """Let all 40 speak English and German."""
    plan = await talk.call("plan_bulk_change", everything=True, values={"languages": ["en", "de"]})
    await talk.call("apply_plan", plan_id=plan["plan_id"])
    assert all((store.get("persona", item) or {})["languages"] == ["en", "de"] for item in ids)


async def rename_company(talk: Conversation, store: Store, ids: list[str]) -> None:
    """We are called Apex now, not Acme. Change it everywhere."""
    plan = await talk.call("plan_bulk_change", find="Acme", replace="Apex")
    await talk.call("apply_plan", plan_id=plan["plan_id"])
    assert not any("Acme" in json.dumps(store.get("persona", item)) for item in ids)


async def delete_five(talk: Conversation, store: Store, ids: list[str]) -> None:
    """Delete the five test agents."""
    plan = await talk.call("plan_bulk_change", name_contains="Test", delete=True)
    assert plan["totals"]["planned"] == 5
    await talk.call("apply_plan", plan_id=plan["plan_id"])
    assert [store.get("persona", item) for item in ids[35:]] == [None] * 5


async def make_it_harder_to_interrupt(talk: Conversation, store: Store, ids: list[str]) -> None:
    """Agent 7 stops at every cough."""
    found = await talk.call("list_personas", name_contains="agent 7")
    (row,) = found["personas"]
    plan = await talk.call(
        "suggest_tuning", persona_id=row["persona_id"], goals=["be_harder_to_interrupt"]
    )
    await talk.call("apply_plan", plan_id=plan["plan_id"])
    flow = (store.get("persona", ids[7]) or {})["layers"]["conversational_flow"]
    assert flow["replica_interruptibility"] == "low"


async def add_function(talk: Conversation, store: Store, ids: list[str]) -> None:
    """Agent 8 should be able to look up the weather of a city."""
    city = {"city": {"type": "string", "description": "Name of the city"}}
    await talk.call(
        "set_function_tool",
        persona_id=ids[8],
        name="get_weather",
        description="Look up the weather when somebody asks for it.",
        parameters={"type": "object", "properties": city, "required": ["city"]},
    )
    tools = (store.get("persona", ids[8]) or {})["layers"]["llm"]["tools"]
    assert tools[-1]["function"]["name"] == "get_weather"


async def fix_voice(talk: Conversation, store: Store, ids: list[str]) -> None:
    """The voice of agent 10 wavers too much."""
    voice = await talk.call("get_persona", persona_id=ids[10], fields=["tts"])
    assert voice["persona"]["layers"]["tts"]["tts_engine"] == "elevenlabs"
    await talk.call("describe_layer", layer="tts", field="stability")
    await talk.call("configure_tts", persona_id=ids[10], stability=0.8)
    settings = (store.get("persona", ids[10]) or {})["layers"]["tts"]["voice_settings"]
    assert settings == {"stability": 0.8}


async def compare_two(talk: Conversation, store: Store, ids: list[str]) -> None:
    """How do agents 5 and 6 differ?"""
    compared = await talk.call("compare_personas", first=ids[5], second=ids[6])
    paths = [row["path"] for row in compared["differences"]]
    assert "/layers/llm/model" in paths
    assert "/system_prompt" not in paths


async def undo_one_of_two(talk: Conversation, store: Store, ids: list[str]) -> None:
    """Change greeting and patience of agent 11; then take back the greeting only."""
    first = await talk.call("update_persona", persona_id=ids[11], greeting="Hello.")
    before = first["changes"][0]["before"]
    await talk.call(
        "configure_conversational_flow", persona_id=ids[11], turn_taking_patience="high"
    )
    await talk.call(first["undo"]["tool"], **first["undo"]["arguments"])
    row = store.get("persona", ids[11]) or {}
    assert row["greeting"] == before
    assert row["layers"]["conversational_flow"]["turn_taking_patience"] == "high"


async def create_and_tune(talk: Conversation, store: Store, ids: list[str]) -> None:
    """Make a patient German tutor based on agent 2, with one sentence less in its prompt."""
    tutor = await talk.call(
        "create_persona", based_on=ids[2], name="Tutor", languages=["de"], greeting="Hallo!"
    )
    persona_id = tutor["persona_id"]
    await talk.call("edit_prompt", persona_id=persona_id, find="Never promise a date. ", replace="")
    plan = await talk.call("suggest_tuning", persona_id=persona_id, goals=["be_more_patient"])
    await talk.call("apply_plan", plan_id=plan["plan_id"])
    row = store.get("persona", persona_id) or {}
    assert "promise" not in row["system_prompt"]
    assert row["layers"]["conversational_flow"]["turn_taking_patience"] == "high"


TASKS = {
    find_outdated: (1, 6_000),
    set_languages: (2, 6_500),
    rename_company: (2, 8_000),
    delete_five: (2, 3_000),
    make_it_harder_to_interrupt: (3, 3_000),
    add_function: (1, 1_500),
    fix_voice: (3, 2_500),
    compare_two: (1, 1_500),
    undo_one_of_two: (3, 2_500),
    create_and_tune: (4, 6_000),
}
"""Each task with the calls and the bytes of text that it may take."""


@pytest.fixture
async def talk(open_tool_client: Any) -> AsyncIterator[Conversation]:
    """A conversation with a server that has the default tools."""
    async with open_tool_client(toolsets=DEFAULT_TOOLSETS) as tool_client:
        yield Conversation(tool_client)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
async def test_a_plain_task_takes_few_calls_and_short_answers(
    talk: Conversation, store: Store, task: Any
) -> None:
    calls, text_bytes = TASKS[task]
    await task(talk, store, store_account(store))
    assert talk.calls <= calls
    assert talk.text_bytes <= text_bytes, talk.text_bytes


def test_all_tasks_together_stay_within_their_budget() -> None:
    """Issue: 256 calls and 229 kB before; under 70 calls and 90 kB."""
    assert sum(calls for calls, _ in TASKS.values()) <= MOST_CALLS
    assert sum(text_bytes for _, text_bytes in TASKS.values()) <= MOST_BYTES


async def test_the_default_tools_and_instructions_are_short_beside_the_tasks(
    talk: Conversation,
) -> None:
    """The bytes that a model reads before its first call."""
    instructions = talk.tool_client.client.instructions or ""
    assert len(instructions.encode()) <= 2_600
    assert "asked for exactly this change: make it in one call" in instructions
    tools = {tool.name: tool for tool in (await talk.tool_client.client.list_tools()).tools}
    stability = tools["configure_tts"].input_schema["properties"]["stability"]
    assert "higher is steadier" in stability["description"]
    assert 'like "tts" or "/greeting"' in str(tools["restore_revision"].input_schema)
