"""A technical interviewer with every layer and a function tool, then tuned after a complaint.

It starts with the settings of an early tutorial, hears what has moved on since, and mends it.
Run it with ``python examples/technical_interviewer.py``; it needs no key and no network.
"""

from __future__ import annotations

import sys
from typing import Any

import anyio
from mcp import Client, StdioServerParameters

SERVER = StdioServerParameters(command=sys.executable, args=["-m", "tavus_mcp", "--sandbox"])

INTERVIEWER: dict[str, Any] = {
    "persona_name": "Technical Interviewer",
    "pipeline_mode": "full",
    "system_prompt": "You are a senior technical interviewer. One question at a time.",
    "context": "Focus on system design and coding problems.",
    "default_replica_id": "rfe12d8b9597",
    "layers": {
        "llm": {"model": "tavus-gpt-4o", "speculative_inference": True},
        "tts": {"tts_engine": "cartesia", "voice_id": "your-cartesia-voice-id"},
        "perception": {"perception_model": "raven-0", "ambient_awareness": True},
        "stt": {
            "smart_turn_detection": True,
            "participant_pause_sensitivity": "medium",
            "participant_interrupt_sensitivity": "medium",
        },
    },
}
WEATHER = {
    "name": "get_weather",
    "description": "Get current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "City and state"}},
        "required": ["location"],
    },
}


class Assistant:
    """Calls tools one after the other and prints what changed and what was found."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; a refusal ends the program with its words."""
        result = await self.client.call_tool(tool, arguments)
        if result.is_error:
            raise SystemExit(f"{tool}: {result.content[0].model_dump()['text']}")
        answer = dict(result.structured_content or {})
        print(f"{tool}: {answer.get('status', 'ok')}")
        for change in answer.get("changes", []):
            print(f"  {change['path']}: {change.get('before')!r} -> {change.get('after')!r}")
        for finding in answer.get("findings", []):
            print(f"  [{finding['severity']}] {finding['path']}: {finding['message']}")
        return answer


async def bring_up_to_date(assistant: Assistant, persona_id: str) -> None:
    """Replace what the findings name by what they advise."""
    await assistant.call("configure_llm", persona_id=persona_id, model="tavus-gemma-4")
    await assistant.call(
        "update_persona",
        persona_id=persona_id,
        system_prompt=f"{INTERVIEWER['system_prompt']} {INTERVIEWER['context']}",
        unset=["context"],
    )
    await assistant.call(
        "configure_perception",
        persona_id=persona_id,
        perception_model="raven-1",
        visual_awareness_queries=["Does the candidate look stuck?"],
        unset=["ambient_awareness"],
    )
    await assistant.call(
        "configure_stt",
        persona_id=persona_id,
        stt_engine="tavus-auto",
        hotwords="Kubernetes, idempotency, sharding",
        unset=[
            "smart_turn_detection",
            "participant_pause_sensitivity",
            "participant_interrupt_sensitivity",
        ],
    )
    voice = "a0e99841-438c-4a64-b679-ae501e7d6091"
    await assistant.call("configure_tts", persona_id=persona_id, external_voice_id=voice)


async def main() -> None:
    """Create the interviewer, mend it, give it a function, tune it, and clean up."""
    async with Client(SERVER) as client:
        assistant = Assistant(client)
        made = await assistant.call("create_persona", **INTERVIEWER)
        persona_id = made["persona_id"]
        await bring_up_to_date(assistant, persona_id)
        await assistant.call("set_function_tool", persona_id=persona_id, **WEATHER)
        print("\nComplaint: it talks over my candidates.")
        await assistant.call(
            "configure_conversational_flow",
            persona_id=persona_id,
            turn_detection_model="sparrow-2",
            turn_taking_patience="high",
            replica_interruptibility="high",
        )
        report = await assistant.call("check_persona", persona_id=persona_id)
        print("left to mend:", report["counts"] or "nothing")
        plan = await assistant.call(made["undo"]["tool"], **made["undo"]["arguments"])
        await assistant.call("apply_plan", plan_id=plan["plan_id"])


if __name__ == "__main__":
    anyio.run(main)
