"""Metrics of turn-taking: compared with manual calculations, and invariants."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from ended_conversations import (
    JsonObject,
    build_event,
    build_transcript,
    build_utterance,
    build_verbose_conversation,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.conversations import report
from tavus_mcp.conversations.metrics import METRICS, TurnStatistics
from tavus_mcp.models.conversation import Conversation

# user 0-2, agent 3-6 (gap 1), user 6.5-8.5 (gap 0.5), agent 8-12 (gap -0.5: over the user),
# user 17-18 (gap 5: a long silence), agent 20-21 (gap 2)
BY_HAND = [
    build_utterance("user", 0, 2, "a b c d"),
    build_utterance("assistant", 3, 3, "a b c d e f"),
    build_utterance("user", 6.5, 2, "a b"),
    build_utterance("assistant", 8, 4, "a b c d"),
    build_utterance("user", 17, 1, "a"),
    build_utterance("assistant", 20, 1, "a b"),
]
WORKED_OUT = {
    "response_gap_median": 1.0,  # of -0.5, 1, 2
    "response_gap_p90": 1.8,  # 1 + 0.8 * (2 - 1)
    "user_gap_median": 2.75,  # of 0.5, 5
    "talk_ratio": round(8 / 13, 3),
    "agent_turn_mean": round(8 / 3, 3),
    "agent_turn_longest": 4.0,
    "user_turn_mean": round(5 / 3, 3),
    "user_turn_longest": 2.0,
    "agent_words_per_minute": 90.0,  # 12 words in 8 s
    "user_words_per_minute": 84.0,  # 7 words in 5 s
    "long_silences": 1.0,
    "agent_over_user": round(100 / 6, 3),
    "user_over_agent": 0.0,
    "call_length": 21.0,
}


def measure_transcript(entries: list[JsonObject], **more: Any) -> TurnStatistics:
    return TurnStatistics.from_conversation(
        Conversation.parse(build_verbose_conversation(entries, **more))
    )


def measure_values(*measured: TurnStatistics) -> dict[str, float]:
    return {row["figure"]: row["value"] for row in report.metric_rows(measured)}


def test_every_metric_matches_the_manual_calculation() -> None:
    assert measure_values(measure_transcript(BY_HAND)) == WORKED_OUT
    assert set(WORKED_OUT) == {figure.name for figure in METRICS}


def test_metrics_of_several_conversations_pool_all_their_turns() -> None:
    short = [build_utterance("user", 0, 1, "a b c"), build_utterance("assistant", 4, 1, "a b c")]
    measured = measure_values(measure_transcript(BY_HAND), measure_transcript(short))
    assert measured["response_gap_median"] == 1.5  # of -0.5, 1, 2, 3
    assert measured["talk_ratio"] == round(9 / 15, 3)
    assert measured["agent_words_per_minute"] == 100.0  # 15 words in 9 s
    assert measured["agent_over_user"] == 12.5  # 1 of 8 turns
    assert measured["long_silences"] == 0.5
    assert measured["call_length"] == 13.0  # of 21, 5


def test_a_backchannel_word_does_not_start_a_response_gap() -> None:
    """The agent talks from 0 to 10, so its turn at 12 is no response to the word at 4."""
    measured = measure_transcript(
        [
            build_utterance("assistant", 0, 10),
            build_utterance("user", 4, 0.5),
            build_utterance("assistant", 12, 1),
        ],
    )
    assert measured.gaps == {"user": [-6.0], "assistant": []}
    assert measured.overlap_counts == {"user": 1, "assistant": 0}
    assert measured.long_silence_count == 0


def test_an_overlap_within_rounding_error_is_not_an_interruption() -> None:
    measured = measure_transcript(
        [build_utterance("user", 0, 2), build_utterance("assistant", 1.9, 1)]
    )
    assert measured.overlap_counts == {"user": 0, "assistant": 0}
    assert measured.gaps["assistant"] == [pytest.approx(-0.1)]


def test_turns_without_timing_are_counted_and_what_can_be_computed_is() -> None:
    blind = {"role": "assistant", "content": "a b c", "duration": 2.0}
    measured = measure_transcript(
        [build_utterance("user", 0, 3), blind, build_utterance("user", 8, 1)]
    )
    assert measured.untimed_count == 1
    assert measured.gaps == {"user": [], "assistant": []}
    assert measured.turn_durations == {"user": [3.0, 1.0], "assistant": [2.0]}
    assert measure_values(measured).keys() == {
        "talk_ratio",
        "agent_turn_mean",
        "agent_turn_longest",
        "user_turn_mean",
        "user_turn_longest",
        "agent_words_per_minute",
        "user_words_per_minute",
    }


def test_words_are_not_counted_in_scripts_without_word_separators() -> None:
    measured = measure_transcript(
        [
            build_utterance("user", 0, 2, "こんにちは、元気ですか"),
            build_utterance("assistant", 3, 2, "Yes."),
        ]
    )
    assert "user_words_per_minute" not in measure_values(measured)
    assert measure_values(measured)["agent_words_per_minute"] == 30.0


def test_a_silent_conversation_has_no_metrics() -> None:
    assert measure_values(measure_transcript([])) == {}
    assert (
        report.collect_turn_statistics(
            [Conversation.parse(build_verbose_conversation([])), Conversation.parse({})]
        )
        == []
    )


seeds = st.integers(0, 10_000)


@given(seeds, st.integers(0, 4_000))
@settings(max_examples=examples(40))
def test_shifting_all_times_changes_nothing(seed: int, eighths: int) -> None:
    entries = build_transcript(seed)
    later = copy.deepcopy(entries)
    for entry in later:
        entry["seconds_from_start"] += eighths / 8
        entry["timestamp"] += eighths / 8
    assert measure_values(measure_transcript(later)) == pytest.approx(
        measure_values(measure_transcript(entries)), abs=0.002
    )


@given(seeds, st.integers(1, 4))
@settings(max_examples=examples(40))
def test_repeated_events_and_reordered_entries_change_nothing(seed: int, times: int) -> None:
    entries = build_transcript(seed)
    mixed = list(entries)
    random.Random(seed).shuffle(mixed)  # noqa: S311 - any order will do
    events = [
        *build_verbose_conversation(mixed)["events"] * times,
        build_event("system.pal_joined", face_id="r1"),
    ]
    again = TurnStatistics.from_conversation(Conversation.parse({"events": events[::-1]}))
    assert again == measure_transcript(entries)


@given(seeds)
@settings(max_examples=examples(40))
def test_both_vocabularies_give_the_same_metrics(seed: int) -> None:
    entries = build_transcript(seed)
    renamed = [
        entry | ({"role": "pal"} if entry["role"] == "assistant" else {}) for entry in entries
    ]
    assert measure_transcript(renamed) == measure_transcript(entries)


@given(seeds, st.integers(1, 12))
@settings(max_examples=examples(40))
def test_the_metrics_of_a_group_do_not_depend_on_the_order_of_its_conversations(
    seed: int, count: int
) -> None:
    measured = [
        measure_transcript(build_transcript(seed + number, turns=4 + number))
        for number in range(count)
    ]
    assert measure_values(*measured) == pytest.approx(
        measure_values(*reversed(measured)), abs=0.002
    )
