"""The personas of the benchmarks, as diverse as those of a real account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tavus_mcp.sandbox.store import Store

_MODELS = ("tavus-gemma-4", "tavus-gpt-oss", "tavus-gemini-2.5-flash", "tavus-claude-haiku-4.5")
_ENGINES = ("cartesia", "elevenlabs")
_REPLICAS = ("rfe12d8b9597", "r79e1c033f", "r90bbd427f71")
_ROLE_NAMES = (
    "Interviewer",
    "Sales Coach",
    "Front Desk",
    "Tutor",
    "Claims Adjuster",
    "Nurse Intake",
)
SENTENCE = "Ask one question at a time, listen to the whole answer, and never promise a result. "


def build_persona(prompt: str = SENTENCE * 8) -> dict[str, Any]:
    """Return the arguments of ``create_persona`` for a persona with the usual layers."""
    return {
        "name": "Technical Interviewer",
        "system_prompt": prompt,
        "default_replica_id": _REPLICAS[0],
        "layers": {
            "llm": {"model": _MODELS[0], "speculative_inference": True},
            "tts": {"tts_engine": "cartesia", "external_voice_id": "a0e99841-438c-4a64-b679"},
            "perception": {"perception_model": "raven-1"},
            "stt": {"hotwords": "Kubernetes, Raft"},
            "conversational_flow": {"turn_taking_patience": "high"},
        },
    }


def write_sandbox_state(state: Path, count: int, prompt: str = SENTENCE * 20) -> None:
    """Write a sandbox state with ``count`` different personas."""
    store = Store.open(state)
    for number in range(count):
        persona_id = f"p{number:011x}"
        moment = f"2026-{number % 9 + 1:02}-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}"
        layers = {
            "llm": {"model": _MODELS[number % len(_MODELS)]},
            "tts": {"tts_engine": _ENGINES[number % len(_ENGINES)]},
        }
        row = {
            "persona_id": persona_id,
            "persona_name": f"{_ROLE_NAMES[number % len(_ROLE_NAMES)]} {number}",
            "persona_type": "user",
            "pipeline_mode": "full",
            "system_prompt": f"{prompt}{number}",
            "default_replica_id": _REPLICAS[number % len(_REPLICAS)],
            "layers": layers,
            "created_at": f"{moment}:00.000000+00:00",
            "updated_at": f"{moment}:30.000000+00:00",
        }
        store.put("persona", persona_id, row)
    store.close()
