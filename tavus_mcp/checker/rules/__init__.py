"""The rules of the checker: one module per layer or topic, collected from their definitions."""

from tavus_mcp.checker.rule import Rule, collect_definitions
from tavus_mcp.checker.rules import (
    characters,
    conversational_flow,
    functions,
    keys_in_texts,
    latency,
    llm,
    llm_endpoint,
    llm_url,
    other_layers,
    perception,
    persona,
    pipeline_mode,
    placeholders,
    prompt_functions,
    stt,
    texts,
    tts,
    values,
    voice_settings,
)

RULES = collect_definitions(
    Rule,
    persona,
    texts,
    placeholders,
    prompt_functions,
    characters,
    keys_in_texts,
    values,
    pipeline_mode,
    llm,
    llm_endpoint,
    llm_url,
    functions,
    tts,
    voice_settings,
    stt,
    perception,
    conversational_flow,
    other_layers,
    latency,
)
"""All rules. Their order is the order of findings of one severity, and of their fixes."""
