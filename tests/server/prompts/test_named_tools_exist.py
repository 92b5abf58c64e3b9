"""Tools, arguments and goals named in guides and instructions exist on the served surface."""

from __future__ import annotations

import pytest
from mcp_client import ToolClient
from named_tools import find_calls, find_goals, find_tool_names, find_unknown_names

from tavus_mcp.catalog import TuningGoal, load_catalog

pytestmark = pytest.mark.anyio
CATALOG = load_catalog()


@pytest.mark.parametrize("topic", CATALOG.guide_topics)
async def test_every_tool_argument_and_goal_that_a_guide_names_exists(
    tool_client: ToolClient, topic: str
) -> None:
    guide = CATALOG.guide(topic)
    assert find_unknown_names(guide, (await tool_client.client.list_tools()).tools) == []


async def test_every_tool_that_the_instructions_name_exists(tool_client: ToolClient) -> None:
    instructions = tool_client.client.instructions
    assert instructions is not None
    assert find_unknown_names(instructions, (await tool_client.client.list_tools()).tools) == []
    assert {"suggest_tuning", "compare_personas"} <= find_tool_names(instructions)


@pytest.mark.parametrize("goal", list(CATALOG.tuning_goals), ids=lambda goal: goal.name)
def test_the_guide_to_tuning_describes_every_goal(goal: TuningGoal) -> None:
    row = f"| `{goal.name}` | {goal.purpose} | {goal.not_for} | {', '.join(goal.aliases)} |"
    assert row in CATALOG.guide("tuning").splitlines()


async def test_the_name_check_finds_unknown_names(tool_client: ToolClient) -> None:
    tools = (await tool_client.client.list_tools()).tools
    text = "configure_lmm and `configure_llm(persona_id, modle=1)`, goals=['sing', 'cost_less']"
    assert find_unknown_names(text, tools) == [
        "no tool configure_lmm",
        "configure_llm takes no modle",
        "no goal sing",
    ]
    assert list(find_calls("get_persona(persona_id='p1', layers=[...])")) == [
        ("get_persona", {"persona_id", "layers"})
    ]
    assert find_goals("goals=[...]") == set()
