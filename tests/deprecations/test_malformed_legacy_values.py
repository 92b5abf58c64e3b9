"""Legacy settings whose values have the wrong type are converted, or reported, without harm."""

from __future__ import annotations

from typing import Any

import pytest
from legacy_fixes import CATALOG, apply_fix, build_document, list_changes, modernize

from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.personas.current_spelling import use_current_spelling
from tavus_mcp.tuning import build_recommendation


def find_finding(body: dict[str, Any], rule: str) -> RuleFinding:
    findings = check(PersonaDocument(body), CATALOG)
    (finding,) = [finding for finding in findings if finding.rule == rule]
    return finding


def test_the_fix_of_queries_that_are_no_list_sets_a_list() -> None:
    body = build_document({"layers": {"perception": {"ambient_awareness_queries": "Is it red?"}}})
    finding = find_finding(body, "perception-field-legacy")
    assert finding.fix is not None
    (call,) = finding.fix
    assert call.arguments["visual_awareness_queries"] == []
    fixed = apply_fix(body, finding)
    assert "ambient_awareness_queries" not in fixed["layers"]["perception"]


def test_modernize_reports_a_value_that_it_keeps_once() -> None:
    body = build_document({"layers": {"perception": {"perception_tools": "note"}}})
    document = PersonaDocument(body)
    recommendation = build_recommendation(document, ["modernize"], "normal", (), CATALOG)
    paths = [finding.path for finding in recommendation.findings]
    assert paths.count("/layers/perception/perception_tools") == 1


@pytest.mark.parametrize("prompt", [["You are Ada."], 5, {}])
def test_a_context_beside_a_prompt_that_is_no_text_is_reported(prompt: Any) -> None:
    body = build_document({"context": "Prices are in euros.", "system_prompt": prompt})
    finding = find_finding(body, "context-deprecated")
    changes = list_changes(body, apply_fix(body, finding))
    assert changes["/system_prompt"] == "Prices are in euros."
    assert modernize(body)["context"] == "Prices are in euros."


@pytest.mark.parametrize("value", ["d8-a", 1.5, {"d8-a": True}])
def test_stored_documents_inside_layers_that_are_no_list_do_not_stop_a_change(value: Any) -> None:
    body = build_document({"layers": {"document_ids": value}})
    assert modernize(body) == build_document({"layers": {}})
    written, (finding,) = use_current_spelling(body, {**body, "greeting": "Hello!"}, CATALOG)
    assert written == build_document({"layers": {}, "greeting": "Hello!"})
    assert finding.message.endswith("it is no list, so it was left out.")


def test_documents_inside_layers_that_a_write_gives_are_checked_as_those_of_the_persona() -> None:
    body = build_document({"layers": {"document_ids": "d8-a"}})
    written, _ = use_current_spelling({}, body, CATALOG)
    (finding,) = [it for it in check(PersonaDocument(written), CATALOG) if it.blocks_write]
    assert (finding.path, finding.message) == ("/document_ids", "Must be a list.")


def test_empty_documents_inside_layers_are_left_out_with_their_reason() -> None:
    body = build_document({"layers": {"document_tags": []}})
    written, (finding,) = use_current_spelling({}, body, CATALOG)
    assert written == build_document({"layers": {}})
    assert finding.message.endswith("it is empty, so it was left out.")
