"""The guides are short, name our tools, and agree with the data."""

import re

import pytest

from tavus_mcp.catalog import load_catalog
from tavus_mcp.server.tools import load_all_specs

CATALOG = load_catalog()
TOOLS = {spec.name for spec in load_all_specs()}
VERBS = (
    "list|get|create|update|edit|delete|describe|configure|set|remove|check|patch|apply|restore|"
    "compare|suggest|audit|plan|measure|export"
)
topics = pytest.mark.parametrize("topic", CATALOG.guide_topics)


def test_every_topic_of_the_seed_and_every_later_topic_has_a_guide() -> None:
    assert set(CATALOG.guide_topics) == {
        *("llm", "tts", "perception", "stt", "conversational_flow"),
        *("pipeline-modes", "languages", "interactions", "replicas"),
        *("tuning", "measuring", "fleet", "files"),
    }


@topics
def test_a_guide_is_short_and_names_its_sources(topic: str) -> None:
    guide = CATALOG.guide(topic)
    assert len(guide.encode()) < 6000
    assert 25 <= len(guide.splitlines()) <= 60
    assert guide.startswith("# ")
    assert "\nSources: " in guide


@topics
def test_a_guide_names_at_least_one_tool_and_only_tools_that_exist(topic: str) -> None:
    named = set(re.findall(rf"\b(?:{VERBS})_[a-z_]+\b", CATALOG.guide(topic))) - {"plan_id"}
    assert named
    assert named <= TOOLS


@topics
def test_a_guide_states_the_order_of_the_calls(topic: str) -> None:
    assert "n order" in " ".join(CATALOG.guide(topic).split())


@topics
def test_a_guide_names_only_models_in_the_catalog(topic: str) -> None:
    known = {model.id for model in (*CATALOG.llm_models, *CATALOG.perception_models)}
    known |= {model.id for model in CATALOG.turn_models}
    known |= {engine.id for engine in (*CATALOG.stt_engines, *CATALOG.tts_engines)}
    named = re.findall(
        r"\b(?:tavus(?!-mcp)|raven|sparrow)-[a-z0-9.-]*[a-z0-9]", CATALOG.guide(topic)
    )
    assert set(named) <= known


def test_the_language_guide_names_every_language() -> None:
    guide = " ".join(CATALOG.guide("languages").split())
    assert all(language.name in guide for language in CATALOG.languages)


def test_the_language_guide_lists_the_languages_of_the_stt_engines() -> None:
    guide = CATALOG.guide("languages")
    for support in list(CATALOG.stt_support)[:2]:
        line = next(row for row in guide.splitlines() if row.startswith(f"- `{support.engine}`"))
        listed = re.findall(r"\b[a-z]{2}\b", line.split(":")[1].split(",")[0])
        assert sorted(listed) == sorted(support.codes)
