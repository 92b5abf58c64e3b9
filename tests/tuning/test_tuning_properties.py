"""What holds for every proposal, whatever the persona, the goals and the strength."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tunable import (
    BASE,
    CATALOG,
    STRENGTHS,
    case_documents,
    errors,
    goals,
    paths_of,
    personas,
    proposed,
    tuned,
)

from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.masking import MASK
from tavus_mcp.personas.current_spelling import use_current_spelling
from tavus_mcp.tuning import recommend

CASES = dict(case_documents())
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
)
KNOWN = sorted(
    {facts.name for facts in CATALOG.persona_fields()}
    | {facts.name for layer in CATALOG.layers() for facts in CATALOG.fields(layer)}
    | {*CATALOG.layers(), "layers", "temperature", "speed", "emotion", "Authorization", "a/b", "~"}
)
ANYTHING = st.recursive(
    LEAVES | st.sampled_from(["true", "fast", "playht", "tavus-llama", "raven-0", "0.7", "nan"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KNOWN), inner, max_size=5)
    ),
    max_leaves=20,
)
ODD_LAYERS = st.dictionaries(
    st.sampled_from(CATALOG.layers()),
    st.dictionaries(st.sampled_from(KNOWN), ANYTHING, max_size=6) | ANYTHING,
    max_size=5,
)
OFTEN = settings(
    max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def check_every_property(data: dict[str, Any], named: tuple[str, ...], strength: str) -> None:
    proposal = proposed(data, *named, strength=strength)
    after = tuned(proposal, data)
    changed = paths_of(data, after)
    for path in changed:
        assert proposal.reason(path).reason, path
    for pointer in proposal.reasons:
        assert any(path.startswith(pointer) for path in changed), f"{pointer} did not change"
    assert errors(after) - errors(data) == set()
    assert [operation for operation in diff(data, after) if MASK in str(operation.value)] == []
    written, respellings = use_current_spelling(data, after, CATALOG)
    assert (written, respellings) == (after, [])
    assert proposed(data, *named, strength=strength) == proposal
    if strength != "gentle":
        again = proposed(after, *named, strength=strength)
        assert diff(after, tuned(again, after)) == []
        assert again.reasons == {}


@given(personas(), goals, st.sampled_from(STRENGTHS))
@OFTEN
def test_a_plan_has_reasons_brings_no_errors_and_leaves_nothing_to_suggest(
    data: dict[str, Any], named: tuple[str, ...], strength: str
) -> None:
    """Ours: normal and strong reach their end at once; no place changes without a reason."""
    check_every_property(data, named, strength)


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("goal", GOALS)
def test_every_goal_keeps_to_the_rules_on_a_plain_persona(goal: str, strength: str) -> None:
    check_every_property(BASE, (goal,), strength)


@pytest.mark.parametrize("name", CASES)
def test_every_persona_the_checker_has_a_case_for_is_modernized_by_the_rules(name: str) -> None:
    check_every_property(CASES[name], ("modernize",), "normal")


@given(
    st.dictionaries(st.sampled_from(KNOWN), ANYTHING, max_size=4),
    ODD_LAYERS | ANYTHING,
    goals,
    st.sampled_from(STRENGTHS),
)
@OFTEN
def test_no_document_is_too_odd_to_be_tuned(
    fields: dict[str, Any], layers: Any, named: tuple[str, ...], strength: str
) -> None:
    """Ours: reading is tolerant; what cannot be understood is left as it is."""
    data = {"system_prompt": "You help.", **fields, "layers": layers}
    proposal = proposed(data, *named, strength=strength)
    after = tuned(proposal, data)
    for path in paths_of(data, after):
        assert proposal.reason(path).reason, path
    if not isinstance(layers, dict):
        assert after["layers"] == layers or layers is None


@given(personas(), goals)
@OFTEN
def test_proposing_never_touches_the_document_it_is_given(
    data: dict[str, Any], named: tuple[str, ...]
) -> None:
    document = PersonaDocument(data)
    revision = document.revision
    recommend(document, named, "strong", ["de"] if "speak_languages" in named else [], CATALOG)
    assert PersonaDocument(data).revision == revision


@given(personas(), goals)
@OFTEN
def test_a_masked_key_and_an_unknown_field_are_never_written(
    data: dict[str, Any], named: tuple[str, ...]
) -> None:
    """Ours: keys read as masks, and what we do not know is somebody's."""
    after = tuned(proposed(data, *named, strength="strong"), data)
    written = [str(one.value) for one in diff(data, after) if one.op != "remove"]
    assert not [value for value in written if MASK in value]
    for place in ("/odd_field", "/layers/future_layer", "/layers/llm/odd_field"):
        assert PersonaDocument(after).at(place) == PersonaDocument(data).at(place)
