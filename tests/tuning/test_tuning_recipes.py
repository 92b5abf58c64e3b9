"""The recipes as data: they name what exists, and what they advise can be called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tavus_mcp.catalog import Advice, Step, Translation, TuningGoal, load_catalog
from tavus_mcp.catalog.catalog import read_data, read_facts
from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.server.tool_schemas import build_schemas
from tavus_mcp.server.tools import ALL_SPECS
from tavus_mcp.tuning.conditions import CONDITIONS, NEGATION
from tavus_mcp.tuning.step_functions import STEP_FUNCTIONS

CATALOG = load_catalog()
RECIPES = read_facts(TuningGoal, "goals", "goal")
STEPS = [(goal.name, step) for goal in RECIPES for step in goal.step]
ADVICE = [(goal.name, one) for goal in RECIPES for one in goal.advice]
TRANSLATIONS = read_facts(Translation, "goals", "translation")
CALL = re.compile(r"(\w+)\((persona_id[^()]*|based_on[^()]*)\)")
TOOLS = {spec.name: {*inspect.signature(spec.function).parameters} for spec in ALL_SPECS}


def find_field(pointer: str) -> Any:
    match pointer.split("/")[1:]:
        case ["layers", "tts", "voice_settings", name]:
            settings = [one for engine in CATALOG.tts_engines for one in engine.voice_setting]
            return next((one for one in settings if one.name == name), None)
        case ["layers", layer, *names]:
            return CATALOG.field(layer, ".".join(names))
        case [name]:
            return CATALOG.persona_fields.find(name)
    return None


def iterate_hints() -> Iterator[str]:
    yield from (one.hint for _, one in ADVICE)
    yield from (one.hint for one in TRANSLATIONS if one.hint)


def test_goals_toml_defines_exactly_the_known_goals() -> None:
    assert tuple(goal.name for goal in RECIPES) == GOALS


@pytest.mark.parametrize("goal", RECIPES, ids=lambda goal: goal.name)
def test_a_goal_says_briefly_what_it_is_for_and_what_not(goal: TuningGoal) -> None:
    for text in (goal.purpose, goal.not_for):
        assert 5 <= len(text) <= 60
        assert "|" not in text
    confusable = re.findall(r"\((\w+)\)", goal.not_for)
    assert set(confusable) <= set(GOALS) - {goal.name}


def test_aliases_are_lower_case_and_name_one_goal_each() -> None:
    aliases = [alias for goal in RECIPES for alias in goal.aliases]
    assert aliases == [alias.strip().casefold() for alias in aliases]
    assert len({*aliases, *GOALS}) == len(aliases) + len(GOALS)


def test_the_argument_goals_separates_confusable_goals_in_500_bytes() -> None:
    (spec,) = (spec for spec in ALL_SPECS if spec.name == "suggest_tuning")
    schema = build_schemas(spec)["inputSchema"]["properties"]["goals"]
    description = schema["description"]
    assert len(description.encode()) <= 500
    confusable = {name for goal in RECIPES for name in re.findall(r"\((\w+)\)", goal.not_for)}
    assert {name for name in confusable if name not in description} == set()
    assert schema["items"]["enum"] == list(GOALS)


@pytest.mark.parametrize(("goal", "one"), [*STEPS, *ADVICE])
def test_step_paths_and_conditions_are_known(goal: str, one: Step | Advice) -> None:
    for pointer in filter(None, (one.path, *one.needs, *one.unless_set)):
        assert find_field(pointer) is not None, pointer
    for name in one.when:
        assert name in CONDITIONS or name.removeprefix(NEGATION) in CONDITIONS, name


@pytest.mark.parametrize(("goal", "step"), STEPS)
def test_a_step_states_reason_effect_and_trade_off(goal: str, step: Step) -> None:
    for text in (step.reason, step.effect, step.trade_off):
        assert re.fullmatch(r"[A-Za-z0-9].*\.", text), text
    assert step.confidence in ("documented", "reported", "inferred")
    assert bool(step.levels) or bool(step.function) or bool(step.paragraph)
    assert step.normal is None or step.normal in step.levels
    if step.function:
        assert step.function in STEP_FUNCTIONS


@pytest.mark.parametrize(("goal", "step"), STEPS)
def test_every_step_value_passes_the_checker_without_an_error(goal: str, step: Step) -> None:
    if step.rating or step.function or step.paragraph:
        return
    for rung in step.levels[-1:]:
        *above, name = step.path.split("/")[1:]
        data: dict[str, Any] = {"system_prompt": "You help."}
        node = data
        for token in above:
            node = node.setdefault(token, {})
        node[name] = rung
        if "elevenlabs" in step.when:
            data["layers"]["tts"]["tts_engine"] = "elevenlabs"
        found = check(PersonaDocument(data), CATALOG)
        assert [one.message for one in found if one.severity == "error"] == []


@pytest.mark.parametrize(("goal", "step"), STEPS)
def test_numeric_steps_state_their_direction(goal: str, step: Step) -> None:
    """One rung alone would count as running up, and move what is below it."""
    numbers = [rung for rung in step.levels if type(rung) in (int, float)]
    assert step.function or len(numbers) != 1


def test_a_model_chosen_by_a_goal_is_available() -> None:
    named = {rung for _, step in STEPS for rung in step.levels if str(rung).startswith("tavus-g")}
    for name in named:
        model = CATALOG.llm_models.find(name)
        assert model is not None
        assert model.status in ("recommended", "current"), name


def test_paragraphs_are_used_by_steps_and_oppositions_are_symmetric() -> None:
    texts = {one.name: one for one in CATALOG.paragraphs}
    assert {step.paragraph for _, step in STEPS if step.paragraph} == texts.keys()
    for one in texts.values():
        assert all(one.name in texts[other].opposes for other in one.opposes)
        assert len(one.text) <= 200


def test_prompt_paragraphs_are_inferred_and_not_used_for_strength_gentle() -> None:
    for _, step in STEPS:
        if step.paragraph:
            assert step.confidence == "inferred"
            assert "gentle" not in step.strengths


@pytest.mark.parametrize("hint", sorted(set(iterate_hints())))
def test_a_call_in_a_hint_matches_a_tool_signature(hint: str) -> None:
    calls = CALL.findall(hint)
    assert hint.count("(persona_id") == len(calls)
    for tool, arguments in calls:
        assert tool in TOOLS, tool
        names = set(re.findall(r"(\w+)=", arguments))
        assert names <= TOOLS[tool], hint
    for tool in re.findall(r"\b((?:list|describe)_\w+)", hint):
        assert tool in TOOLS or tool == "list_personas", tool


def test_all_placeholders_of_texts_are_substituted() -> None:
    blanks = {"old", "new", "status"}
    for one in TRANSLATIONS:
        texts = (one.reason, one.effect, one.trade_off, one.assumed or "", one.by_hand or "")
        assert {word for text in texts for word in re.findall(r"{(\w+)}", text)} <= blanks


def test_every_table_of_the_file_is_read() -> None:
    assert set(read_data("goals")) == {"goal", "paragraph", "translation"}


@pytest.mark.parametrize("table", ["tuning_goals", "paragraphs", "translations"])
def test_an_unknown_name_raises_an_error_with_the_known_names(table: str) -> None:
    with pytest.raises(LookupError, match="There are: "):
        getattr(CATALOG, table)["nothing"]
