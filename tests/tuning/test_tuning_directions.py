"""Settings that can move both ways have a goal in each direction, and confusable goals differ."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from persona_fixtures import CUSTOM_LLM, ELEVENLABS
from tuning_fixtures import BASE, CATALOG, apply_recommendation, recommend_changes

from tavus_mcp.catalog import Step
from tavus_mcp.models.document import PersonaDocument

FLOW = "/layers/conversational_flow"
VOICE = "/layers/tts/voice_settings"
LAYERS: dict[str, Any] = {
    "llm": {"model": "tavus-gemini-2.5-flash"},
    "tts": {**ELEVENLABS, "voice_settings": {"speed": 1.0, "stability": 0.55, "style": 0.3}},
    "perception": {"perception_model": "raven-1", "emotion_recognition": "full"},
    "conversational_flow": {
        "turn_detection_model": "sparrow-2",
        "turn_taking_patience": "medium",
        "replica_interruptibility": "medium",
        "voice_isolation": "near",
        "idle_engagement": "patient",
        "turn_commitment": "medium",
    },
}
"""Settings in the middle of their range, so that a goal can move them either way."""

OPPOSITES = [
    ("be_easier_to_interrupt", "be_harder_to_interrupt", f"{FLOW}/replica_interruptibility"),
    ("be_easier_to_interrupt", "be_harder_to_interrupt", f"{FLOW}/turn_commitment"),
    ("respond_faster", "be_more_patient", f"{FLOW}/turn_taking_patience"),
    ("respond_faster", "interrupt_less", f"{FLOW}/turn_taking_patience"),
    ("respond_faster", "be_smarter", "/layers/llm/model"),
    ("speak_faster", "speak_slower", f"{VOICE}/speed"),
    ("speak_faster", "sound_calmer", f"{VOICE}/speed"),
    ("sound_more_expressive", "sound_calmer", f"{VOICE}/stability"),
    ("sound_more_expressive", "sound_calmer", f"{VOICE}/style"),
    ("re_engage_when_silent", "stay_silent", f"{FLOW}/idle_engagement"),
    ("re_engage_when_silent", "be_more_patient", f"{FLOW}/idle_engagement"),
    ("re_engage_when_silent", "cost_less", f"{FLOW}/idle_engagement"),
]
SEPARATE = [
    ("respond_faster", "speak_faster"),
    ("be_more_patient", "speak_slower"),
    ("interrupt_less", "be_easier_to_interrupt"),
    ("interrupt_less", "be_harder_to_interrupt"),
    ("be_more_patient", "be_harder_to_interrupt"),
    ("stay_silent", "interrupt_less"),
    ("sound_more_expressive", "speak_faster"),
    ("be_more_grounded", "be_smarter"),
]
SWITCHES = [
    ("see_the_user", "respect_privacy", "/layers/perception/perception_model", {}),
    ("sound_more_expressive", "sound_calmer", "/layers/tts/tts_emotion_control", {}),
    (
        "respond_faster",
        "cost_less",
        "/layers/llm/speculative_inference",
        {"llm": CUSTOM_LLM},
    ),
]

ONE_WAY = {
    f"{FLOW}/turn_detection_model": "the newest model is the default, and older ones unsupported",
    f"{FLOW}/active_listening": "an undocumented beta that is off by default",
    f"{FLOW}/voice_isolation": "near is the default; off is for people who share a microphone",
    "/layers/llm/extra_body/temperature": "a higher one serves no goal that the docs describe",
    "/layers/llm/extra_body/top_p": "a higher one serves no goal that the docs describe",
    "/layers/llm/disable_vision": "an undocumented switch that is only taken back",
    "/layers/perception/emotion_recognition": "reading emotions is for people to decide",
    "/disclosure_type": "hiding that a caller talks to an AI is no goal",
}
"""Fields that goals move in one direction only, each with the reason."""
STEPS = [
    (goal.name, step)
    for goal in CATALOG.tuning_goals
    for step in goal.step
    if len(step.levels) > 1 and not step.rating and not step.strict
]
"""The steps along a scale: no exchange of models and engines, and no single value."""


def runs_against(levels: tuple[Any, ...], other_levels: tuple[Any, ...]) -> bool:
    """Return whether two lists of levels run in opposite directions."""
    if isinstance(levels[0], str):
        common = [level for level in levels if level in other_levels]
        reverse = [level for level in reversed(other_levels) if level in levels]
        return len(common) > 1 and common == reverse
    return bool((levels[-1] - levels[0]) * (other_levels[-1] - other_levels[0]) < 0)


@pytest.mark.parametrize(("goal", "step"), STEPS)
def test_a_scale_has_a_goal_in_each_direction_or_a_reason_why_not(goal: str, step: Step) -> None:
    opposites = [
        name
        for name, candidate in STEPS
        if candidate.path == step.path and runs_against(step.levels, candidate.levels)
    ]
    assert (not opposites) is (step.path in ONE_WAY), opposites


def value_order(path: str) -> list[Any]:
    """Return the values of a field from one end to the other."""
    if path.startswith(VOICE):
        return [step / 100 for step in range(151)]
    if path == "/layers/llm/model":
        by_speed = sorted(CATALOG.llm_models, key=lambda model: -(model.speed or 0))
        return [model.id for model in by_speed]
    facts = CATALOG.field("conversational_flow", path.rpartition("/")[2])
    assert facts is not None
    levels = ["off", "patient", "eager"] if "idle" in path else ["low", "medium", "high"]
    assert {value.value for value in facts.values} == set(levels)
    return levels


def tuned_value(goal: str, path: str, layers: dict[str, Any], strength: str = "strong") -> Any:
    data = {**BASE, "layers": copy.deepcopy(layers)}
    after = apply_recommendation(recommend_changes(data, goal, strength=strength), data)
    return PersonaDocument(after).at(path)


@pytest.mark.parametrize(("goal", "opposite", "path"), OPPOSITES)
def test_opposite_goals_move_a_setting_in_opposite_directions(
    goal: str, opposite: str, path: str
) -> None:
    order = value_order(path)
    start = order.index(PersonaDocument({"layers": LAYERS}).at(path))
    distance = order.index(tuned_value(goal, path, LAYERS)) - start
    opposite_distance = order.index(tuned_value(opposite, path, LAYERS)) - start
    assert distance * opposite_distance < 0


@pytest.mark.parametrize(("goal", "opposite", "path", "layers"), SWITCHES)
def test_opposite_goals_flip_a_switch_and_flip_it_back(
    goal: str, opposite: str, path: str, layers: dict[str, Any]
) -> None:
    data: dict[str, Any] = {**BASE, "layers": copy.deepcopy(layers)}
    values = []
    for name in (goal, opposite, goal):
        data = apply_recommendation(recommend_changes(data, name, strength="strong"), data)
        values.append(PersonaDocument(data).at(path))
    assert values[1] not in (values[0], values[2])
    assert values[2] is not None


@pytest.mark.parametrize(("goal", "confusable"), SEPARATE)
def test_confusable_goals_change_different_settings(goal: str, confusable: str) -> None:
    data = {**BASE, "layers": copy.deepcopy(LAYERS)}
    paths, other_paths = (
        set(recommend_changes(data, name, strength="gentle").reasons) for name in (goal, confusable)
    )
    assert paths.isdisjoint(other_paths)
    assert paths | other_paths


@pytest.mark.parametrize(("goal", "opposite", "path"), OPPOSITES)
@pytest.mark.parametrize("swapped", [False, True])
def test_of_opposite_goals_the_first_wins_and_the_conflict_is_reported(
    goal: str, opposite: str, path: str, swapped: bool
) -> None:
    first, second = (opposite, goal) if swapped else (goal, opposite)
    data = {**BASE, "layers": copy.deepcopy(LAYERS)}
    both = recommend_changes(data, first, second, strength="strong")
    after = PersonaDocument(apply_recommendation(both, data)).at(path)
    assert after == tuned_value(first, path, LAYERS)
    conflicts = [conflict for conflict in both.resolved_conflicts if conflict.path == path]
    assert [conflict.goals for conflict in conflicts] == [(first, second)]
