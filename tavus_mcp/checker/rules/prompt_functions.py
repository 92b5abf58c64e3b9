"""The rule about functions that a prompt names and the persona does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import HintPart, build_fix
from tavus_mcp.checker.function_fixes import iter_functions, name_of
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import find_nearest

_PROMPTS = (
    "/system_prompt",
    "/context",
    "/layers/perception/visual_tool_prompt",
    "/layers/perception/audio_tool_prompt",
)
_SYSTEM_TOOLS = frozenset({"end_call"})  # they work without being attached (P:get-tools)
_MAX_REPORTED_NAMES = 5
_NAME = r"(?P<{}>[a-z][a-z0-9]{{0,30}}(?:_[a-z0-9]{{1,30}}){{1,6}})(?![\w.@/-]*[/@])"
# A name in snake_case that the prompt calls: after a verb, before "()", beside a word for function,
# in English or some other languages. A name alone with arguments behind it may be a table.
_VERBS = (
    "call|calls|calling|invoke|invokes|invoking|trigger|run|execute|then"
    "|llama a|invoca|ejecuta|rufe|appelle|appelez|chame|chiama|esegui"
)
_ARTICLES = "the|a|la|el|die|das|den|le|o|lo"
_NOUNS = (
    "(?:function|tool|fonction|outil|Funktion|Werkzeug|funzione|strumento|funci\u00f3n|herramienta"
    "|fun\u00e7\u00e3o|ferramenta)"
)
_CALLED_NAME = re.compile(
    rf"\b(?:(?:{_VERBS})\s+(?:(?:{_ARTICLES})\s+)?(?:{_NOUNS}\s+)?"
    rf"|{_NOUNS}\s+(?:called\s+|named\s+)?|use\s+(?=`))[`'\"*]{{0,2}}"
    + _NAME.format("verb")
    + r"\b|\b"
    + _NAME.format("noun")
    + rf"[`'\"*]{{0,2}}(?:\s+{_NOUNS}\b|\s?\(\))",
    re.IGNORECASE,
)
_FUNCTION_SOURCES = ("/tool_ids", "/skills", "/layers/mcp", "/layers/capabilities/mcp_enabled")
"""Fields that bring functions whose names are not in the document."""


@rule("prompt-function-missing", "warning", source="J:llm-tool")
def function_missing(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A model that is told to call a function it does not have pretends to, or says its name."""
    if any(map(document.is_set, _FUNCTION_SOURCES)) or document.mode != "full":
        return
    available = {name_of(function) for _, function in iter_functions(document)} | _SYSTEM_TOOLS
    for path in _PROMPTS:
        called = _called_names(document.text(path))
        missing = [name for name in called if name not in available][:_MAX_REPORTED_NAMES]
        if not missing:
            continue
        hint: list[HintPart] = [_describe_similar(missing, available), "Add what is missing: "]
        for name in missing:
            schema = {"type": "object", "properties": {}}
            call = build_fix(
                "set_function_tool", name=name, description="<DESCRIPTION>", parameters=schema
            )
            hint += [call] if name == missing[0] else [", then ", call]
        hint.append("; inline functions are legacy and still work")
        yield Violation(
            path,
            f"The prompt calls functions that the persona does not have: {', '.join(missing)}.",
            *hint,
        )


def _called_names(prompt: str) -> list[str]:
    """Return each function name that a prompt calls, once."""
    if "_" not in prompt:
        return []
    found = (match["verb"] or match["noun"] for match in _CALLED_NAME.finditer(prompt))
    return list(dict.fromkeys(found))


def _describe_similar(missing: list[str], available: set[str]) -> str:
    """Return which of the persona's functions have similar names, for a misspelled prompt."""
    similar = {find_nearest(name, available) for name in missing} - {None}
    names = ", ".join(sorted(str(name) for name in similar))
    return f"Correct the name in the prompt if you mean {names}. " if names else ""
