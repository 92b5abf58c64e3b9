"""The tools: one decorated function each, one module per toolset.

A tool function turns its arguments into a request of ``personas``, ``tuning``, ``fleet``, ... and
returns a result model. Name, description, hints and schemas are read off the function
(``toolset``, ``tool_schemas``) and rendered into ``surface.json``. A server lists its tools from
there; the module of a toolset is imported when one of its tools is first called, because importing
all of them would take a third of a start.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

import anyio

from tavus_mcp.models.base import JsonObject
from tavus_mcp.server.toolset import Toolset, ToolSpec
from tavus_mcp.settings import TOOLSETS

_logger = logging.getLogger(__name__)
SECONDS_BETWEEN_IMPORTS = 0.2
"""Between the imports of two toolsets while a server waits for calls; each takes up to 0.05."""


@cache
def load_toolset(name: str) -> Mapping[str, ToolSpec]:
    """Import a toolset; return its tools by name, in the order they are listed."""
    toolset: Toolset = getattr(import_module(f"{__name__}.{name}"), name)
    return {spec.name: spec for spec in toolset.specs}


@cache
def load_all_specs() -> tuple[ToolSpec, ...]:
    """Import all toolsets but that of projects; return their tools in the order they are listed."""
    return tuple(spec for name in TOOLSETS for spec in load_toolset(name).values())


class ServedSpecs(Mapping[str, ToolSpec]):
    """The served tools by name; a toolset is imported when one of its tools is looked up."""

    def __init__(self, entries: Mapping[str, JsonObject]) -> None:
        """``entries`` describes the served tools as ``surface.json`` does."""
        self._toolsets = {name: entry["toolset"] for name, entry in entries.items()}

    def __getitem__(self, name: str) -> ToolSpec:
        """Return a tool; raise ``KeyError`` if it is not served."""
        return load_toolset(self._toolsets[name])[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._toolsets)

    def __len__(self) -> int:
        return len(self._toolsets)

    async def load_while_idle(self) -> None:
        """Import all served toolsets, one at a time, so that later calls need not.

        It also keeps a server on the version it started with when the package is updated. A toolset
        that cannot be imported, as in the middle of an update, does not end the server.
        """
        for name in dict.fromkeys(self._toolsets.values()):
            await anyio.sleep(SECONDS_BETWEEN_IMPORTS)
            try:
                load_toolset(name)
            except ImportError:
                _logger.exception("Toolset %s cannot be imported; calls of its tools fail.", name)
