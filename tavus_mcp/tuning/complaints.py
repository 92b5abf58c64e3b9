"""From a complaint in plain words to goals of tuning, by data (``catalog/data/complaints.toml``).

English, and word by word: it knows stems, typing mistakes and negations, not meanings. What it
answers is a first guess for a model, which has read the complaint as well and may judge better.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from tavus_mcp.catalog import Catalog, GoalPhrases, OtherCall

NOT, END, GAP, SMALL = "not", ".", "...", "small"
_SPLIT = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|[.!?;:\n]")
_GAP = "(?:[^ .]+ ){0,3}?"
_MARKS = str.maketrans("\u2018\u2019\u201b\u2032\u0060\u00b4", "''''''")
_SAME = (
    (re.compile(r"\bno[ -]?one\b"), "nobody"),
    (re.compile(r"\b(?:cannot|can't|cant|won't|wont)\b"), NOT),
    (
        re.compile(
            r"\b(do|does|did|is|are|was|were|has|have|had|could|would|should|must|need)n'?t\b"
        ),
        rf"\1 {NOT}",
    ),
    (re.compile(r"\b(?:never|no|without|neither|nor|hardly|barely|refuses?)\b"), NOT),
    (re.compile(r"'(?:s|m|re|ll|ve|d)\b"), " "),
    (re.compile(r"\bbut\b"), END),
)
_STRAIGHT = ("stop", "only", "just", "help", "quit", "whether")
"""After ``not`` these turn what follows back: it cannot stop interrupting."""
_ENDINGS = ("ions", "ings", "edly", "ion", "ing", "ed", "ly", "es", "s")
_SHORTEST, _TYPED = 3, 6
_ALIKE = 0.88
_NEAR = 2


@dataclass(frozen=True)
class Heard:
    """What a complaint points to: goals and other calls, most evidence first; language codes."""

    goals: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    elsewhere: tuple[OtherCall, ...] = ()


@dataclass(frozen=True)
class _Phrase:
    target: str
    pattern: re.Pattern[str]
    weight: int
    negates: bool


@dataclass(frozen=True)
class _Hit:
    phrase: _Phrase
    start: int
    end: int

    def meets(self, other: _Hit) -> bool:
        """Tell whether two hits share a word."""
        return self.start < other.end and other.start < self.end


def heard(complaint: str, catalog: Catalog) -> Heard:
    """Return what a complaint points to; nothing when no phrase of the data stands in it."""
    phrases, vocabulary = _phrases(catalog), _vocabulary(catalog)
    words = [
        _mended(stem(word), vocabulary)
        for word in words_of(complaint)
        if word not in _classes(catalog)[SMALL]
    ]
    hits = _kept(list(_hits(" ".join(words) + " ", phrases)))
    found = _by_evidence(hits)
    goals = {facts.name for facts in catalog.complaints()}
    named = tuple(name for name in found if name in goals)
    calls = {facts.name: facts for facts in catalog.other_calls()}
    return Heard(
        goals=named,
        languages=_languages(words, catalog) if "speak_languages" in named else (),
        elsewhere=tuple(calls[name] for name in found if name in calls),
    )


def words_of(text: str) -> list[str]:
    """Return a text's words in lower case, every negation as ``not``; ``.`` ends a sentence."""
    text = text.casefold().translate(_MARKS)
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return [END if word in ".!?;:\n" else word for word in _SPLIT.findall(text)]


def stem(word: str) -> str:
    """Return what the forms of an English word share: ``interrupts`` and ``interrupted``, ..."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word.removesuffix(ending)
            break
    if len(word) > _SHORTEST and word[-1] == word[-2]:
        word = word[:-1]
    return word[:-1] if len(word) > _SHORTEST and word[-1] in "eyi" else word


@cache
def _phrases(catalog: Catalog) -> tuple[_Phrase, ...]:
    lists: tuple[GoalPhrases | OtherCall, ...] = (*catalog.complaints(), *catalog.other_calls())
    return tuple(
        _phrase(facts.name, written.split(), _classes(catalog))
        for facts in lists
        for written in facts.phrases
    )


@cache
def _classes(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    classes = {facts.name: facts.words for facts in catalog.word_classes()}
    classes["language"] = tuple(name for names in _names(catalog).values() for name in names)
    return classes


def _phrase(target: str, written: list[str], classes: Mapping[str, tuple[str, ...]]) -> _Phrase:
    told = [word for word in written if word not in classes[SMALL]]
    parts = [_GAP if word == GAP else _either(word, classes) for word in told]
    weight = sum(word != GAP and not word.endswith("?") for word in told)
    return _Phrase(target, re.compile("(?<![^ ])" + "".join(parts)), weight, NOT in written)


def _either(word: str, classes: Mapping[str, tuple[str, ...]]) -> str:
    """Return the pattern of one place in a phrase: any of its words, any of a class, maybe none."""
    alternatives = word.removesuffix("?").split("|")
    names = [
        name
        for part in alternatives
        for name in (classes[part[1:-1]] if part.startswith("<") else (part,))
    ]
    stems = "|".join(sorted({stem(name.casefold()) for name in names}))
    return f"(?:(?:{stems}) )" + ("?" if word.endswith("?") else "")


@cache
def _vocabulary(catalog: Catalog) -> frozenset[str]:
    """Every word of the phrases: what a mistyped one may be meant for."""
    written = (re.findall(r"[a-z]+", phrase.pattern.pattern) for phrase in _phrases(catalog))
    return frozenset(word for words in written for word in words)


def _mended(word: str, vocabulary: frozenset[str]) -> str:
    """Return the known word that is meant; the first letter is hardly ever mistyped."""
    if word in vocabulary or len(word) < _TYPED:
        return word
    close = sorted(known for known in vocabulary if known[0] == word[0] and len(known) >= _TYPED)
    return next(iter(get_close_matches(word, close, n=1, cutoff=_ALIKE)), word)


def _hits(text: str, phrases: Iterable[_Phrase]) -> Iterator[_Hit]:
    for phrase in phrases:
        for match in phrase.pattern.finditer(text):
            if phrase.negates or not _denied(text[: match.start()].split()):
                yield _Hit(phrase, match.start(), match.end())


def _denied(before: list[str]) -> bool:
    """Tell whether a ``not`` stands right before; one that is turned back does not count."""
    near = before[-_NEAR:]
    if NOT not in near:
        return False
    after = near[near.index(NOT) + 1 :]
    return END not in after and not {stem(word) for word in _STRAIGHT}.intersection(after)


def _kept(hits: list[_Hit]) -> list[_Hit]:
    """Drop what a longer phrase of something else explains."""
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: -hit.phrase.weight):
        outdone = any(
            hit.meets(other)
            and (
                other.phrase.weight > hit.phrase.weight or other.phrase.target == hit.phrase.target
            )
            for other in kept
        )
        if not outdone:
            kept.append(hit)
    return kept


def _by_evidence(hits: list[_Hit]) -> list[str]:
    weight: dict[str, int] = {}
    first: dict[str, int] = {}
    for hit in hits:
        target = hit.phrase.target
        weight[target] = weight.get(target, 0) + hit.phrase.weight
        first[target] = min(first.get(target, hit.start), hit.start)
    return sorted(weight, key=lambda target: (-weight[target], first[target]))


def _languages(words: list[str], catalog: Catalog) -> tuple[str, ...]:
    codes = {
        stem(name.casefold()): code for code, names in _names(catalog).items() for name in names
    }
    return tuple(dict.fromkeys(codes[word] for word in words if word in codes))


def _names(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    return {item.code: (item.name, *item.also_called) for item in catalog.languages}
