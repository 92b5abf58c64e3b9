"""Edits that several actors make to one persona, each with what it means to bring about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Flat = dict[str, Any]
Goal = Callable[[Mapping[str, Any]], Flat]

PROMPT = "You help people. Be brief. Say who you are."
TOOLS = "/layers/llm/tools"
HEAT = "/layers/llm/extra_body/temperature"
TOP_P = "/layers/llm/extra_body/top_p"
PATIENCE = "/layers/conversational_flow/turn_taking_patience"
SAME = "Call it when asked."
_LLM = "configure_llm"


@dataclass(frozen=True)
class Ask:
    """One edit: a tool call or a raw patch, and what it is to change, given what stood there."""

    name: str
    goal: Goal = field(repr=False, compare=False)
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict, hash=False)
    patch: tuple[dict[str, Any], ...] = ()


def function(name: str, text: str = SAME) -> dict[str, Any]:
    """Return an inline tool."""
    return {"type": "function", "function": {"name": name, "description": text}}


def start() -> dict[str, Any]:
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
                "tools": [function("ask"), function("tell", "Call it to tell.")],
            },
            "tts": {"tts_engine": "cartesia"},
        },
    }


def flat(document: Mapping[str, Any]) -> Flat:
    """Return a persona as places and values; inline tools are found by their names."""
    found: Flat = {}
    _flatten({key: value for key, value in document.items() if key != "updated_at"}, "", found)
    return {place: value for place, value in found.items() if _told(place)}


def _told(place: str) -> bool:
    """Leave out what the sandbox fills in beside a setting of turn-taking."""
    return not place.startswith("/layers/conversational_flow") or place == PATIENCE


def _flatten(value: Any, place: str, found: Flat) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _flatten(item, f"{place}/{key}", found)
    elif place == TOOLS:
        for tool in value:
            found[f"{TOOLS}/{tool['function']['name']}"] = json.dumps(tool, sort_keys=True)
    else:
        found[place] = value


def _sets(place: str, value: Any) -> Goal:
    return lambda _: {place: value}


def _tool(name: str, text: str) -> Goal:
    return _sets(f"{TOOLS}/{name}", json.dumps(function(name, text), sort_keys=True))


def _replaces(find: str, replace: str) -> Goal:
    return lambda old: {"/system_prompt": old["/system_prompt"].replace(find, replace)}


def server_edit(kind: str, number: int) -> Ask:
    """Return an edit of a server; ``number`` makes its value its own."""
    text = f"server {number}"
    match kind:
        case "present leaf":
            return _call(kind, _sets(HEAT, number / 100), _LLM, temperature=number / 100)
        case "absent leaf":
            return _call(kind, _sets(TOP_P, number / 100), _LLM, top_p=number / 100)
        case "leaf gone":
            return _call(kind, _sets(HEAT, None), _LLM, unset=["temperature"])
        case "top level":
            return _call(kind, _sets("/greeting", text), "update_persona", greeting=text)
        case "absent at the top":
            return _call(kind, _sets("/context", text), "update_persona", context=text)
        case "text":
            goal = _replaces("brief", text)
            return _call(kind, goal, "edit_prompt", find="brief", replace=text)
    return _layer_edit(kind, number, text)


def _layer_edit(kind: str, number: int, text: str) -> Ask:
    match kind:
        case "absent layer":
            goal = _sets("/layers/stt/hotwords", text)
            return _call(kind, goal, "configure_stt", hotwords=text)
        case "absent layer with defaults":
            level = ("low", "high")[number % 2]
            tool = "configure_conversational_flow"
            return _call(kind, _sets(PATIENCE, level), tool, turn_taking_patience=level)
        case "list item gone":
            return _call(kind, _sets(f"{TOOLS}/ask", None), "remove_function_tool", name="ask")
    name = {"list item": "ask", "other list item": "tell"}.get(kind, f"made_{number}")
    return _call(kind, _tool(name, text), "set_function_tool", name=name, description=text)


SERVER_KINDS = (
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


def dashboard_edit(kind: str, number: int) -> Ask:
    """Return an edit of the dashboard: it writes without reading."""
    text = f"dashboard {number}"
    share = number / 100
    match kind:
        case "temperature":
            return _raw(kind, _sets(HEAT, share), HEAT, share)
        case "top_p":
            return _raw(kind, _sets(TOP_P, share), TOP_P, share)
        case "greeting":
            return _raw(kind, _sets("/greeting", text), "/greeting", text)
        case "context":
            return _raw(kind, _sets("/context", text), "/context", text)
        case "layer":
            hotwords = "/layers/stt/hotwords"
            return _raw(kind, _sets(hotwords, text), "/layers/stt", {"hotwords": text})
        case "tool first" | "like tool first":
            name, text = f"first_{number}", text if kind == "tool first" else SAME
            return _raw(kind, _tool(name, text), f"{TOOLS}/0", function(name, text))
        case "tool last":
            name = f"last_{number}"
            return _raw(kind, _tool(name, text), f"{TOOLS}/-", function(name, text))
        case "prompt":
            return _raw(kind, _sets("/system_prompt", text), "/system_prompt", text)
    raise AssertionError(kind)


DASHBOARD_KINDS = (
    "temperature",
    "top_p",
    "greeting",
    "context",
    "layer",
    "tool first",
    "tool last",
    "prompt",
)


def _call(name: str, goal: Goal, tool: str, /, **arguments: Any) -> Ask:
    return Ask(name, goal, tool, arguments)


def _raw(name: str, goal: Goal, path: str, value: Any) -> Ask:
    return Ask(name, goal, patch=({"op": "add", "path": path, "value": value},))


@dataclass(frozen=True)
class Script:
    """Who edits what, in each actor's order, and in which order their requests pass."""

    asks: Mapping[str, tuple[Ask, ...]]
    order: tuple[int, ...]

    def key(self, trace: list[str]) -> str:
        """Return what tells this interleaving from others."""
        named = [(actor, [ask.name for ask in asks]) for actor, asks in self.asks.items()]
        return repr((named, trace))


@st.composite
def scripts(
    draw: st.DrawFn,
    *,
    servers: tuple[str, ...] = SERVER_KINDS,
    dashboard: tuple[str, ...] = DASHBOARD_KINDS,
) -> Script:
    """Draw edits of two servers and a dashboard, and an order of their requests."""
    asks: dict[str, tuple[Ask, ...]] = {}
    number = 10
    for actor, kinds, most, make in (
        ("one", servers, 1, server_edit),
        ("two", servers, 1, server_edit),
        ("dashboard", dashboard, 2, dashboard_edit),
    ):
        drawn = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=most, unique=True))
        numbered = list(enumerate(drawn, number))
        number += len(drawn)
        asks[actor] = tuple(make(kind, own) for own, kind in numbered)
    order = draw(st.lists(st.integers(0, 2), min_size=8, max_size=8))
    return Script(asks, tuple(order))
