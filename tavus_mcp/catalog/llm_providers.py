"""Providers of language models with an OpenAI-compatible API, and their addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from tavus_mcp.catalog.catalog import read_facts
from tavus_mcp.catalog.facts import Facts


class LlmProvider(Facts):
    """One provider; ``data/llm_providers.toml`` explains the columns."""

    name: str
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    pattern: str | None = None
    websites: tuple[str, ...] = ()

    def is_website(self, host: str) -> bool:
        """Return True if a host serves pages and no API."""
        return _matches(host, self.websites)

    def has_api_at(self, host: str, path: str) -> bool:
        """Return True if the API answers at a host below a path, which has no slash at its end."""
        is_pattern = self.pattern is not None and re.search(self.pattern, path) is not None
        return not self.is_website(host) and (path in self.paths or is_pattern)


def llm_providers() -> tuple[LlmProvider, ...]:
    """Return all providers."""
    return read_facts(LlmProvider, "llm_providers", "llm_provider")


def find_llm_provider(host: str) -> LlmProvider | None:
    """Return the provider that a host belongs to, or None."""
    plain = host.lower().rstrip(".").removeprefix("www.")
    return next(
        (item for item in llm_providers() if _matches(plain, (*item.hosts, *item.websites))), None
    )


def _matches(host: str, patterns: Iterable[str]) -> bool:
    plain = host.lower().rstrip(".").removeprefix("www.")
    return any(fnmatchcase(plain, pattern) for pattern in patterns)
