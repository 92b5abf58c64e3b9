"""What is advised works: the call in a hint is taken by the tools and does what it says."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import Desk
from planting import PERSONA, outcome, planted, said, stored, suggested

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio


async def called(desk: Desk, tool: str, **arguments: Any) -> None:
    dry = await desk.facts(tool, persona_id=PERSONA, dry_run=True, **arguments)
    await desk.facts("apply_plan", plan_id=dry["plan_id"])


async def test_a_voice_of_the_list_takes_the_place_of_a_providers(desk: Desk, store: Store) -> None:
    """Tavus: external_voice_id wins over voice_id as long as it is set."""
    planted(store, layers={"tts": {"external_voice_id": "a0e99841-438c-4a64-b679-ae501e7d6091"}})
    advised = await suggested(desk, "sound_calmer")
    assert said(advised, 'configure_tts(persona_id, voice_id=..., unset=["external_voice_id"])')
    await called(desk, "configure_tts", voice_id="v0a1b2c3d4e5f", unset=["external_voice_id"])
    assert stored(store)["layers"]["tts"] == {"voice_id": "v0a1b2c3d4e5f"}


async def test_a_wake_phrase_goes_together_with_its_sleep_phrase(desk: Desk, store: Store) -> None:
    """Tavus: a sleep phrase needs a wake phrase."""
    planted(
        store,
        layers={"conversational_flow": {"wake_phrase": "hey Ada", "sleep_phrase": "bye Ada"}},
    )
    advised = await suggested(desk, "re_engage_when_silent")
    assert said(advised, 'unset=["wake_phrase", "sleep_phrase"]')
    await called(
        desk,
        "configure_conversational_flow",
        idle_engagement="patient",
        unset=["wake_phrase", "sleep_phrase"],
    )
    again = await suggested(desk, "re_engage_when_silent")
    assert list(outcome(again)) == ["/system_prompt"]


async def test_a_hectic_older_voice_is_calmed_by_the_calls_that_are_advised(
    desk: Desk, store: Store
) -> None:
    settings = {"speed": 0.9, "emotion": ["anger:high"]}
    planted(store, layers={"tts": {"tts_model_name": "sonic-2", "voice_settings": settings}})
    advised = await suggested(desk, "sound_calmer")
    assert said(advised, 'unset=["speed"]')
    assert said(advised, 'unset=["emotion"]')
    await called(desk, "configure_tts", unset=["speed", "emotion"])
    again = await suggested(desk, "sound_calmer")
    assert said(again, "unset=") == []


async def test_strong_takes_what_normal_said_it_would(desk: Desk, store: Store) -> None:
    planted(store)
    (sentence,) = said(await suggested(desk, "be_smarter"), "is not rated")
    strong = await suggested(desk, "be_smarter", strength="strong")
    assert f"takes {outcome(strong)['/layers/llm/model']}: " in sentence


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [
        ("see_the_user", "respect_privacy", "seeing"),
        ("respect_privacy", "see_the_user", "private"),
    ],
)
async def test_a_prompt_never_says_both_that_people_are_seen_and_that_they_are_not(
    desk: Desk, store: Store, first: str, second: str, holds: str
) -> None:
    planted(store)
    answer = await suggested(desk, first, second)
    prompt = outcome(answer)["/system_prompt"]
    assert prompt.count("<tuning") == 1
    assert f'<tuning name="{holds}">' in prompt
    assert answer["settled"]


async def test_privacy_takes_back_what_seeing_had_added(desk: Desk, store: Store) -> None:
    planted(store)
    before = stored(store)
    seen = await suggested(desk, "see_the_user", strength="strong")
    await desk.facts("apply_plan", plan_id=seen["plan_id"])
    private = await suggested(desk, "respect_privacy")
    await desk.facts("apply_plan", plan_id=private["plan_id"])
    after = stored(store)
    assert after["layers"]["perception"] == {"perception_model": "off"}
    assert after["system_prompt"].startswith(
        f'{before["system_prompt"]}\n\n<tuning name="private">'
    )
    assert "You can see" not in after["system_prompt"]
