"""Edits that several actors make to one persona, each with its intended result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

FlatDocument = dict[str, Any]
ExpectedChange = Callable[[Mapping[str, Any]], FlatDocument]

PROMPT = "You help people. Be brief. Say who you are."
TOOLS_POINTER = "/layers/llm/tools"
TEMPERATURE_POINTER = "/layers/llm/extra_body/temperature"
TOP_P_POINTER = "/layers/llm/extra_body/top_p"
PATIENCE_POINTER = "/layers/conversational_flow/turn_taking_patience"
SHARED_DESCRIPTION = "Call it when asked."
_LLM_TOOL = "configure_llm"


@dataclass(frozen=True)
class EditRequest:
    """One edit: a tool call or a raw patch, and what it is to change, given what stood there."""

    name: str
    expected_change: ExpectedChange = field(repr=False, compare=False)
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict, hash=False)
    patch: tuple[dict[str, Any], ...] = ()
    is_undo: bool = False


UNDO = EditRequest("undo", lambda _: {}, "restore_revision", is_undo=True)
"""The call that the last receipt of a server names."""
UNDO_SHARE = 0.5


def build_function_tool(name: str, text: str = SHARED_DESCRIPTION) -> dict[str, Any]:
    """Return an inline tool."""
    return {"type": "function", "function": {"name": name, "description": text}}


def build_persona() -> dict[str, Any]:
    """Return the persona that everybody edits."""
    return {
        "persona_name": "Ada",
        "system_prompt": PROMPT,
        "greeting": "Hi.",
        "default_replica_id": "rfe12d8b9597",
        "layers": {
            "llm": {
                "model": "tavus-gpt-oss",
                "extra_body": {"temperature": 0.5},
                "tools": [
                    build_function_tool("ask"),
                    build_function_tool("tell", "Call it to tell."),
                ],
            },
            "tts": {"tts_engine": "cartesia"},
        },
    }


def flatten(document: Mapping[str, Any]) -> FlatDocument:
    """Return a persona as places and values; inline tools are found by their names."""
    found: FlatDocument = {}
    _collect_leaves(
        {key: value for key, value in document.items() if key != "updated_at"}, "", found
    )
    return {pointer: value for pointer, value in found.items() if _is_compared(pointer)}


def _is_compared(pointer: str) -> bool:
    """Leave out what the sandbox fills in beside a setting of turn-taking."""
    return not pointer.startswith("/layers/conversational_flow") or pointer == PATIENCE_POINTER


def _collect_leaves(value: Any, pointer: str, leaves: FlatDocument) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _collect_leaves(item, f"{pointer}/{key}", leaves)
    elif pointer == TOOLS_POINTER:
        for tool in value:
            leaves[f"{TOOLS_POINTER}/{tool['function']['name']}"] = json.dumps(tool, sort_keys=True)
    else:
        leaves[pointer] = value


def _expect_value(pointer: str, value: Any) -> ExpectedChange:
    return lambda _: {pointer: value}


def _expect_tool(name: str, text: str) -> ExpectedChange:
    return _expect_value(
        f"{TOOLS_POINTER}/{name}", json.dumps(build_function_tool(name, text), sort_keys=True)
    )


def _expect_replacement(find: str, replace: str) -> ExpectedChange:
    return lambda old: {"/system_prompt": old["/system_prompt"].replace(find, replace)}


def build_server_edit(kind: str, number: int) -> EditRequest:
    """Return an edit of a server; ``number`` makes its value its own."""
    text = f"server {number}"
    match kind:
        case "present leaf":
            return _build_tool_edit(
                kind,
                _expect_value(TEMPERATURE_POINTER, number / 100),
                _LLM_TOOL,
                temperature=number / 100,
            )
        case "absent leaf":
            return _build_tool_edit(
                kind, _expect_value(TOP_P_POINTER, number / 100), _LLM_TOOL, top_p=number / 100
            )
        case "leaf gone":
            return _build_tool_edit(
                kind, _expect_value(TEMPERATURE_POINTER, None), _LLM_TOOL, unset=["temperature"]
            )
        case "top level":
            return _build_tool_edit(
                kind, _expect_value("/greeting", text), "update_persona", greeting=text
            )
        case "absent at the top":
            return _build_tool_edit(
                kind, _expect_value("/context", text), "update_persona", context=text
            )
        case "text":
            goal = _expect_replacement("brief", text)
            return _build_tool_edit(kind, goal, "edit_prompt", find="brief", replace=text)
    return _build_layer_edit(kind, number, text)


def _build_layer_edit(kind: str, number: int, text: str) -> EditRequest:
    match kind:
        case "absent layer":
            goal = _expect_value("/layers/stt/hotwords", text)
            return _build_tool_edit(kind, goal, "configure_stt", hotwords=text)
        case "absent layer with defaults":
            level = ("low", "high")[number % 2]
            tool = "configure_conversational_flow"
            return _build_tool_edit(
                kind, _expect_value(PATIENCE_POINTER, level), tool, turn_taking_patience=level
            )
        case "list item gone":
            return _build_tool_edit(
                kind,
                _expect_value(f"{TOOLS_POINTER}/ask", None),
                "remove_function_tool",
                name="ask",
            )
    name = {"list item": "ask", "other list item": "tell"}.get(kind, f"made_{number}")
    return _build_tool_edit(
        kind, _expect_tool(name, text), "set_function_tool", name=name, description=text
    )


SERVER_EDIT_KINDS = (
    "present leaf",
    "absent leaf",
    "top level",
    "absent at the top",
    "absent layer",
    "absent layer with defaults",
    "list item",
    "other list item",
    "new list item",
    "list item gone",
    "leaf gone",
    "text",
)


def build_dashboard_edit(kind: str, number: int) -> EditRequest:
    """Return an edit of the dashboard: it writes without reading."""
    text = f"dashboard {number}"
    share = number / 100
    match kind:
        case "temperature":
            return _build_patch_edit(
                kind, _expect_value(TEMPERATURE_POINTER, share), TEMPERATURE_POINTER, share
            )
        case "top_p":
            return _build_patch_edit(
                kind, _expect_value(TOP_P_POINTER, share), TOP_P_POINTER, share
            )
        case "greeting":
            return _build_patch_edit(kind, _expect_value("/greeting", text), "/greeting", text)
        case "context":
            return _build_patch_edit(kind, _expect_value("/context", text), "/context", text)
        case "layer":
            hotwords = "/layers/stt/hotwords"
            return _build_patch_edit(
                kind, _expect_value(hotwords, text), "/layers/stt", {"hotwords": text}
            )
        case "tool first" | "like tool first":
            name, text = f"first_{number}", text if kind == "tool first" else SHARED_DESCRIPTION
            return _build_patch_edit(
                kind,
                _expect_tool(name, text),
                f"{TOOLS_POINTER}/0",
                build_function_tool(name, text),
            )
        case "tool last":
            name = f"last_{number}"
            return _build_patch_edit(
                kind,
                _expect_tool(name, text),
                f"{TOOLS_POINTER}/-",
                build_function_tool(name, text),
            )
        case "prompt":
            return _build_patch_edit(
                kind, _expect_value("/system_prompt", text), "/system_prompt", text
            )
    raise AssertionError(kind)


DASHBOARD_EDIT_KINDS = (
    "temperature",
    "top_p",
    "greeting",
    "context",
    "layer",
    "tool first",
    "tool last",
    "prompt",
)


def _build_tool_edit(
    name: str, expected_change: ExpectedChange, tool: str, /, **arguments: Any
) -> EditRequest:
    return EditRequest(name, expected_change, tool, arguments)


def _build_patch_edit(
    name: str, expected_change: ExpectedChange, path: str, value: Any
) -> EditRequest:
    return EditRequest(name, expected_change, patch=({"op": "add", "path": path, "value": value},))


@dataclass(frozen=True)
class EditScript:
    """The edits of each actor in order, and the order in which their requests pass."""

    edits: Mapping[str, tuple[EditRequest, ...]]
    order: tuple[int, ...]

    def interleaving_key(self, trace: list[str]) -> str:
        """Return what tells this interleaving from others."""
        named = [(actor, [edit.name for edit in edits]) for actor, edits in self.edits.items()]
        return repr((named, trace))


def draw_script(random: Random) -> EditScript:
    """Draw edits of two servers, each perhaps undone, edits of a dashboard, and an order."""
    edits: dict[str, tuple[EditRequest, ...]] = {}
    for number, actor in enumerate(("one", "two")):
        edit = build_server_edit(random.choice(SERVER_EDIT_KINDS), 10 + number)
        edits[actor] = (edit, UNDO) if random.random() < UNDO_SHARE else (edit,)
    kinds = random.sample(DASHBOARD_EDIT_KINDS, random.randint(1, 2))
    edits["dashboard"] = tuple(
        build_dashboard_edit(kind, 12 + number) for number, kind in enumerate(kinds)
    )
    return EditScript(edits, tuple(random.randint(0, 2) for _ in range(24)))
