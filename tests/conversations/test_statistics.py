"""Intervals and tests of significance over conversations."""

from __future__ import annotations

import pytest
from ended_conversations import build_transcript, build_utterance, build_verbose_conversation
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.conversations import report, statistics
from tavus_mcp.conversations.metrics import METRICS, MIN_CONVERSATIONS, TurnStatistics
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.conversation import Conversation


def build_conversations(
    first: int, count: int, gap: float = 1.0, turns: int = 12
) -> list[TurnStatistics]:
    return [
        TurnStatistics.from_conversation(
            Conversation.parse(
                build_verbose_conversation(build_transcript(first + number, gap, turns))
            )
        )
        for number in range(count)
    ]


def index_by_figure(rows: list[JsonObject]) -> dict[str, JsonObject]:
    return {row["figure"]: row for row in rows}


def test_an_interval_contains_its_value_and_states_its_sample_size() -> None:
    rows = index_by_figure(report.metric_rows(build_conversations(0, 30)))
    gap = rows["response_gap_median"]
    assert gap["low"] <= gap["value"] <= gap["high"]
    assert gap["high"] - gap["low"] < 0.3
    assert gap["n"] == 30


def test_at_least_nine_of_ten_intervals_contain_the_known_true_value() -> None:
    """The transcripts are built with a median gap of one second."""
    median = next(figure for figure in METRICS if figure.name == "response_gap_median")
    hits = 0
    for number in range(40):
        measured = build_conversations(number * 100, 12)
        estimate = statistics.with_interval(median, median.samples(measured))
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= 1.0 <= estimate.high
    assert hits >= 36


def test_more_calls_make_a_narrower_interval() -> None:
    few, many = (
        index_by_figure(report.metric_rows(build_conversations(0, n)))["talk_ratio"]
        for n in (10, 80)
    )
    assert many["high"] - many["low"] < 0.6 * (few["high"] - few["low"])


def test_too_few_conversations_have_no_interval_regardless_of_their_turns() -> None:
    """The unit is the conversation, not the turn."""
    measured = build_conversations(0, MIN_CONVERSATIONS - 1, turns=200)
    rows = report.metric_rows(measured)
    assert rows
    assert all("low" not in row and "high" not in row for row in rows)
    assert report.sample_verdict(measured) == report.TOO_FEW


def test_identical_conversations_have_no_interval() -> None:
    """Twenty calls without an interruption do not prove that there never is one."""
    row = index_by_figure(report.metric_rows(build_conversations(0, 20)))["agent_over_user"]
    assert (row["value"], row["n"]) == (0.0, 20)
    assert "low" not in row
    same = [
        TurnStatistics.from_conversation(
            Conversation.parse(build_verbose_conversation(build_transcript(1)))
        )
        for _ in range(20)
    ]
    assert all("low" not in row for row in report.metric_rows(same))


def test_a_long_conversation_counts_as_one_sample() -> None:
    """A call with a thousand slow turns among twenty quick ones widens the interval."""
    quick = build_conversations(0, 20)
    slow = build_conversations(500, 1, gap=9.0, turns=1_000)
    alone = index_by_figure(report.metric_rows(quick))["response_gap_p90"]
    mixed = index_by_figure(report.metric_rows([*quick, *slow]))["response_gap_p90"]
    assert mixed["high"] - mixed["low"] > 10 * (alone["high"] - alone["low"])


def test_the_same_calls_give_the_same_answer() -> None:
    assert report.metric_rows(build_conversations(0, 15)) == report.metric_rows(
        build_conversations(0, 15)
    )
    left, right = build_conversations(0, 12), build_conversations(50, 12, 1.1)
    assert report.comparison_rows(left, right) == report.comparison_rows(left, right)


def test_a_clearly_slower_group_of_30_conversations_is_a_significant_difference() -> None:
    rows = index_by_figure(
        report.comparison_rows(build_conversations(0, 30), build_conversations(100, 30, gap=1.8))
    )
    for name in ("response_gap_median", "response_gap_p90"):
        assert rows[name]["verdict"] == report.SIGNIFICANT, rows[name]
        assert rows[name]["p"] < 0.05
    assert rows["response_gap_median"]["difference"] == pytest.approx(0.8, abs=0.15)
    assert rows["user_gap_median"]["verdict"] == report.NOT_SIGNIFICANT
    assert rows["agent_turn_mean"]["verdict"] == report.NOT_SIGNIFICANT


def test_a_difference_is_symmetric() -> None:
    left, right = build_conversations(0, 12), build_conversations(100, 14, gap=1.4)
    there, back = (
        index_by_figure(report.comparison_rows(left, right)),
        index_by_figure(report.comparison_rows(right, left)),
    )
    for name, row in there.items():
        assert back[name]["difference"] == pytest.approx(-row["difference"], abs=0.002)
        assert back[name]["verdict"] == row["verdict"]


@given(st.integers(0, 1_000), st.integers(10, 14), st.integers(1, 14))
@settings(max_examples=examples(6))
def test_two_identical_groups_have_no_significant_difference(
    seed: int, calls: int, turns: int
) -> None:
    same = build_conversations(seed, calls, turns=turns)
    for row in report.comparison_rows(same, list(same)):
        assert row["verdict"] == report.NOT_SIGNIFICANT, row
        assert row.get("difference", 0.0) == 0.0


def test_groups_of_one_distribution_rarely_differ_significantly() -> None:
    """6 pairs of one distribution with 14 metrics each give at most one false positive."""
    false_positives = [
        row["figure"]
        for pair in range(6)
        for row in report.comparison_rows(
            build_conversations(pair * 100, 12), build_conversations(pair * 100 + 50, 12)
        )
        if row["verdict"] == report.SIGNIFICANT
    ]
    assert len(false_positives) <= 1, false_positives


def test_a_side_with_too_few_conversations_gives_no_verdict() -> None:
    rows = report.comparison_rows(
        build_conversations(0, 30), build_conversations(100, MIN_CONVERSATIONS - 1, gap=9.0)
    )
    assert rows
    assert {row["verdict"] for row in rows} == {report.TOO_FEW}
    assert all("p" not in row for row in rows)


def test_a_metric_missing_on_one_side_has_no_difference() -> None:
    mute = [
        TurnStatistics.from_conversation(
            Conversation.parse(build_verbose_conversation([build_utterance("assistant", 0, 2)]))
        )
        for _ in range(12)
    ]
    row = index_by_figure(report.comparison_rows(build_conversations(0, 12), mute))[
        "user_turn_mean"
    ]
    assert row["second_n"] == 0
    assert "second" not in row
    assert "difference" not in row
    assert row["verdict"] == report.TOO_FEW
