"""Real results of tools for the view, on the sandbox."""

from __future__ import annotations

from typing import Any

from mcp_client import ToolClient

PROMPT = (
    "You are a senior technical interviewer. Ask about system design, one question at a time, and "
    "let the candidate finish. Be demanding but kind."
)
LAYERS: dict[str, Any] = {
    "llm": {"model": "tavus-gpt-4o"},
    "tts": {"tts_engine": "cartesia", "external_voice_id": "a0e99841-438c-4a64-b679-ae501e7d6091"},
    "stt": {"smart_turn_detection": True, "participant_pause_sensitivity": "high"},
}


async def create_interviewer(tool_client: ToolClient, **fields: Any) -> str:
    """Create the persona that most tests are about; return its id."""
    body = {"name": "Technical Interviewer", "system_prompt": PROMPT, "layers": LAYERS}
    return await tool_client.create_persona(**{**body, **fields})


async def measured_comparison(tool_client: ToolClient, *, calls: int = 14) -> dict[str, Any]:
    """Simulate calls before and after a tuning; return the arguments of their comparison."""
    persona_id = await create_interviewer(tool_client)
    before = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    await simulate_calls(tool_client, persona_id, calls, seed=2)
    await tool_client.expect_result(
        "configure_conversational_flow", persona_id=persona_id, turn_taking_patience="high"
    )
    await simulate_calls(tool_client, persona_id, calls, seed=3)
    return {"first": f"{persona_id}@{before}", "second": persona_id, "measure": True}


async def simulate_calls(tool_client: ToolClient, persona_id: str, count: int, seed: int) -> None:
    """Let the sandbox simulate calls of a persona as it is now."""
    body = {"persona_id": persona_id, "count": count, "seed": seed}
    await tool_client.control_sandbox("POST", "/conversations", body)
