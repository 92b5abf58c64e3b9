"""The served surface as rendered into ``surface.json``: tools, resources, prompts, instructions.

``tavus-mcp manifest`` renders the file from the server. The server takes the schemas of its tools
from it, which saves building them, and ``early_answers`` whole answers.
"""

from __future__ import annotations

import json
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
    surface: dict[str, Any], toolsets: tuple[str, ...], *, read_only: bool
) -> list[dict[str, Any]]:
    """Return the listed tools of these toolsets; only those that read, when ``read_only``."""
    return [
        tool["listed"]
        for tool in surface["tools"].values()
        if tool["toolset"] in toolsets
        and (tool["listed"]["annotations"]["readOnlyHint"] or not read_only)
    ]


def select_instructions(surface: dict[str, Any], tools: list[dict[str, Any]]) -> str:
    """Return the instructions without the lines that name a tool which is not served."""
    served = {tool["name"] for tool in tools}
    return "".join(line for line, names in surface["instructions"] if served.issuperset(names))
