"""What modernize says of what it does: no more than the docs and the catalog hold."""

from __future__ import annotations

from typing import Any

import pytest
from tunable import BASE, CATALOG, proposed

from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.tuning import Proposal

SEEING = "/layers/perception"
OLD_MODELS = [model for model in CATALOG.llm_models() if model.status in DISCOURAGED_STATUSES]


def modernized(**fields: Any) -> Proposal:
    return proposed({**BASE, **fields}, "modernize")


def remarks_at(proposal: Proposal, path: str) -> list[str]:
    return [f"{one.message} {one.hint}" for one in proposal.findings if one.path == path]


@pytest.mark.parametrize("model", OLD_MODELS, ids=lambda model: model.id)
def test_a_model_is_exchanged_for_the_default_and_nobody_is_said_to_have_named_it(
    model: Any,
) -> None:
    """The changelog names no successor of any of them."""
    proposal = modernized(layers={"llm": {"model": model.id}})
    default = next(one.id for one in CATALOG.llm_models() if one.default)
    assert proposal.change.apply({})["layers"]["llm"]["model"] == default
    reason = proposal.reasons["/layers/llm/model"]
    assert reason.reason == f"{model.id} is {model.status}; {default} is the default of today."
    assert reason.confidence == "inferred"
    (remark,) = remarks_at(proposal, "/layers/llm/model")
    assert remark.startswith(f"Tavus names no successor for {model.id};")
    assert "tavus-gpt-oss" in remark


@pytest.mark.parametrize(
    ("engine", "status"),
    [("tavus-advanced", "deprecated"), ("tavus-turbo", "no longer in the docs")],
)
def test_an_engine_is_said_to_be_what_the_catalog_says_of_it(engine: str, status: str) -> None:
    proposal = modernized(layers={"stt": {"stt_engine": engine}})
    reason = proposal.reasons["/layers/stt/stt_engine"].reason
    assert reason == f"{engine} is {status}; tavus-auto is the default of today."


def test_a_prompt_that_nothing_reads_is_removed_and_not_brought_to_life() -> None:
    """Tavus, troubleshooting: tool_prompt was removed."""
    proposal = modernized(layers={"perception": {"tool_prompt": "Call look when red."}})
    assert set(proposal.reasons) == {f"{SEEING}/tool_prompt"}
    reason = proposal.reasons[f"{SEEING}/tool_prompt"]
    assert (reason.reason, reason.effect) == ("tool_prompt was removed.", "None: nothing reads it.")
    (remark,) = remarks_at(proposal, f"{SEEING}/tool_prompt")
    assert "visual_tool_prompt=..." in remark
    assert "red" not in remark


def test_a_newer_raven_is_said_to_hear_tone_and_emotion() -> None:
    proposal = modernized(layers={"perception": {"perception_model": "raven-0"}})
    trade_off = proposal.reasons[f"{SEEING}/perception_model"].trade_off
    assert "tone and emotion are now read and sent to the model" in trade_off


def test_a_switch_beside_questions_goes_with_a_remark() -> None:
    seeing = {"ambient_awareness": True, "visual_awareness_queries": ["Is it red?"]}
    proposal = modernized(layers={"perception": seeing})
    assert set(proposal.reasons) == {f"{SEEING}/ambient_awareness"}
    (remark,) = remarks_at(proposal, f"{SEEING}/ambient_awareness")
    assert "not documented" in remark
    off = modernized(layers={"perception": {"ambient_awareness": False}})
    assert "never documented" in off.reasons[f"{SEEING}/ambient_awareness"].reason


@pytest.mark.parametrize(
    ("name", "argument"), [("document_ids", "documents"), ("document_tags", "document_tags")]
)
def test_documents_that_were_not_meant_are_taken_away_by_their_own_name(
    name: str, argument: str
) -> None:
    (remark,) = remarks_at(modernized(layers={name: ["d8-a"]}), f"/{name}")
    assert f'unset=["{argument}"]' in remark


def test_context_is_not_said_to_be_merged_by_tavus_for_certain() -> None:
    reason = modernized(context="Prices are in euros.").reasons["/system_prompt"]
    assert reason.confidence == "inferred"
    assert "not documented" in reason.trade_off
