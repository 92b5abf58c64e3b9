"""Reads one data file or guide, when it is first needed, and keeps it."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from tavus_mcp.catalog.facts import EngineFacts, FieldFacts, Value, VoiceSetting
from tavus_mcp.catalog.recipes import Advice, Step

F = TypeVar("F")
_NESTED: dict[str, Callable[..., Any]] = {
    "values": Value,
    "voice_setting": VoiceSetting,
    "step": Step,
    "advice": Advice,
}


@cache
def read(name: str) -> dict[str, Any]:
    """One file of ``data/``, parsed."""
    import tomllib  # here, so that a run which asks nothing pays nothing

    return tomllib.loads(text("data", f"{name}.toml"))


def text(folder: str, name: str) -> str:
    """A file of this package, also from inside a wheel."""
    from importlib import resources  # here, for the same reason

    return resources.files(__package__).joinpath(folder, name).read_text(encoding="utf-8")


@cache
def facts(kind: Callable[..., F], name: str, key: str) -> tuple[F, ...]:
    """Every ``[[key]]`` of a file as ``kind``; an unknown or missing key is a bug, so it raises."""
    return tuple(fact(kind, table) for table in read(name).get(key, ()))


def fact(kind: Callable[..., F], table: dict[str, Any]) -> F:
    """One table as ``kind``, with lists frozen."""
    return kind(**{key: _frozen(key, value) for key, value in table.items()})


def _frozen(key: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    nested = _NESTED.get(key)
    return tuple(fact(nested, item) for item in value) if nested else tuple(value)


def fields_of(name: str) -> tuple[FieldFacts, ...]:
    """The fields a file lists."""
    return facts(FieldFacts, name, "field")


def engines_of(name: str) -> tuple[EngineFacts, ...]:
    """The engines a file lists."""
    return facts(EngineFacts, name, "engine")
