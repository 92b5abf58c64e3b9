"""The rules of the checker, by the layer they look at."""

from tavus_mcp.checker.rule import Rule
from tavus_mcp.checker.rules import (
    conversational_flow,
    functions,
    invisible_characters,
    latency,
    llm,
    llm_endpoint,
    other_layers,
    perception,
    persona,
    pipeline_mode,
    stt,
    texts,
    tts,
    voice_settings,
)

RULES: tuple[Rule, ...] = (
    *persona.RULES,
    *texts.RULES,
    *invisible_characters.RULES,
    *pipeline_mode.RULES,
    *llm.RULES,
    *llm_endpoint.RULES,
    *functions.RULES,
    *tts.RULES,
    *voice_settings.RULES,
    *stt.RULES,
    *perception.RULES,
    *conversational_flow.RULES,
    *other_layers.RULES,
    *latency.RULES,
)
