"""The call in a hint is accepted by the tools and has the stated effect."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient
from persona_fixtures import (
    PERSONA_ID,
    find_sentences,
    read_stored_persona,
    store_persona,
    suggest_tuning,
    values_by_path,
)

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio


async def apply_change(tool_client: ToolClient, tool: str, **arguments: Any) -> None:
    dry = await tool_client.expect_result(tool, persona_id=PERSONA_ID, dry_run=True, **arguments)
    await tool_client.expect_result("apply_plan", plan_id=dry["plan_id"])


async def test_a_stock_voice_replaces_a_provider_voice(
    tool_client: ToolClient, store: Store
) -> None:
    """Tavus: external_voice_id wins over voice_id as long as it is set."""
    store_persona(
        store, layers={"tts": {"external_voice_id": "a0e99841-438c-4a64-b679-ae501e7d6091"}}
    )
    advised = await suggest_tuning(tool_client, "sound_calmer")
    assert find_sentences(
        advised, 'configure_tts(persona_id, voice_id=..., unset=["external_voice_id"])'
    )
    await apply_change(
        tool_client, "configure_tts", voice_id="v0a1b2c3d4e5f", unset=["external_voice_id"]
    )
    assert read_stored_persona(store)["layers"]["tts"] == {"voice_id": "v0a1b2c3d4e5f"}


async def test_a_wake_phrase_is_removed_together_with_its_sleep_phrase(
    tool_client: ToolClient, store: Store
) -> None:
    """Tavus: a sleep phrase needs a wake phrase."""
    store_persona(
        store,
        layers={"conversational_flow": {"wake_phrase": "hey Ada", "sleep_phrase": "bye Ada"}},
    )
    advised = await suggest_tuning(tool_client, "re_engage_when_silent")
    assert find_sentences(advised, 'unset=["wake_phrase", "sleep_phrase"]')
    await apply_change(
        tool_client,
        "configure_conversational_flow",
        idle_engagement="patient",
        unset=["wake_phrase", "sleep_phrase"],
    )
    again = await suggest_tuning(tool_client, "re_engage_when_silent")
    assert list(values_by_path(again)) == ["/system_prompt"]


async def test_the_advised_calls_calm_a_legacy_voice(tool_client: ToolClient, store: Store) -> None:
    settings = {"speed": 0.9, "emotion": ["anger:high"]}
    store_persona(store, layers={"tts": {"tts_model_name": "sonic-2", "voice_settings": settings}})
    advised = await suggest_tuning(tool_client, "sound_calmer")
    assert find_sentences(advised, 'unset=["speed"]')
    assert find_sentences(advised, 'unset=["emotion"]')
    await apply_change(tool_client, "configure_tts", unset=["speed", "emotion"])
    again = await suggest_tuning(tool_client, "sound_calmer")
    assert find_sentences(again, "unset=") == []


async def test_strength_strong_makes_the_change_that_normal_announces(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store)
    (sentence,) = find_sentences(await suggest_tuning(tool_client, "be_smarter"), "is not rated")
    strong = await suggest_tuning(tool_client, "be_smarter", strength="strong")
    assert f"chooses {values_by_path(strong)['/layers/llm/model']}: " in sentence


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [
        ("see_the_user", "respect_privacy", "seeing"),
        ("respect_privacy", "see_the_user", "private"),
    ],
)
async def test_prompt_paragraphs_about_vision_do_not_contradict_each_other(
    tool_client: ToolClient, store: Store, first: str, second: str, holds: str
) -> None:
    store_persona(store)
    answer = await suggest_tuning(tool_client, first, second)
    prompt = values_by_path(answer)["/system_prompt"]
    assert prompt.count("<tuning") == 1
    assert f'<tuning name="{holds}">' in prompt
    assert answer["settled"]


async def test_the_privacy_goal_removes_what_the_vision_goal_added(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store)
    before = read_stored_persona(store)
    seen = await suggest_tuning(tool_client, "see_the_user", strength="strong")
    await tool_client.expect_result("apply_plan", plan_id=seen["plan_id"])
    private = await suggest_tuning(tool_client, "respect_privacy")
    await tool_client.expect_result("apply_plan", plan_id=private["plan_id"])
    after = read_stored_persona(store)
    assert after["layers"]["perception"] == {"perception_model": "off"}
    assert after["system_prompt"].startswith(
        f'{before["system_prompt"]}\n\n<tuning name="private">'
    )
    assert "You can see" not in after["system_prompt"]


async def test_a_goal_about_cost_says_that_prices_are_not_known(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store)
    answer = await suggest_tuning(tool_client, "cost_less")
    assert find_sentences(answer, "No prices of models are known")
