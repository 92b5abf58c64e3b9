"""The rules of the checker: one module per layer or topic, collected from their definitions."""

from types import ModuleType

from tavus_mcp.checker.rule import Rule
from tavus_mcp.checker.rules import (
    conversational_flow,
    functions,
    invisible_characters,
    keys_in_texts,
    latency,
    llm,
    llm_endpoint,
    llm_url,
    mojibake,
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


def collect_rules(*modules: ModuleType) -> tuple[Rule, ...]:
    """Return the rules that these modules define, in the order of their definition."""
    return tuple(
        definition
        for module in modules
        for definition in vars(module).values()
        if isinstance(definition, Rule)
    )


RULES = collect_rules(
    persona,
    texts,
    placeholders,
    prompt_functions,
    invisible_characters,
    mojibake,
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
