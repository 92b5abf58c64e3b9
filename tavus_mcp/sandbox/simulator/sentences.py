"""Stock sentences for simulated calls, and texts composed from them."""

from __future__ import annotations

from functools import cache

from tavus_mcp.sandbox.data_files import read_toml
from tavus_mcp.sandbox.http import Body
from tavus_mcp.sandbox.simulator.random_stream import RandomStream

_MAX_NAME_CHARS = 40


class StockSentences(Body):
    """The content of ``sentences.toml``: sentences by use."""

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
    return StockSentences.model_validate(read_toml("simulator", "sentences.toml"))


def compose_sentences(stream: RandomStream, pool: list[str], min_words: float) -> str:
    """Return sentences from the pool, joined until the text has ``min_words`` words."""
    text = last = stream.choose(pool)
    while len(text.split()) < min_words:
        last = stream.choose([sentence for sentence in pool if sentence != last])
        text = f"{text} {last}"
    return text


def compose_greeting(stream: RandomStream, name: str) -> str:
    """Return a greeting with the name, which is cut if it is long."""
    short = " ".join(name[: 4 * _MAX_NAME_CHARS].split())[:_MAX_NAME_CHARS].strip()
    return stream.choose(stock_sentences().greeting).replace(
        "{name}", short or "your conversation partner"
    )


def split_at_share(text: str, share: float) -> tuple[str, str]:
    """Return the part of a text that is spoken after this share of its time, and the rest."""
    words = text.split()
    count = min(len(words), max(1, int(share * len(words) + 0.5)))
    return " ".join(words[:count]), " ".join(words[count:])
