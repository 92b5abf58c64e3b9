"""The rules about parts: one module per kind, and those about several kinds."""

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
from tavus_mcp.checker.rule import collect_definitions

PART_RULES = collect_definitions(
    PartRule,
    tools,
    delivery,
    credentials,
    objectives,
    documents,
    dictionaries,
    skills,
    addresses,
    texts,
)
"""All rules. Their order is the order of findings of one severity."""
