"""The guides: short, about our own tools, and true to the data."""

import re

import pytest

from tavus_mcp.catalog import load_catalog

CATALOG = load_catalog()
TOOLS = {
    *("list_personas", "get_persona", "create_persona", "update_persona", "edit_prompt"),
    *("delete_persona", "describe_layer", "configure_llm", "configure_tts", "configure_stt"),
    *("configure_perception", "configure_conversational_flow", "set_function_tool"),
    *("remove_function_tool", "check_persona", "patch_persona", "list_replicas", "list_voices"),
    *("list_documents", "list_objectives", "list_guardrails", "list_registry_tools"),
}
VERBS = (
    "list|get|create|update|edit|delete|describe|configure|set|remove|check|patch|apply|restore|"
    "compare|suggest|audit|plan|measure"
)
topics = pytest.mark.parametrize("topic", CATALOG.guide_topics())


def test_there_is_a_guide_for_every_topic_of_the_seed() -> None:
    assert set(CATALOG.guide_topics()) == {
        *("llm", "tts", "perception", "stt", "conversational_flow"),
        *("pipeline-modes", "languages", "interactions", "replicas"),
    }


@topics
def test_a_guide_is_short_and_says_what_it_was_read_from(topic: str) -> None:
    guide = CATALOG.guide(topic)
    assert len(guide.encode()) < 6000
    assert 25 <= len(guide.splitlines()) <= 60
    assert guide.startswith("# ")
    assert "\nSources: " in guide


@topics
def test_a_guide_names_at_least_one_tool_and_only_tools_that_exist(topic: str) -> None:
    named = set(re.findall(rf"\b(?:{VERBS})_[a-z_]+\b", CATALOG.guide(topic)))
    assert named
    assert named <= TOOLS


@topics
def test_a_guide_names_only_models_that_the_catalog_knows(topic: str) -> None:
    known = {model.id for model in (*CATALOG.llm_models(), *CATALOG.perception_models())}
    known |= {model.id for model in CATALOG.turn_models()}
    known |= {engine.id for engine in (*CATALOG.stt_engines(), *CATALOG.tts_engines())}
    named = re.findall(r"\b(?:tavus|raven|sparrow)-[a-z0-9.-]*[a-z0-9]", CATALOG.guide(topic))
    assert set(named) <= known


def test_the_language_guide_names_every_language() -> None:
    guide = " ".join(CATALOG.guide("languages").split())
    assert all(language.name in guide for language in CATALOG.languages())


def test_the_language_guide_lists_what_the_engines_hear() -> None:
    guide = CATALOG.guide("languages")
    for support in CATALOG.stt_support()[:2]:
        line = next(row for row in guide.splitlines() if row.startswith(f"- `{support.engine}`"))
        listed = re.findall(r"\b[a-z]{2}\b", line.split(":")[1].split(",")[0])
        assert sorted(listed) == sorted(support.codes)
