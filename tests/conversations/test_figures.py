"""The figures of turn-taking: against examples worked out by hand, and rules that always hold."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from ended_conversations import Entry, event, said, talk, verbose
from hypothesis import given, settings
from hypothesis import strategies as st

from tavus_mcp.conversations import report
from tavus_mcp.conversations.metrics import METRICS, TurnStatistics
from tavus_mcp.models.conversation import Conversation

# user 0-2, agent 3-6 (gap 1), user 6.5-8.5 (gap 0.5), agent 8-12 (gap -0.5: over the user),
# user 17-18 (gap 5: a long silence), agent 20-21 (gap 2)
BY_HAND = [
    said("user", 0, 2, "a b c d"),
    said("assistant", 3, 3, "a b c d e f"),
    said("user", 6.5, 2, "a b"),
    said("assistant", 8, 4, "a b c d"),
    said("user", 17, 1, "a"),
    said("assistant", 20, 1, "a b"),
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


def talked(entries: list[Entry], **more: Any) -> TurnStatistics:
    return TurnStatistics.from_conversation(Conversation.parse(verbose(entries, **more)))


def values(*talks: TurnStatistics) -> dict[str, float]:
    return {row["figure"]: row["value"] for row in report.metric_rows(talks)}


def test_every_figure_is_as_worked_out_by_hand() -> None:
    assert values(talked(BY_HAND)) == WORKED_OUT
    assert set(WORKED_OUT) == {figure.name for figure in METRICS}


def test_figures_of_several_calls_are_over_all_of_what_they_say() -> None:
    short = [said("user", 0, 1, "a b c"), said("assistant", 4, 1, "a b c")]
    told = values(talked(BY_HAND), talked(short))
    assert told["response_gap_median"] == 1.5  # of -0.5, 1, 2, 3
    assert told["talk_ratio"] == round(9 / 15, 3)
    assert told["agent_words_per_minute"] == 100.0  # 15 words in 9 s
    assert told["agent_over_user"] == 12.5  # 1 of 8 turns
    assert told["long_silences"] == 0.5
    assert told["call_length"] == 13.0  # of 21, 5


def test_a_word_of_assent_is_not_waited_behind() -> None:
    """Ours: the agent talks from 0 to 10, so 12 is no answer to the user's word at 4."""
    told = talked(
        [said("assistant", 0, 10), said("user", 4, 0.5), said("assistant", 12, 1)],
    )
    assert told.gaps == {"user": [-6.0], "assistant": []}
    assert told.overlap_counts == {"user": 1, "assistant": 0}
    assert told.long_silence_count == 0


def test_an_overlap_within_rounding_is_no_interruption() -> None:
    told = talked([said("user", 0, 2), said("assistant", 1.9, 1)])
    assert told.overlap_counts == {"user": 0, "assistant": 0}
    assert told.gaps["assistant"] == [pytest.approx(-0.1)]


def test_turns_without_timing_are_counted_and_what_can_be_computed_is() -> None:
    blind = {"role": "assistant", "content": "a b c", "duration": 2.0}
    told = talked([said("user", 0, 3), blind, said("user", 8, 1)])
    assert told.untimed_count == 1
    assert told.gaps == {"user": [], "assistant": []}
    assert told.turn_durations == {"user": [3.0, 1.0], "assistant": [2.0]}
    assert values(told).keys() == {
        "talk_ratio",
        "agent_turn_mean",
        "agent_turn_longest",
        "user_turn_mean",
        "user_turn_longest",
        "agent_words_per_minute",
        "user_words_per_minute",
    }


def test_words_are_not_counted_in_scripts_that_do_not_part_them() -> None:
    told = talked([said("user", 0, 2, "こんにちは、元気ですか"), said("assistant", 3, 2, "Yes.")])
    assert "user_words_per_minute" not in values(told)
    assert values(told)["agent_words_per_minute"] == 30.0


def test_a_call_in_which_nobody_spoke_gives_nothing() -> None:
    assert values(talked([])) == {}
    assert (
        report.collect_turn_statistics([Conversation.parse(verbose([])), Conversation.parse({})])
        == []
    )


seeds = st.integers(0, 10_000)


@given(seeds, st.integers(0, 4_000))
@settings(max_examples=40, deadline=None)
def test_shifting_all_times_changes_nothing(seed: int, eighths: int) -> None:
    entries = talk(seed)
    later = copy.deepcopy(entries)
    for entry in later:
        entry["seconds_from_start"] += eighths / 8
        entry["timestamp"] += eighths / 8
    assert values(talked(later)) == pytest.approx(values(talked(entries)), abs=0.002)


@given(seeds, st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_events_told_again_and_entries_in_any_order_change_nothing(seed: int, times: int) -> None:
    entries = talk(seed)
    mixed = list(entries)
    random.Random(seed).shuffle(mixed)  # noqa: S311 - any order will do
    events = [*verbose(mixed)["events"] * times, event("system.pal_joined", face_id="r1")]
    again = TurnStatistics.from_conversation(Conversation.parse({"events": events[::-1]}))
    assert again == talked(entries)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_both_vocabularies_say_the_same(seed: int) -> None:
    entries = talk(seed)
    renamed = [
        entry | ({"role": "pal"} if entry["role"] == "assistant" else {}) for entry in entries
    ]
    assert talked(renamed) == talked(entries)


@given(seeds, st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_the_figures_of_a_group_do_not_depend_on_the_order_of_its_calls(
    seed: int, count: int
) -> None:
    talks = [talked(talk(seed + number, turns=4 + number)) for number in range(count)]
    assert values(*talks) == pytest.approx(values(*reversed(talks)), abs=0.002)
