"""The full example of the document that this project started from, each layer filled in."""

from __future__ import annotations

from typing import Any

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get current weather for a location",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string", "description": "City and state"}},
            "required": ["location"],
        },
    },
}
SEED: dict[str, Any] = {
    "persona_name": "Technical Interviewer",
    "pipeline_mode": "full",
    "system_prompt": "You are a senior technical interviewer...",
    "context": "Focus on system design and coding problems.",
    "default_replica_id": "rfe12d8b9597",
    "layers": {
        "llm": {"model": "tavus-gpt-4o", "tools": [WEATHER]},
        "tts": {"tts_engine": "cartesia", "voice_id": "your-cartesia-voice-id"},
        "perception": {"perception_model": "raven-0", "ambient_awareness": True},
        "stt": {
            "smart_turn_detection": True,
            "participant_pause_sensitivity": "medium",
            "participant_interrupt_sensitivity": "medium",
        },
    },
}
