"""Settings without a present equivalent: ``modernize`` leaves and reports them."""

from __future__ import annotations

from typing import Any

import pytest
from tuning_fixtures import BASE, CATALOG, apply_recommendation, case_documents, recommend_changes

from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument

OLD = {"legacy", "deprecated", "retired", "unknown"}
CASES = dict(case_documents())


@pytest.mark.parametrize(
    ("layers", "path"),
    [
        ({"llm": {"model_name": "m"}}, "/layers/llm/model_name"),
        ({"llm": {"endpoint": "https://llm.example.com/v1"}}, "/layers/llm/endpoint"),
        ({"llm": {"is_custom": True}}, "/layers/llm/is_custom"),
        (
            {"perception": {"perception_model_name": "r"}},
            "/layers/perception/perception_model_name",
        ),
        ({"stt": {"engine": "e"}}, "/layers/stt/engine"),
        ({"stt": {"language": "en"}}, "/layers/stt/language"),
        (
            {"conversational_flow": {"turn_commitment": "high"}},
            "/layers/conversational_flow/turn_commitment",
        ),
        (
            {"conversational_flow": {"active_listening": "low"}},
            "/layers/conversational_flow/active_listening",
        ),
        ({"tts": {"tts_model_name": "sonic-2"}}, "/layers/tts/tts_model_name"),
    ],
)
def test_a_legacy_setting_without_equivalent_is_preserved_and_flagged(
    layers: dict[str, Any], path: str
) -> None:
    recommendation = recommend_changes({**BASE, "layers": layers}, "modernize")
    assert recommendation.reasons == {}
    assert [one.path for one in recommendation.findings] == [path]
    assert recommendation.findings[0].hint
    assert recommendation.already_met == []


@pytest.mark.parametrize("name", CASES)
def test_a_persona_is_reported_as_modern_only_when_the_checker_finds_nothing_deprecated(
    name: str,
) -> None:
    recommendation = recommend_changes(CASES[name], "modernize")
    found = check(PersonaDocument(apply_recommendation(recommendation, CASES[name])), CATALOG)
    old = [one for one in found if OLD & set((one.rule or "").split("-"))]
    flagged = {one.path for one in recommendation.findings}
    assert [one for one in old if one.path not in flagged] == []
    assert not (recommendation.already_met and old)


@pytest.mark.parametrize(
    "model", [{}, {"tts_model_name": "sonic-3"}, {"tts_model_name": "sonic-3.5"}]
)
@pytest.mark.parametrize(("speed", "today"), [(-0.5, 0.9), (-1, 0.8), (0, None)])
def test_a_speed_on_the_legacy_scale_is_converted_for_a_newer_model(
    model: dict[str, Any], speed: float, today: float | None
) -> None:
    tts = {**model, "voice_settings": {"speed": speed}}
    data = {**BASE, "layers": {"tts": tts}}
    recommendation = recommend_changes(data, "modernize")
    assert set(recommendation.reasons) == {"/layers/tts/voice_settings/speed"}
    after = PersonaDocument(apply_recommendation(recommendation, data))
    assert after.values_by_pointer.get("/layers/tts/voice_settings/speed") == today
    assert today is None or "converted to 0.8" in recommendation.findings[0].message
    assert recommend_changes(dict(after.data), "modernize").reasons == {}


@pytest.mark.parametrize(
    "tts",
    [
        {},
        {"tts_model_name": "sonic-1"},
        {"tts_model_name": "sonic-2"},
        {"tts_model_name": "sonic-3"},
        {"tts_engine": "elevenlabs", "external_voice_id": "21m00Tcm4TlvDq8ikWAM"},
        {"voice_id": "v0a1b2c3d4e5f"},
    ],
)
@pytest.mark.parametrize("word", ["slowest", "slow", "fast", "fastest"])
def test_the_checker_and_modernize_treat_a_speed_in_words_alike(
    tts: dict[str, Any], word: str
) -> None:
    """One table holds the words and the scale of each model."""
    data = {**BASE, "layers": {"tts": {**tts, "voice_settings": {"speed": word}}}}
    found = check(PersonaDocument(data), CATALOG)
    (hint,) = [one.hint or "" for one in found if one.rule == "voice-speed-in-words"]
    place = {"slowest": -1.0, "slow": -0.5, "fast": 0.5, "fastest": 1.0}[word]
    older = tts.get("tts_model_name") in ("sonic-1", "sonic-2")
    assert f"speed to {place if older else 1 + place * 0.2}" in hint
    after = PersonaDocument(apply_recommendation(recommend_changes(data, "modernize"), data))
    is_legacy_scale = tts.get("tts_model_name") == "sonic-2"  # sonic-1 goes, and its scale with it
    assert after.values_by_pointer["/layers/tts/voice_settings/speed"] == (
        place if is_legacy_scale else 1 + place * 0.2
    )
