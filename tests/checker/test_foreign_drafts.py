"""Documents as users of other products write them: each mistake is found, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from documents import read_data_file

from tavus_mcp.catalog import load_catalog
from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument

CATALOG = load_catalog()
DRAFTS: list[dict[str, Any]] = read_data_file("foreign_drafts.toml")["draft"]
PLAIN = {
    "persona_name": "Ada",
    "system_prompt": (
        "You are Ada, who helps people to choose a bicycle. Answer in short sentences."
    ),
    "default_replica_id": "r90bbd427f71",
}


def find_advice(**fields: Any) -> str:
    """Return the hints for a persona with these fields."""
    return " ".join(str(item.hint) for item in check(PersonaDocument(fields), CATALOG))


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft["title"])
def test_a_draft_of_another_product_has_these_findings(draft: dict[str, Any]) -> None:
    body = (
        json.loads(draft["document"]) if "document" in draft else PLAIN | json.loads(draft["with"])
    )
    findings = check(PersonaDocument(body), CATALOG)
    assert [f"{item.severity} {item.path} {item.rule}" for item in findings] == draft["found"]
    assert len({(item.path, item.rule) for item in findings}) == len(findings)


def test_many_of_the_drafts_are_valid() -> None:
    valid = [draft["title"] for draft in DRAFTS if not draft["found"]]
    assert len(DRAFTS) >= 80
    assert len(valid) >= 30


@pytest.mark.parametrize(
    ("fields", "moved", "absent"),
    [
        ({"voice_id": "11labs-Adrian"}, "Set /layers/tts/external_voice_id instead", "to ..."),
        ({"voice": "marin"}, "Set /layers/tts/external_voice_id instead", "to ..."),
        (
            {"default_replica_id": "", "avatar_id": "Anna_public_3"},
            "Set /default_replica_id instead",
            "to ...",
        ),
        ({"turn_detection": "multilingual"}, "turn_detection_model instead", "to ..."),
        ({"transcriber": {"provider": "deepgram", "language": "es"}}, 'to ["es"]', "stt_engine"),
        ({"model": {"model": "x", "toolIds": ["a-b"]}}, "/layers/llm/model to", "tool_ids"),
        (
            {"conversation_config": {"tts": {"voice_id": "21m00Tcm4TlvDq8ikWAM"}}},
            "set /layers/tts/external_voice_id to",
            "tts/voice_id",
        ),
        ({"turn": {"turn_eagerness": "patient"}}, 'turn_taking_patience to "high"', "to ..."),
        ({"voice": {"provider": "11labs"}}, 'tts_engine to "elevenlabs"', "to ..."),
        ({"name": "B"}, "/persona_name is set, so remove this", "instead"),
        (
            {"tools": [{"type": "function", "name": "f", "description": "F."}]},
            'set /layers/llm to {"tools": ...}',
            "instead",
        ),
        ({"voice_temperature": 1}, "Remove", "is_template"),
        ({"tool_choice": "auto"}, "Remove", "tool_ids"),
    ],
)
def test_a_value_moves_only_where_it_can_be_meant(
    fields: dict[str, Any], moved: str, absent: str
) -> None:
    advice = find_advice(**(PLAIN | fields))
    assert moved in advice
    assert absent not in advice


def test_a_table_with_columns_is_no_function_that_a_prompt_calls() -> None:
    prompt = "You explain SQL. The tables are order_items(id, bike_id) and customer_orders."
    assert check(PersonaDocument({**PLAIN, "system_prompt": prompt}), CATALOG) == []


def test_a_flat_function_is_wrapped_by_its_fix() -> None:
    flat = {"type": "function", "name": "find_shop", "description": "Finds a shop."}
    document = PersonaDocument({**PLAIN, "persona_id": "p0123456789a", "tools": [flat]})
    (finding,) = [item for item in check(document, CATALOG) if item.path == "/tools"]
    assert finding.fix
    value = finding.fix[-1].arguments["patch"][0]["value"]
    assert value["tools"][0]["function"]["name"] == "find_shop"
