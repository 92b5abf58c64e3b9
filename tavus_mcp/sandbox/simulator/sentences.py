"""What is said: sentences about nothing, in whole and as far as one gets."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from tavus_mcp.sandbox.http import Body
from tavus_mcp.sandbox.simulator.random_stream import RandomStream

_MAX_NAME_CHARS = 40


class StockSentences(Body):
    """The sentences of ``sentences.toml``, by what they are for."""

    greeting: list[str]
    user: list[str]
    assistant: list[str]
    idle: list[str]
    unclear: list[str]
    echo: list[str]
    analysis: list[str]


@cache
def stock_sentences() -> StockSentences:
    """Return the stock sentences."""
    folder = resources.files("tavus_mcp.sandbox.simulator")
    return StockSentences.model_validate(
        tomllib.loads(folder.joinpath("sentences.toml").read_text("utf-8"))
    )


def compose_sentences(stream: RandomStream, pool: list[str], min_words: float) -> str:
    """Return sentences, one after the other, until there are so many words."""
    text = last = stream.choose(pool)
    while len(text.split()) < min_words:
        last = stream.choose([sentence for sentence in pool if sentence != last])
        text = f"{text} {last}"
    return text


def compose_greeting(stream: RandomStream, name: str) -> str:
    """Return a greeting that gives the name, or what is left of it when it is very long."""
    short = " ".join(name[: 4 * _MAX_NAME_CHARS].split())[:_MAX_NAME_CHARS].strip()
    return stream.choose(stock_sentences().greeting).replace(
        "{name}", short or "your conversation partner"
    )


def split_at_share(text: str, share: float) -> tuple[str, str]:
    """Return the part of a text that is said after this share of its time, and the rest."""
    words = text.split()
    said = min(len(words), max(1, int(share * len(words) + 0.5)))
    return " ".join(words[:said]), " ".join(words[said:])
