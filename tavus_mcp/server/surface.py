"""The served surface as rendered into ``surface.json``: tools, resources, prompts, instructions.

``tavus-mcp manifest`` renders the file from the server. The server takes the schemas of its tools
from it, which saves building them, and ``early_answers`` whole answers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

SURFACE_FILE_NAME = "surface.json"
HANDSHAKE, ENVELOPE = "handshake", "envelope"
"""The two eras of the protocol: sessions that ``initialize`` opens, and requests with an
envelope."""


@cache
def load_surface() -> dict[str, Any]:
    """Return the rendered surface.

    ``answers`` are the results by era and method, without what depends on the tools that are
    served; ``revisions`` are the revisions of the protocol by era. ``tools`` maps names to the
    toolset and the tool as it is listed; ``instructions`` are pairs of a line and the tools that
    it names. ``resources``, ``resourceTemplates`` and ``prompts`` are listed as they are.
    """
    text = Path(__file__).with_name(SURFACE_FILE_NAME).read_text(encoding="utf-8")
    return dict(json.loads(text))


def select_tools(
    entries: Mapping[str, dict[str, Any]], toolsets: tuple[str, ...], *, read_only: bool
) -> dict[str, dict[str, Any]]:
    """Return the ``tools`` of these toolsets; only those that read, when ``read_only``."""
    return {
        name: entry
        for name, entry in entries.items()
        if entry["toolset"] in toolsets
        and (entry["listed"]["annotations"]["readOnlyHint"] or not read_only)
    }


def select_instructions(surface: dict[str, Any], served: Collection[str]) -> str:
    """Return the instructions without the lines that name a tool which is not served."""
    return "".join(
        line for line, names in surface["instructions"] if all(name in served for name in names)
    )
