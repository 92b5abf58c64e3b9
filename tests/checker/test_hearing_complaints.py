"""What the words of a complaint point to: stems, typing mistakes, denials and near misses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tavus_mcp.catalog import load_catalog
from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.tuning.complaints import Heard, heard

CATALOG = load_catalog()
NOTHING = Heard()


def test_the_phrases_are_of_every_goal_and_of_nothing_else() -> None:
    assert {facts.name for facts in CATALOG.complaints()} == set(GOALS)


def said(goal: str) -> list[str]:
    (facts,) = (facts for facts in CATALOG.complaints() if facts.name == goal)
    first = {item.name: item.words[0] for item in CATALOG.word_classes()} | {"language": "German"}
    return [
        " ".join(
            first[word[1:-1]] if word.startswith("<") else word
            for word in (token.rstrip("?").split("|")[0] for token in phrase.split())
            if word != "..."
        )
        for phrase in facts.phrases
    ]


@pytest.mark.parametrize("goal", GOALS)
def test_every_phrase_of_a_goal_points_to_it_when_it_stands_alone(goal: str) -> None:
    assert [phrase for phrase in said(goal) if goal not in heard(phrase, CATALOG).goals] == []


SAME = [
    ("It INTERRUPTS people", "it interrupted people"),
    ("I cannot interrupt it", "I can\u2019t interrupt it"),
    ("it doesn't let me finish", "it doesnt let me finish"),
    ("it never lets me finish", "it does not let me finish"),
    ("no one can interrupt it", "nobody can interrupt it"),
    ("it is too slow", "it is slow"),
    ("it hallucinates", "it halucinates"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_forms_spellings_and_typing_mistakes_make_no_difference(one: str, other: str) -> None:
    assert heard(one, CATALOG) == heard(other, CATALOG) != NOTHING


DIFFERENT = [
    ("it interrupts people", "people cannot interrupt it"),
    ("an awkward silence before it answers", "an awkward silence when nobody talks"),
    ("it is slow", "it speaks slowly"),
    ("it cannot see people", "it must not see people"),
    ("too expressive", "not expressive"),
    ("it invents prices", "it is too expensive"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_near_misses_are_told_apart(one: str, other: str) -> None:
    first, second = heard(one, CATALOG), heard(other, CATALOG)
    assert NOTHING not in (first, second)
    assert not set(first.goals) & set(second.goals)


DENIED = ["it is not slow", "it never interrupts people", "there is no latency", "not expensive"]


@pytest.mark.parametrize("complaint", DENIED)
def test_what_is_denied_is_no_complaint(complaint: str) -> None:
    assert heard(complaint, CATALOG) == NOTHING


KEPT = ["not only slow", "it does not stop interrupting", "it cannot help interrupting"]


@pytest.mark.parametrize("complaint", KEPT)
def test_what_turns_a_denial_back_is_understood(complaint: str) -> None:
    assert heard(complaint, CATALOG).goals


@given(st.lists(st.sampled_from([*said("interrupt_less"), "qwertz", "\u00fc", ".", "not"])))
def test_what_is_heard_is_always_goals_each_once(words: list[str]) -> None:
    found = heard(" ".join(words), CATALOG)
    assert set(found.goals) <= set(GOALS)
    assert len(set(found.goals)) == len(found.goals)


@given(st.text(max_size=300))
def test_any_text_can_be_heard(text: str) -> None:
    assert set(heard(text, CATALOG).goals) <= set(GOALS)
