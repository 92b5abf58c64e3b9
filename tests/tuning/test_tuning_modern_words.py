"""The reasons of ``modernize`` state no more than the docs and the catalog."""

from __future__ import annotations

from typing import Any

import pytest
from tuning_fixtures import BASE, CATALOG, recommend_changes

from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.tuning import Recommendation

SEEING = "/layers/perception"
OLD_MODELS = [model for model in CATALOG.llm_models if model.status in DISCOURAGED_STATUSES]


def recommend_modernization(**fields: Any) -> Recommendation:
    return recommend_changes({**BASE, **fields}, "modernize")


def list_remarks_at(recommendation: Recommendation, path: str) -> list[str]:
    return [f"{one.message} {one.hint}" for one in recommendation.findings if one.path == path]


@pytest.mark.parametrize("model", OLD_MODELS, ids=lambda model: model.id)
def test_a_model_without_successor_is_replaced_by_the_default_without_a_false_claim(
    model: Any,
) -> None:
    """The changelog names no successor of any of them."""
    recommendation = recommend_modernization(layers={"llm": {"model": model.id}})
    default = next(one.id for one in CATALOG.llm_models if one.default)
    assert recommendation.change.apply({})["layers"]["llm"]["model"] == default
    reason = recommendation.reasons["/layers/llm/model"]
    assert reason.reason == f"{model.id} is {model.status}; {default} is the current default."
    assert reason.confidence == "inferred"
    (remark,) = list_remarks_at(recommendation, "/layers/llm/model")
    assert remark.startswith(f"{default} was chosen because it is the default")
    assert "tavus-gpt-oss" in remark


@pytest.mark.parametrize(
    ("engine", "status"),
    [("tavus-advanced", "deprecated"), ("tavus-turbo", "no longer in the docs")],
)
def test_the_status_of_an_engine_is_quoted_from_the_catalog(engine: str, status: str) -> None:
    recommendation = recommend_modernization(layers={"stt": {"stt_engine": engine}})
    reason = recommendation.reasons["/layers/stt/stt_engine"].reason
    assert reason == f"{engine} is {status}; tavus-auto is the current default."


def test_an_unused_tool_prompt_is_removed_and_not_activated() -> None:
    """Tavus, troubleshooting: tool_prompt was removed."""
    recommendation = recommend_modernization(
        layers={"perception": {"tool_prompt": "Call look when red."}}
    )
    assert set(recommendation.reasons) == {f"{SEEING}/tool_prompt"}
    reason = recommendation.reasons[f"{SEEING}/tool_prompt"]
    assert (reason.reason, reason.effect) == (
        "tool_prompt was removed.",
        "None: the field has no effect.",
    )
    (remark,) = list_remarks_at(recommendation, f"{SEEING}/tool_prompt")
    assert "visual_tool_prompt=..." in remark
    assert "red" not in remark


def test_the_reason_for_a_newer_raven_mentions_tone_and_emotion() -> None:
    recommendation = recommend_modernization(layers={"perception": {"perception_model": "raven-0"}})
    trade_off = recommendation.reasons[f"{SEEING}/perception_model"].trade_off
    assert "tone and emotion are now analysed and sent to the model" in trade_off


def test_a_legacy_switch_next_to_queries_is_removed_with_a_remark() -> None:
    seeing = {"ambient_awareness": True, "visual_awareness_queries": ["Is it red?"]}
    recommendation = recommend_modernization(layers={"perception": seeing})
    assert set(recommendation.reasons) == {f"{SEEING}/ambient_awareness"}
    (remark,) = list_remarks_at(recommendation, f"{SEEING}/ambient_awareness")
    assert "undocumented" in remark
    off = recommend_modernization(layers={"perception": {"ambient_awareness": False}})
    assert "undocumented" in off.reasons[f"{SEEING}/ambient_awareness"].reason


@pytest.mark.parametrize(
    ("name", "argument"), [("document_ids", "documents"), ("document_tags", "document_tags")]
)
def test_the_remark_on_unintended_documents_names_the_field_to_unset(
    name: str, argument: str
) -> None:
    (remark,) = list_remarks_at(recommend_modernization(layers={name: ["d8-a"]}), f"/{name}")
    assert f'unset=["{argument}"]' in remark


def test_the_remark_on_context_does_not_claim_that_tavus_merges_it() -> None:
    reason = recommend_modernization(context="Prices are in euros.").reasons["/system_prompt"]
    assert reason.confidence == "inferred"
    assert "not documented" in reason.trade_off
