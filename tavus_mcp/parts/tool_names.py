"""Registry tools and inline functions that have the same name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker.function_fixes import iter_functions, name_of
from tavus_mcp.concurrency import look_up_each
from tavus_mcp.models.base import indexed_texts, is_id
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.parts.kinds import KINDS
from tavus_mcp.text import quote_foreign

NAME_OF_FUNCTION = "tool-name-inline"
"""The rule about a registry tool and an inline function of one name."""
TOOL_IDS = "/tool_ids"
_MAX_TOOLS_READ = 100
"""A persona has at most 50 tools."""


def find_inline_names(persona: Document, parts: Iterable[Document]) -> Iterator[RuleFinding]:
    """Yield a finding for each registry tool with the name of an inline function of a persona."""
    if not isinstance(persona, PersonaDocument):
        return
    inline = {name_of(function) for _, function in iter_functions(persona)}
    for part in parts:
        if part.kind == "tool" and isinstance(part, PartDocument) and part.name in inline:
            message = (
                f"The persona has an inline function {quote_foreign(part.name)}, the name of the"
            )
            yield _clash_finding(
                f"{message} tool {quote_foreign(part.object_id)}", f"tool/{part.object_id}/name"
            )


async def find_attached_names(app: App, persona: Document, name: str) -> list[RuleFinding]:
    """Return a finding for each attached registry tool with the name of a new inline function.

    A tool that cannot be read is left out.
    """
    return [
        _clash_finding(
            f"The attached tool {quote_foreign(tool.object_id)} has the same name", TOOL_IDS
        )
        for tool in await _read_tools(app, _ids_in(persona.at(TOOL_IDS, None)))
        if tool.name == name
    ]


async def find_names_of_new_tools(app: App, persona: Document, value: Any) -> list[RuleFinding]:
    """Return a finding for each tool in a new list of ids with the name of an inline function."""
    attached = _ids_in(persona.at(TOOL_IDS, None))
    new = [item for item in _ids_in(value) if item not in attached]
    return list(find_inline_names(persona, await _read_tools(app, new)))


async def _read_tools(app: App, ids: list[str]) -> list[PartDocument]:
    """Return the registry tools that can be read, in the order of their ids."""
    tools: dict[str, PartDocument] = {}

    async def read(object_id: str) -> None:
        document = await app.api.get_object(KINDS["tool"].endpoint, object_id)
        if isinstance(document, PartDocument):
            tools[object_id] = document

    await look_up_each(ids[:_MAX_TOOLS_READ], read)
    return [tools[object_id] for object_id in ids if object_id in tools]


def _ids_in(value: Any) -> list[str]:
    """Return the ids in a list, each once."""
    return list(dict.fromkeys(item for _, item in indexed_texts(value) if is_id(item)))


def _clash_finding(message: str, path: str) -> RuleFinding:
    return warning(
        NAME_OF_FUNCTION,
        f"{message}; which of both is called is not documented.",
        path=path,
        hint="Keep one of them: detach_parts takes the tool away, remove_function_tool the "
        "function.",
        source="P:pal/tools",
    )
