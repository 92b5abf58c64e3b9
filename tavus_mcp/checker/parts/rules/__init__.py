"""The rules about parts: one module per kind, and those about several kinds."""

from types import ModuleType

from tavus_mcp.checker.parts.part_rule import PartRule
from tavus_mcp.checker.parts.rules import (
    addresses,
    credentials,
    delivery,
    dictionaries,
    documents,
    objectives,
    skills,
    texts,
    tools,
)


def collect_part_rules(*modules: ModuleType) -> tuple[PartRule, ...]:
    """Return the rules that these modules define, in the order of their definition."""
    return tuple(
        definition
        for module in modules
        for definition in vars(module).values()
        if isinstance(definition, PartRule)
    )


PART_RULES = collect_part_rules(
    tools, delivery, credentials, objectives, documents, dictionaries, skills, addresses, texts
)
"""All rules. Their order is the order of findings of one severity."""
