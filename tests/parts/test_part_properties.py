"""Whatever is saved as a part reads back equal, and the undo of a change restores the part."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_client import ToolClient
from part_requests import ID_ARGUMENTS, SAVE_TOOLS, read_fields
from property_examples import examples

from tavus_mcp.models.parts.part_document import DEFAULTS, is_equivalent

pytestmark = pytest.mark.anyio
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True)
TEXTS = st.text("abc äöü\n.,", min_size=1, max_size=60).filter(lambda text: bool(text.strip()))
TAGS = st.lists(NAMES, max_size=3, unique=True)
MODALITIES = st.sampled_from(["verbal", "visual"])


def optional(**fields: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    return fields


@st.composite
def objective_sets(draw: st.DrawFn) -> dict[str, Any]:
    """A chain of objectives, each of which leads to the next one."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    data = []
    for name, following in zip(names, [*names[1:], ""], strict=True):
        item = {"objective_name": name, "objective_prompt": draw(TEXTS)}
        item |= {"next_required_objective": following} if following else {}
        item |= draw(st.fixed_dictionaries({}, optional=optional(modality=MODALITIES)))
        data.append(item)
    return {"name": draw(NAMES), "data": data}


RULES = st.lists(
    st.fixed_dictionaries(
        {"text": NAMES, "pronunciation": NAMES, "type": st.just("alias")},
        optional=optional(case_sensitive=st.booleans()),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda rule: rule["text"],
)
PARTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "tool": st.fixed_dictionaries(
        {"name": NAMES, "description": TEXTS},
        optional=optional(
            parameters=st.fixed_dictionaries(
                {
                    "type": st.just("object"),
                    "properties": st.dictionaries(
                        NAMES.filter(lambda name: not name.lower().startswith("tavus_")),
                        st.just({"type": "string"}),
                        max_size=2,
                    ),
                }
            ),
        ),
    ),
    "objectives": objective_sets(),
    "guardrail": st.fixed_dictionaries(
        {"guardrail_name": NAMES, "guardrail_prompt": TEXTS},
        optional=optional(modality=MODALITIES, app_message=st.booleans()),
    ),
    "dictionary": st.fixed_dictionaries({"name": NAMES, "rules": RULES}),
}
PAIRS = st.sampled_from(sorted(PARTS)).flatmap(
    lambda kind: st.tuples(st.just(kind), PARTS[kind], PARTS[kind])
)


def holds(stored: Any, given_value: Any) -> bool:
    """Tell whether a value that was read holds what was given; the rest are defaults."""
    if isinstance(given_value, dict):
        return all(
            holds(stored.get(name, DEFAULTS.get(name)), item) for name, item in given_value.items()
        )
    if isinstance(given_value, list) and given_value and isinstance(given_value[0], dict):
        return len(stored) == len(given_value) and all(map(holds, stored, given_value))
    return is_equivalent(stored, given_value)


@given(pair=PAIRS)
@settings(
    max_examples=examples(6),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_a_saved_part_reads_back_equal_and_its_changes_can_be_undone(
    tool_client: ToolClient, pair: tuple[str, dict[str, Any], dict[str, Any]]
) -> None:
    kind, first, second = pair
    save = SAVE_TOOLS[kind]
    created = await tool_client.expect_result(save, **first)
    part_id = created["part"]["id"]
    before = await read_fields(tool_client, kind, part_id)
    assert holds(before, first)
    same = await tool_client.expect_result(save, **{ID_ARGUMENTS[kind]: part_id}, **first)
    assert same["status"] == "unchanged"
    changed = await tool_client.expect_result(save, **{ID_ARGUMENTS[kind]: part_id}, **second)
    if changed["status"] == "applied":
        assert holds(await read_fields(tool_client, kind, part_id), second)
        await tool_client.expect_result("restore_revision", **changed["undo"]["arguments"])
    assert await read_fields(tool_client, kind, part_id) == before
    plan = await tool_client.expect_result("delete_part", kind=kind, id=part_id)
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
