"""The data of goals.toml: its names exist, and the calls that it recommends are accepted."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tavus_mcp.catalog import Advice, Paragraph, Step, Translation, TuningGoal, load_catalog
from tavus_mcp.catalog.catalog import read_data, read_facts
from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.server.tool_schemas import build_schemas
from tavus_mcp.server.tools import load_all_specs
from tavus_mcp.tuning.conditions import CONDITIONS, NEGATION
from tavus_mcp.tuning.step_functions import STEP_FUNCTIONS

CATALOG = load_catalog()
GOAL_FACTS = read_facts(TuningGoal, "goals", "goal")
STEPS = [(goal.name, step) for goal in GOAL_FACTS for step in goal.step]
ADVICE = [(goal.name, advice) for goal in GOAL_FACTS for advice in goal.advice]
MODEL_STEPS = [
    (goal, step) for goal, step in STEPS if step.path == "/layers/llm/model" and not step.rating
]
PARAGRAPH_STEPS = [(goal, step) for goal, step in STEPS if step.paragraph]
TRANSLATIONS = read_facts(Translation, "goals", "translation")
CALL = re.compile(r"(\w+)\((persona_id[^()]*|based_on[^()]*)\)")
TOOLS = {spec.name: {*inspect.signature(spec.function).parameters} for spec in load_all_specs()}


def find_field(pointer: str) -> Any:
    match pointer.split("/")[1:]:
        case ["layers", "tts", "voice_settings", name]:
            settings = [item for engine in CATALOG.tts_engines for item in engine.voice_setting]
            return next((setting for setting in settings if setting.name == name), None)
        case ["layers", layer, *names]:
            return CATALOG.field(layer, ".".join(names))
        case [name]:
            return CATALOG.persona_fields.find(name)
    return None


def iterate_hints() -> Iterator[str]:
    yield from (advice.hint for _, advice in ADVICE)
    yield from (text.hint for text in TRANSLATIONS if text.hint)


def test_goals_toml_defines_exactly_the_known_goals() -> None:
    assert tuple(goal.name for goal in GOAL_FACTS) == GOALS


@pytest.mark.parametrize("goal", GOAL_FACTS, ids=lambda goal: goal.name)
def test_a_goal_says_briefly_what_it_is_for_and_what_not(goal: TuningGoal) -> None:
    for text in (goal.purpose, goal.not_for):
        assert 5 <= len(text) <= 60
        assert "|" not in text
    confusable = re.findall(r"\((\w+)\)", goal.not_for)
    assert set(confusable) <= set(GOALS) - {goal.name}


def test_aliases_are_lower_case_and_name_one_goal_each() -> None:
    aliases = [alias for goal in GOAL_FACTS for alias in goal.aliases]
    assert aliases == [alias.strip().casefold() for alias in aliases]
    assert len({*aliases, *GOALS}) == len(aliases) + len(GOALS)


def test_the_argument_goals_separates_confusable_goals_in_500_bytes() -> None:
    (spec,) = (spec for spec in load_all_specs() if spec.name == "suggest_tuning")
    schema = build_schemas(spec)["inputSchema"]["properties"]["goals"]
    description = schema["description"]
    assert len(description.encode()) <= 500
    confusable = {name for goal in GOAL_FACTS for name in re.findall(r"\((\w+)\)", goal.not_for)}
    assert {name for name in confusable if name not in description} == set()
    assert schema["items"]["enum"] == list(GOALS)


@pytest.mark.parametrize(("goal", "entry"), [*STEPS, *ADVICE])
def test_step_paths_and_conditions_are_known(goal: str, entry: Step | Advice) -> None:
    for pointer in filter(None, (entry.path, *entry.needs, *entry.unless_set)):
        assert find_field(pointer) is not None, pointer
    for name in entry.when:
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
    for level in step.levels[-1:]:
        *above, name = step.path.split("/")[1:]
        data: dict[str, Any] = {"system_prompt": "You help."}
        node = data
        for token in above:
            node = node.setdefault(token, {})
        node[name] = level
        if "elevenlabs" in step.when:
            data["layers"]["tts"]["tts_engine"] = "elevenlabs"
        found = check(PersonaDocument(data), CATALOG)
        assert [finding.message for finding in found if finding.severity == "error"] == []


@pytest.mark.parametrize(("goal", "step"), STEPS)
def test_numeric_steps_state_their_direction(goal: str, step: Step) -> None:
    """A single level would count as ascending, and move lower values up."""
    numbers = [level for level in step.levels if type(level) in (int, float)]
    assert step.function or len(numbers) != 1


@pytest.mark.parametrize(("goal", "step"), MODEL_STEPS)
def test_a_model_chosen_by_a_goal_is_available(goal: str, step: Step) -> None:
    for name in step.levels:
        assert CATALOG.llm_models[name].status in ("recommended", "current")


def test_every_paragraph_is_used_by_a_step() -> None:
    used = {step.paragraph for _, step in PARAGRAPH_STEPS}
    assert used == {paragraph.name for paragraph in CATALOG.paragraphs}


@pytest.mark.parametrize(
    "paragraph", list(CATALOG.paragraphs), ids=lambda paragraph: paragraph.name
)
def test_a_paragraph_is_short_and_its_opposites_oppose_it(paragraph: Paragraph) -> None:
    assert len(paragraph.text) <= 200
    for name in paragraph.opposes:
        assert paragraph.name in CATALOG.paragraphs[name].opposes


@pytest.mark.parametrize(("goal", "step"), PARAGRAPH_STEPS)
def test_a_paragraph_is_inferred_and_not_added_by_strength_gentle(goal: str, step: Step) -> None:
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


@pytest.mark.parametrize("facts", TRANSLATIONS, ids=lambda facts: facts.name)
def test_the_texts_of_a_translation_have_only_known_placeholders(facts: Translation) -> None:
    texts = (facts.reason, facts.effect, facts.trade_off, facts.assumed, facts.by_hand)
    placeholders = re.findall(r"{(\w+)}", " ".join(text or "" for text in texts))
    assert set(placeholders) <= {"old", "new", "status"}


def test_every_table_of_the_file_is_read() -> None:
    assert set(read_data("goals")) == {"goal", "paragraph", "translation"}


@pytest.mark.parametrize("table", ["tuning_goals", "paragraphs", "translations"])
def test_an_unknown_name_raises_an_error_with_the_known_names(table: str) -> None:
    with pytest.raises(LookupError, match="There are: "):
        getattr(CATALOG, table)["nothing"]
