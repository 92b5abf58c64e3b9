"""Properties of every recommendation, for any persona, goals and strength."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property_examples import examples
from tuning_fixtures import (
    BASE,
    CATALOG,
    STRENGTHS,
    apply_recommendation,
    case_documents,
    find_changed_paths,
    find_errors,
    goals,
    personas,
    recommend_changes,
)

from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.masking import MASK
from tavus_mcp.personas.current_spelling import use_current_spelling
from tavus_mcp.tuning import build_recommendation

CASES = dict(case_documents())
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
)
KNOWN = sorted(
    {facts.name for facts in CATALOG.persona_fields}
    | {facts.name for layer in CATALOG.layer_names for facts in CATALOG.fields(layer)}
    | {
        *CATALOG.layer_names,
        "layers",
        "temperature",
        "speed",
        "emotion",
        "Authorization",
        "a/b",
        "~",
    }
)
ANYTHING = st.recursive(
    LEAVES | st.sampled_from(["true", "fast", "playht", "tavus-llama", "raven-0", "0.7", "nan"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KNOWN), inner, max_size=5)
    ),
    max_leaves=20,
)
ODD_LAYERS = st.dictionaries(
    st.sampled_from(CATALOG.layer_names),
    st.dictionaries(st.sampled_from(KNOWN), ANYTHING, max_size=6) | ANYTHING,
    max_size=5,
)
OFTEN = settings(
    max_examples=examples(100),
    database=None,
    suppress_health_check=list(HealthCheck),
)


def check_recommendation_properties(
    data: dict[str, Any], named: tuple[str, ...], strength: str
) -> None:
    recommendation = recommend_changes(data, *named, strength=strength)
    after = apply_recommendation(recommendation, data)
    changed = find_changed_paths(data, after)
    for path in changed:
        assert recommendation.reason(path).reason, path
    for pointer in recommendation.reasons:
        assert any(path.startswith(pointer) for path in changed), f"{pointer} did not change"
    assert find_errors(after) - find_errors(data) == set()
    assert [operation for operation in diff(data, after) if MASK in str(operation.value)] == []
    written, respellings = use_current_spelling(data, after, CATALOG)
    assert (written, respellings) == (after, [])
    assert recommend_changes(data, *named, strength=strength) == recommendation
    if strength != "gentle":
        again = recommend_changes(after, *named, strength=strength)
        assert diff(after, apply_recommendation(again, after)) == []
        assert again.reasons == {}


@given(personas(), goals, st.sampled_from(STRENGTHS))
@OFTEN
def test_a_recommendation_has_reasons_adds_no_errors_and_is_idempotent(
    data: dict[str, Any], named: tuple[str, ...], strength: str
) -> None:
    """Normal and strong need one step each; no field changes without a reason."""
    check_recommendation_properties(data, named, strength)


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("goal", GOALS)
def test_every_goal_has_the_properties_on_a_plain_persona(goal: str, strength: str) -> None:
    check_recommendation_properties(BASE, (goal,), strength)


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("goal", GOALS)
def test_every_goal_has_the_properties_beside_a_fixed_timer(goal: str, strength: str) -> None:
    stt = {"participant_pause_sensitivity": "high", "smart_turn_detection": False}
    check_recommendation_properties({**BASE, "layers": {"stt": stt}}, (goal,), strength)


@pytest.mark.parametrize("name", CASES)
def test_modernizing_every_checker_case_has_the_properties(name: str) -> None:
    check_recommendation_properties(CASES[name], ("modernize",), "normal")


@given(
    st.dictionaries(st.sampled_from(KNOWN), ANYTHING, max_size=4),
    ODD_LAYERS | ANYTHING,
    goals,
    st.sampled_from(STRENGTHS),
)
@OFTEN
def test_any_document_can_be_tuned(
    fields: dict[str, Any], layers: Any, named: tuple[str, ...], strength: str
) -> None:
    """Values that cannot be understood are left unchanged."""
    data = {"system_prompt": "You help.", **fields, "layers": layers}
    recommendation = recommend_changes(data, *named, strength=strength)
    after = apply_recommendation(recommendation, data)
    for path in find_changed_paths(data, after):
        assert recommendation.reason(path).reason, path
    if not isinstance(layers, dict):
        assert after["layers"] == layers or layers is None


@given(personas(), goals)
@OFTEN
def test_recommending_never_modifies_its_input(
    data: dict[str, Any], named: tuple[str, ...]
) -> None:
    document = PersonaDocument(data)
    revision = document.revision
    build_recommendation(
        document, named, "strong", ["de"] if "speak_languages" in named else [], CATALOG
    )
    assert PersonaDocument(data).revision == revision


@given(personas(), goals)
@OFTEN
def test_a_masked_key_and_an_unknown_field_are_never_written(
    data: dict[str, Any], named: tuple[str, ...]
) -> None:
    """Reads show masks instead of keys, and unknown fields belong to other clients."""
    after = apply_recommendation(recommend_changes(data, *named, strength="strong"), data)
    written = [str(operation.value) for operation in diff(data, after) if operation.op != "remove"]
    assert not [value for value in written if MASK in value]
    for place in ("/odd_field", "/layers/future_layer", "/layers/llm/odd_field"):
        assert PersonaDocument(after).at(place) == PersonaDocument(data).at(place)
