"""Parts as they are read: wrappers, own ``data`` arrays, empty values, and the table of kinds."""

from __future__ import annotations

from typing import Any

import pytest

from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.parts.part_document import CREATE_MODELS, PartDocument
from tavus_mcp.parts.kinds import DOCUMENT, GUARDRAIL, KINDS, TOOL
from tavus_mcp.tavus_api.endpoints import PART_ENDPOINTS

STEP = {"objective_name": "greet", "objective_prompt": "Say hello."}


def test_a_set_of_one_objective_is_not_unwrapped() -> None:
    """N#61214098743: an objective set contains a ``data`` array of its own."""
    raw = {"uuid": "o0123456789ab", "name": "", "allow_loops": False, "data": [STEP]}
    document = PartDocument.parse("objectives", raw)
    assert (document.object_id, document.data["data"]) == ("o0123456789ab", [STEP])


def test_a_guardrail_set_of_one_is_not_unwrapped() -> None:
    item = {"guardrail_name": "a", "guardrail_prompt": "b"}
    document = PartDocument.parse("guardrail", {"guardrails_id": "g1", "data": [item]})
    assert document.is_set_of_guardrails
    assert document.object_id == "g1"


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_wrapped_part_reads_as_a_flat_one(wrapped: bool) -> None:
    flat = {"document_id": "d1", "document_name": "Menu", "crawl_config": {"depth": 2}}
    raw: dict[str, Any] = {"data": [flat]} if wrapped else flat
    document = PartDocument.parse("document", raw)
    assert (document.object_id, document.name) == ("d1", "Menu")
    assert document.writable_fields()["crawl"] == {"depth": 2}


def test_unset_and_empty_values_are_the_same_state() -> None:
    """N#60899460031: reads give "", null, [] and {} for what is not set."""
    states = [
        {"name": "s", "data": [STEP]},
        {"name": "s", "data": [{**STEP, "next_required_objective": "", "callback_url": None}]},
        {"name": "s", "data": [{**STEP, "next_conditional_objectives": {}}], "created_at": "now"},
    ]
    assert len({PartDocument("objectives", "o1", state).digest for state in states}) == 1


def test_an_empty_value_inside_a_json_schema_counts() -> None:
    states = [{"name": "t", "parameters": {"properties": {"x": x}}} for x in ({}, {"type": "y"})]
    left, right = (PartDocument("tool", "t1", state).digest for state in states)
    bare = PartDocument("tool", "t1", {"name": "t", "parameters": {"properties": {}}}).digest
    assert len({left, right, bare}) == 3


def test_every_kind_has_an_endpoint_and_a_model() -> None:
    assert set(KINDS) == set(PART_ENDPOINTS) == set(CREATE_MODELS)
    assert PART_ENDPOINTS["skill"].path("p1:memory") == "/pals/p1/skills/memory"
    assert TOOL.endpoint.path("t1") == "/tools/t1"


def test_the_fields_in_which_a_persona_refers_to_a_part() -> None:
    persona = PersonaDocument(
        {
            "guardrail_ids": ["g1", "g2"],
            "guardrails_id": "g3",
            "skills": {"presentation": {"config": {"document_ids": ["d1"]}}},
        }
    )
    assert [item.pointer for item in GUARDRAIL.uses(persona, "g3")] == ["/guardrails_id"]
    assert [item.pointer for item in GUARDRAIL.uses(persona, "g2")] == ["/guardrail_ids"]
    assert [item.skill_id for item in DOCUMENT.uses(persona, "d1")] == ["presentation"]
    assert not DOCUMENT.uses(persona, "d2")
