"""The answers to the requests that open a session, from ``surface.json``.

They are given while the server is still being imported (``early_reader``): to the handshake or
``server/discover``, to ``ping`` and to the lists. Only requests of the shapes that hosts send are
answered; what is uncommon waits for the server. This module imports nothing that takes time.
"""

from __future__ import annotations

import json
from typing import Any

from tavus_mcp.server.surface import (
    ENVELOPE,
    HANDSHAKE,
    load_surface,
    select_instructions,
    select_tools,
)
from tavus_mcp.server.view.negotiation import declares_apps, without_view

MAX_LINE_BYTES = 16_384
"""The longest line that is answered early."""
_MAX_ID = 2**53
_INFO_KEYS = {"name", "version"}
_OPTIONAL_INFO_KEYS = {"title", "description", "websiteUrl"}
_ENVELOPE_PREFIX = "io.modelcontextprotocol/"

Json = dict[str, Any]


class EarlyAnswers:
    """Answers the first lines of a session; knows which era its client has opened."""

    def __init__(self, toolsets: tuple[str, ...], *, read_only: bool) -> None:
        self._toolsets = toolsets
        self._read_only = read_only
        self._era: str | None = None
        self._has_apps = False

    def answer(self, line: bytes) -> bytes | None:
        """Return the answer to a line, ``b""`` if it needs none, None if the server must see it."""
        if not line.strip():
            return b""
        message = _parse(line)
        if message is None:
            return None
        method, params = message["method"], message.get("params", {})
        if "id" not in message:
            is_expected = method == "notifications/initialized" and self._era == HANDSHAKE
            return b"" if is_expected and not params else None
        era = _find_era(method, params) if self._era is None else self._era
        if era is None or not self._is_answerable(era, method, params):
            return None
        self._era = era
        if (capabilities := _find_capabilities(params)) is not None:
            self._has_apps = declares_apps(capabilities)
        result = self._build_result(era, method, params)
        body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def _is_answerable(self, era: str, method: str, params: Json) -> bool:
        if method not in load_surface()["answers"][era]:
            return False
        if era == ENVELOPE:
            return _is_envelope(params)
        if method == "initialize":
            return self._era is None and _is_handshake(params)
        return not params

    def _build_result(self, era: str, method: str, params: Json) -> Json:
        """Return a result with what depends on the revision and the served tools."""
        surface = load_surface()
        result: Json = dict(surface["answers"][era][method])
        served = select_tools(surface["tools"], self._toolsets, read_only=self._read_only)
        if "protocolVersion" in result:
            result["protocolVersion"] = params["protocolVersion"]
        if "instructions" in result:
            result["instructions"] = select_instructions(surface, served)
        if "tools" in result:
            tools = [entry["listed"] for entry in served.values()]
            result["tools"] = (
                [_to_envelope_order(tool) for tool in tools] if era == ENVELOPE else tools
            )
        for name in ("resources", "resourceTemplates", "prompts"):
            if name in result:
                result[name] = surface[name]
        return result if self._has_apps else without_view(result)


def _to_envelope_order(tool: Json) -> Json:
    """Return a tool in the order of the SDK's model of the revisions with an envelope."""
    schema = tool["inputSchema"]
    return {**tool, "inputSchema": {"type": schema["type"], **schema}}


def _parse(line: bytes) -> Json | None:
    """Return the request or notification of a line; None if there is any doubt about it.

    Whatever parsers of JSON read differently is refused: escapes, characters beyond ASCII,
    fractions, repeated names, deep nesting.
    """
    if len(line) > MAX_LINE_BYTES or b"\\" in line or line.count(b"{") + line.count(b"[") > 100:
        return None
    try:
        message = json.loads(
            line.decode("ascii"),
            object_pairs_hook=_unique_pairs,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
    except ValueError:
        return None
    if not isinstance(message, dict) or not message.keys() <= {"jsonrpc", "id", "method", "params"}:
        return None
    is_request = message.get("jsonrpc") == "2.0" and isinstance(message.get("method"), str)
    is_valid_id = _is_id(message.get("id", 0))
    return (
        message
        if is_request and is_valid_id and isinstance(message.get("params", {}), dict)
        else None
    )


def _unique_pairs(pairs: list[tuple[str, Any]]) -> Json:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a repeated name")
    return members


def _refuse(text: str) -> Any:
    raise ValueError(text)


def _is_id(value: object) -> bool:
    return isinstance(value, str) or (type(value) is int and 0 <= value < _MAX_ID)


def _find_era(method: str, params: Json) -> str | None:
    """Return the era that a first request opens."""
    if method == "initialize":
        return HANDSHAKE
    return ENVELOPE if "_meta" in params else None


def _is_handshake(params: Json) -> bool:
    """Return True if the parameters of ``initialize`` are certainly valid."""
    return (
        params.keys() == {"protocolVersion", "capabilities", "clientInfo"}
        and params["protocolVersion"] in load_surface()["revisions"][HANDSHAKE]
        and _are_capabilities(params["capabilities"])
        and _is_client_info(params["clientInfo"])
    )


def _find_capabilities(params: Json) -> Json | None:
    """Return the capabilities of the client, which a handshake or an envelope holds."""
    if "capabilities" in params:
        return dict(params["capabilities"])
    found = params.get("_meta", {}).get(f"{_ENVELOPE_PREFIX}clientCapabilities")
    return None if found is None else dict(found)


def _is_envelope(params: Json) -> bool:
    """Return True if parameters are a valid envelope and nothing else."""
    meta = params.get("_meta")
    if params.keys() != {"_meta"} or not isinstance(meta, dict):
        return False
    values = {key.removeprefix(_ENVELOPE_PREFIX): value for key, value in meta.items()}
    return (
        all(key.startswith(_ENVELOPE_PREFIX) for key in meta)
        and values.keys() | {"clientInfo"}
        == {"protocolVersion", "clientCapabilities", "clientInfo"}
        and values["protocolVersion"] in load_surface()["revisions"][ENVELOPE]
        and _are_capabilities(values["clientCapabilities"])
        and ("clientInfo" not in values or _is_client_info(values["clientInfo"]))
    )


def _is_client_info(value: object) -> bool:
    return (
        isinstance(value, dict)
        and _INFO_KEYS <= value.keys() <= _INFO_KEYS | _OPTIONAL_INFO_KEYS
        and all(isinstance(text, str) for text in value.values())
    )


def _are_capabilities(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(capability, dict) and _is_capability(name, capability)
        for name, capability in value.items()
    )


def _is_capability(name: str, value: Json) -> bool:
    if name == "roots":
        return value.keys() <= {"listChanged"} and all(
            type(flag) is bool for flag in value.values()
        )
    if name == "tasks":
        return _has_only_objects(value)
    return all(isinstance(member, dict) for member in value.values())


def _has_only_objects(value: object) -> bool:
    return isinstance(value, dict) and all(map(_has_only_objects, value.values()))
