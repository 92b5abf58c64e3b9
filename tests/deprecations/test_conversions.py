"""The fix of a rule, the goal modernize and a write convert a legacy setting alike."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from legacy_fixes import (
    CATALOG,
    apply_fix,
    apply_legacy_fixes,
    build_document,
    list_changes,
    modernize,
)

from tavus_mcp.checker.check import find_findings
from tavus_mcp.checker.rules import RULES
from tavus_mcp.checker.schema_check import SCHEMA_RULES
from tavus_mcp.deprecations import CONVERSIONS, apply_operations
from tavus_mcp.deprecations.table import DOCUMENTS, PROVIDER_VOICE
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.personas.current_spelling import use_current_spelling

Case = dict[str, Any]
CASES: list[Case] = tomllib.loads((Path(__file__).parent / "cases.toml").read_text("utf-8"))["case"]
DECISIONS = {"convert", "remove", "ask", "same"}
CERTAIN_RULES = {DOCUMENTS.rule, PROVIDER_VOICE.rule}
# The fix asks for a reference to the key, because a finding never carries a key.
NOT_FIXED = {"a bearer key in a header"}


def case_id(case: Case) -> str:
    return f"{case['rule']}: {case['name']}"


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_modernize_gives_the_decided_patch(case: Case) -> None:
    body = build_document(case["with"])
    assert list_changes(body, modernize(body)) == case["patch"]


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_the_fix_of_the_rule_gives_the_decided_patch(case: Case) -> None:
    body = build_document(case["with"])
    (finding,) = [
        finding
        for finding in find_findings(PersonaDocument(body), CATALOG)
        if (finding.rule, finding.path) == (case["rule"], case["path"])
    ]
    changes = list_changes(body, apply_fix(body, finding, choose=False))
    assert changes == case.get("fix", case["patch"])


@pytest.mark.parametrize("case", [case for case in CASES if case["name"] not in NOT_FIXED])
def test_the_fixes_of_legacy_rules_together_give_the_decided_patch(case: Case) -> None:
    body = build_document(case["with"])
    assert list_changes(body, apply_legacy_fixes(body)) == case["patch"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["rule"] in {*CERTAIN_RULES, "tts-both-voices"}]
)
def test_a_write_gives_the_decided_patch_of_a_certain_conversion(case: Case) -> None:
    body = build_document(case["with"])
    written, findings = use_current_spelling({}, body, CATALOG)
    assert list_changes(body, written) == case["patch"]
    assert findings


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_modernizing_twice_changes_nothing_more(case: Case) -> None:
    once = modernize(build_document(case["with"]))
    assert list_changes(once, modernize(once)) == {}


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_difference_of_earlier_versions_has_a_decision_with_a_reason(case: Case) -> None:
    differed = case.get("old_fix") != case.get("old_modernize")
    assert ("reason" in case) is differed
    assert case.get("decision", "same") in DECISIONS


@pytest.mark.parametrize("conversion", CONVERSIONS, ids=lambda conversion: conversion.name)
def test_the_rule_of_a_conversion_exists(conversion: Any) -> None:
    assert conversion.rule in {None, *SCHEMA_RULES, *(rule.name for rule in RULES)}


def test_conversions_have_names_of_their_own() -> None:
    names = Counter(conversion.name for conversion in CONVERSIONS)
    assert set(names.values()) == {1}


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_conversion_applies_exactly_where_it_changes_the_document(case: Case) -> None:
    document = PersonaDocument(build_document(case["with"]))
    for conversion in CONVERSIONS:
        converted = apply_operations(document, conversion.operations(document, CATALOG))
        changed = list_changes(dict(document.data), dict(converted.data)) != {}
        operations = conversion.operations(document, CATALOG)
        is_applied = any(item.kind != "keep" for item in operations)
        assert is_applied is changed, conversion.name
