"""Single steps of the goals, as data: a persona, a call, and the whole resulting plan."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from test_tuning_properties import check_recommendation_properties
from tuning_fixtures import BASE, apply_recommendation, recommend_changes

from tavus_mcp.models.document import PersonaDocument

CASES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("cases.toml").read_text(encoding="utf-8")
)["case"]
REMOVED = "(removed)"


def build_persona(case: dict[str, Any]) -> dict[str, Any]:
    stored = {**BASE, **case.get("persona", {})}
    if stored.get("pipeline_mode") == "echo":
        del stored["system_prompt"]
    return stored


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_case_produces_exactly_the_expected_changes(case: dict[str, Any]) -> None:
    data, strength = build_persona(case), case.get("strength", "normal")
    languages = tuple(case.get("languages", ()))
    recommendation = recommend_changes(data, *case["goals"], strength=strength, languages=languages)
    after = PersonaDocument(apply_recommendation(recommendation, data))
    outcome = {
        path: REMOVED if after.at(path) is None else after.at(path)
        for path in recommendation.reasons
    }
    assert outcome == case.get("after", {})
    met = {already_met.path for already_met in recommendation.already_met}
    assert set(case.get("so", ())) <= met
    assert not set(case.get("not_so", ())) & met
    findings = "\n".join(
        f"{finding.path}: {finding.message} {finding.hint}" for finding in recommendation.findings
    )
    assert [words for words in case.get("said", ()) if words not in findings] == []
    assert [words for words in case.get("unsaid", ()) if words in findings] == []
    for path, words in case.get("why", {}).items():
        reason = recommendation.reason(path)
        assert words in f"{reason.reason} {reason.effect} {reason.trade_off} ({reason.confidence})"
    check_recommendation_properties(data, tuple(case["goals"]), strength)
