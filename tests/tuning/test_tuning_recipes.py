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
from tavus_mcp.server.tools import ALL_SPECS
from tavus_mcp.tuning.conditions import CONDITIONS
from tavus_mcp.tuning.step_functions import STEP_FUNCTIONS

CATALOG = load_catalog()
RECIPES = read_facts(TuningGoal, "goals", "goal")
STEPS = [(goal.name, step) for goal in RECIPES for step in goal.step]
ADVICE = [(goal.name, one) for goal in RECIPES for one in goal.advice]
TRANSLATIONS = read_facts(Translation, "goals", "translation")
CALL = re.compile(r"(\w+)\((persona_id[^()]*|based_on[^()]*)\)")
TOOLS = {spec.name: {*inspect.signature(spec.function).parameters} for spec in ALL_SPECS}


def field_at(pointer: str) -> Any:
    match pointer.split("/")[1:]:
        case ["layers", "tts", "voice_settings", name]:
            settings = [one for engine in CATALOG.tts_engines() for one in engine.voice_setting]
            return next((one for one in settings if one.name == name), None)
        case ["layers", layer, *names]:
            return CATALOG.field(layer, ".".join(names))
        case [name]:
            return CATALOG.persona_field(name)
    return None


def hints() -> Iterator[str]:
    yield from (one.hint for _, one in ADVICE)
    yield from (one.hint for one in TRANSLATIONS if one.hint)


def test_there_is_a_recipe_for_every_goal_and_for_nothing_else() -> None:
    assert tuple(goal.name for goal in RECIPES) == GOALS


@pytest.mark.parametrize(("goal", "one"), [*STEPS, *ADVICE])
def test_places_and_conditions_are_known(goal: str, one: Step | Advice) -> None:
    for pointer in filter(None, (one.path, *one.needs, *one.unless_set)):
        assert field_at(pointer) is not None, pointer
    assert set(one.when) <= CONDITIONS.keys()


@pytest.mark.parametrize(("goal", "step"), STEPS)
def test_a_step_says_why_with_what_effect_and_at_what_cost(goal: str, step: Step) -> None:
    for text in (step.reason, step.effect, step.trade_off):
        assert re.fullmatch(r"[A-Za-z0-9].*\.", text), text
    assert step.confidence in ("documented", "reported", "inferred")
    assert bool(step.levels) or bool(step.function) or bool(step.paragraph)
    assert step.normal is None or step.normal in step.levels
    if step.function:
        assert step.function in STEP_FUNCTIONS


@pytest.mark.parametrize(("goal", "step"), STEPS)
def test_a_rung_is_a_value_that_the_checker_takes_without_an_error(goal: str, step: Step) -> None:
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
def test_a_ladder_of_numbers_shows_its_direction(goal: str, step: Step) -> None:
    """One rung alone would count as running up, and move what is below it."""
    numbers = [rung for rung in step.levels if type(rung) in (int, float)]
    assert step.function or len(numbers) != 1


def test_a_model_that_a_goal_chooses_is_on_offer() -> None:
    named = {rung for _, step in STEPS for rung in step.ladder if str(rung).startswith("tavus-g")}
    for name in named:
        model = CATALOG.llm_model(name)
        assert model is not None
        assert model.status in ("recommended", "current"), name


def test_paragraphs_are_named_by_steps_and_oppose_each_other_both_ways() -> None:
    texts = {one.name: one for one in CATALOG.paragraphs()}
    assert {step.paragraph for _, step in STEPS if step.paragraph} == texts.keys()
    for one in texts.values():
        assert all(one.name in texts[other].opposes for other in one.opposes)
        assert len(one.text) <= 200


def test_prompt_texts_are_inferred_and_never_gentle() -> None:
    for _, step in STEPS:
        if step.paragraph:
            assert step.confidence == "inferred"
            assert "gentle" not in step.strengths


@pytest.mark.parametrize("hint", sorted(set(hints())))
def test_a_call_in_a_hint_is_one_that_the_tools_take(hint: str) -> None:
    calls = CALL.findall(hint)
    assert hint.count("(persona_id") == len(calls)
    for tool, arguments in calls:
        assert tool in TOOLS, tool
        names = set(re.findall(r"(\w+)=", arguments))
        assert names <= TOOLS[tool], hint
    for tool in re.findall(r"\b((?:list|describe)_\w+)", hint):
        assert tool in TOOLS or tool == "list_personas", tool


def test_the_words_of_texts_are_filled_in_everywhere() -> None:
    blanks = {"old", "new", "status"}
    for one in TRANSLATIONS:
        texts = (one.reason, one.effect, one.trade_off, one.assumed or "", one.by_hand or "")
        assert {word for text in texts for word in re.findall(r"{(\w+)}", text)} <= blanks


def test_every_table_of_the_file_is_read() -> None:
    assert set(read_data("goals")) == {"goal", "paragraph", "translation"}


@pytest.mark.parametrize("what", ["goal", "paragraph", "translation"])
def test_an_unknown_name_is_answered_with_those_there_are(what: str) -> None:
    look_up = getattr(CATALOG, {"goal": "tuning_goal"}.get(what, what))
    with pytest.raises(LookupError, match="There are: "):
        look_up("nothing")
