"""Parsing a conversation: every shape that was observed, and generated ones."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from ended_conversations import build_event, build_utterance, build_verbose_conversation
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.conversations import report
from tavus_mcp.conversations.metrics import TurnStatistics
from tavus_mcp.models.conversation import Conversation, Turn, parse_timestamp

HI = build_utterance("user", 1.0, 2.0, "Hi")
HELLO = build_utterance("assistant", 4.0, 1.5, "Hello")
WANTED = (Turn("user", "Hi", 1.0, 2.0), Turn("assistant", "Hello", 4.0, 1.5))


def without_keys(entry: dict[str, Any], *names: str, **more: Any) -> dict[str, Any]:
    return {**{key: value for key, value in entry.items() if key not in names}, **more}


SHAPES: dict[str, tuple[object, tuple[Turn, ...] | None]] = {
    "as documented": (build_verbose_conversation([HI, HELLO]), WANTED),
    "out of order": (build_verbose_conversation([HELLO, HI]), WANTED),
    "told twice": ({"events": build_verbose_conversation([HI, HELLO])["events"] * 2}, WANTED),
    "first a part, then the whole": (
        {
            "events": [
                *build_verbose_conversation([HI])["events"],
                *build_verbose_conversation([HI, HELLO])["events"],
            ]
        },
        WANTED,
    ),
    "at the top, as older docs": ({"transcript": [HI, HELLO]}, WANTED),
    "the prompt before it": (
        build_verbose_conversation(
            [{"role": "system", "content": "Be kind.", "timestamp": 1.0}, HI, HELLO]
        ),
        WANTED,
    ),
    "role replica": (build_verbose_conversation([HI, without_keys(HELLO, role="replica")]), WANTED),
    "role pal": (build_verbose_conversation([HI, without_keys(HELLO, role="pal")]), WANTED),
    "role in capitals": (
        build_verbose_conversation([without_keys(HI, role="User"), HELLO]),
        WANTED,
    ),
    "numbers as text": (
        build_verbose_conversation([without_keys(HI, duration="2.0"), HELLO]),
        WANTED,
    ),
    "only epoch times": (
        build_verbose_conversation(
            [without_keys(HI, "seconds_from_start"), without_keys(HELLO, "seconds_from_start")]
        ),
        (Turn("user", "Hi", 0.0, 2.0), Turn("assistant", "Hello", 3.0, 1.5)),
    ),
    "only ISO times": (
        build_verbose_conversation(
            [
                without_keys(HI, "seconds_from_start", timestamp="2026-11-01T10:00:01.500+00:00"),
                without_keys(HELLO, "seconds_from_start", timestamp="2026-11-01T10:00:04Z"),
            ]
        ),
        (Turn("user", "Hi", 0.0, 2.0), Turn("assistant", "Hello", 2.5, 1.5)),
    ),
    "one start missing, its hour known": (
        build_verbose_conversation([HI, without_keys(HELLO, "seconds_from_start")]),
        WANTED,
    ),
    "no times at all": (
        build_verbose_conversation(
            [{"role": "user", "content": "Hi"}, {"role": "pal", "content": "Hello"}]
        ),
        (Turn("user", "Hi"), Turn("assistant", "Hello")),
    ),
    "rubbish numbers": (
        build_verbose_conversation(
            [
                without_keys(HI, "timestamp", seconds_from_start=math.nan, duration=-2.0),
                without_keys(HELLO, timestamp="noon", duration="long"),
            ]
        ),
        (Turn("user", "Hi"), Turn("assistant", "Hello", 4.0)),
    ),
    "numbers beyond all bounds": (
        build_verbose_conversation(
            [without_keys(HI, "timestamp", seconds_from_start=10**400, duration=1e300)]
        ),
        (Turn("user", "Hi"),),
    ),
    "true is no number": (
        build_verbose_conversation(
            [without_keys(HI, "timestamp", seconds_from_start=True, duration=False)]
        ),
        (Turn("user", "Hi"),),
    ),
    "entries that are none": (build_verbose_conversation([HI, None, "x", 3, [], HELLO]), WANTED),
    "events that are none": (
        {
            "events": [
                None,
                7,
                {},
                {"event_type": 3},
                *build_verbose_conversation([HI, HELLO])["events"],
            ]
        },
        WANTED,
    ),
    "unknown events around it": (
        {
            "events": [
                build_event("application.unheard_of", transcript=[HI]),
                *build_verbose_conversation([HI, HELLO])["events"],
            ]
        },
        WANTED,
    ),
    "an empty transcript": (build_verbose_conversation([]), ()),
    "a transcript that is a text": (build_verbose_conversation("Hi"), None),
    "no transcript": ({"events": [build_event("system.shutdown", shutdown_reason="x")]}, None),
    "no events": ({}, None),
    "events that are no list": ({"events": "none"}, None),
    "properties that are no object": (
        {"events": [{"event_type": "application.transcription_ready", "properties": [HI]}]},
        None,
    ),
}


@pytest.mark.parametrize("shape", list(SHAPES))
def test_a_transcript_is_read_in_every_documented_shape(shape: str) -> None:
    raw, wanted = SHAPES[shape]
    assert isinstance(raw, dict)
    assert Conversation.parse(raw).turns == wanted


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (
            {"events": [build_event("system.shutdown", shutdown_reason="max_call_duration")]},
            "max_call",
        ),
        ({"shutdown_reason": "participant_left_timeout reached"}, "participant_left"),
        ({"events": [build_event("system.shutdown", shutdown_reason=7)]}, ""),
        ({}, ""),
    ],
)
def test_the_end_of_a_call_is_read_from_its_event_or_from_the_top(
    raw: dict[str, Any], reason: str
) -> None:
    assert Conversation.parse(raw).shutdown_reason.startswith(reason)
    assert bool(Conversation.parse(raw).shutdown_reason) is bool(reason)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1_790_000_000.5, 1_790_000_000.5),
        ("1790000000.5", 1_790_000_000.5),
        ("2026-11-01T00:00:00Z", 1_793_491_200.0),
        ("2026-11-01T00:00:00", 1_793_491_200.0),
        ("2026-11-01 01:00:00+01:00", 1_793_491_200.0),
        ("2026-11-01T00:00:00.250000+00:00", 1_793_491_200.25),
        (1_790_000_000_000, None),
        (-5, None),
        ("yesterday", None),
        ("2026-13-01T00:00:00Z", None),
        (math.inf, None),
        ("nan", None),
        (None, None),
        (True, None),
    ],
)
def test_a_timestamp_is_a_number_or_iso_text(value: object, seconds: float | None) -> None:
    assert parse_timestamp(value) == seconds


scraps = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["user", "assistant", "pal", "system", "2026-11-01T10:00:00Z", "1e999"])
)
fields = st.sampled_from(
    [
        *("role", "content", "seconds_from_start", "duration", "timestamp", "transcript"),
        *("event_type", "properties", "analysis", "reason", "shutdown_reason"),
    ]
)
any_json = st.recursive(
    scraps,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(fields, inner, max_size=5),
    max_leaves=12,
)
numbers = st.floats() | st.integers() | scraps
likely = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "assistant", "replica", "system", "x"]) | scraps,
        "content": scraps,
        "seconds_from_start": numbers,
        "duration": numbers,
        "timestamp": numbers,
    },
)


@given(st.lists(any_json, max_size=4), st.lists(likely | any_json, max_size=8))
@settings(max_examples=examples(100))
def test_any_events_are_measured_without_errors_or_non_finite_numbers(
    events: list[Any], entries: list[Any]
) -> None:
    """Events of any shape are read without errors."""
    raw = {
        "events": [*events, *build_verbose_conversation(entries)["events"]],
        "transcript": events,
    }
    rows = report.metric_rows([TurnStatistics.from_conversation(Conversation.parse(raw))])
    json.dumps(rows, allow_nan=False)
    assert all(row["n"] == 1 for row in rows)
