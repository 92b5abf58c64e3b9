"""The rules of the checker, by the layer they look at."""

from tavus_mcp.usecases.rules import (
    conversational_flow,
    endpoint,
    functions,
    latency,
    llm,
    modes,
    newer,
    perception,
    persona,
    prompts,
    stt,
    tts,
    unseen,
    voices,
)
from tavus_mcp.usecases.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *persona.RULES,
    *prompts.RULES,
    *unseen.RULES,
    *modes.RULES,
    *llm.RULES,
    *endpoint.RULES,
    *functions.RULES,
    *tts.RULES,
    *voices.RULES,
    *stt.RULES,
    *perception.RULES,
    *conversational_flow.RULES,
    *newer.RULES,
    *latency.RULES,
)
