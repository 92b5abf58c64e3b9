"""Find the tools, arguments and goals that a text names, and those that are not served."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from mcp_types import Tool

from tavus_mcp.catalog.goals import GOALS

VERBS = (
    "list|get|create|update|edit|delete|describe|configure|set|remove|check|patch|apply|restore|"
    "compare|suggest|audit|plan|measure|export"
)
NOT_TOOL_NAMES = frozenset({"plan_id", "create_from_brief", "compare_variants"})
"""Names of arguments and prompts that look like names of tools."""
_NAME = re.compile(rf"(?<![\w/.-])(?:{VERBS})(?:_[a-z]+)+\b(?!\s*=)")
_CALL = re.compile(rf"(?<![\w/.-])((?:{VERBS})(?:_[a-z]+)+)\(([^()]*)\)")
_ARGUMENT = re.compile(r"(?<!\w)(\w+)\s*=")
_GOALS = re.compile(r"goals=(\[[^\]]*\])")


def find_tool_names(text: str) -> set[str]:
    """Return every tool's name in a text: any word that starts with a tool's verb and ``_``."""
    return set(_NAME.findall(text)) - NOT_TOOL_NAMES


def find_calls(text: str) -> Iterator[tuple[str, set[str]]]:
    """Yield every call in a text: the tool and the names of its arguments."""
    for tool, arguments in _CALL.findall(text):
        yield tool, set(_ARGUMENT.findall(arguments))


def find_goals(text: str) -> set[str]:
    """Return every goal that a call in a text names."""
    lists = (ast.literal_eval(found.replace("...", "")) for found in _GOALS.findall(text))
    return {goal for goals in lists for goal in goals}


def find_unknown_names(text: str, tools: Iterable[Tool]) -> list[str]:
    """Return a complaint for each named tool, argument or goal that does not exist."""
    served: Mapping[str, Tool] = {tool.name: tool for tool in tools}
    wrong = [f"no tool {name}" for name in sorted(find_tool_names(text) - served.keys())]
    for tool, arguments in find_calls(text):
        if tool in served:
            known = served[tool].input_schema["properties"].keys()
            wrong += [f"{tool} takes no {name}" for name in sorted(arguments - known)]
    return wrong + [f"no goal {name}" for name in sorted(find_goals(text) - set(GOALS))]
