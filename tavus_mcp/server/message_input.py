"""Parse one line of stdin as a JSON-RPC message, with the deviations of known clients."""

from __future__ import annotations

import json
from typing import Any

import mcp_types as types
from pydantic import ValidationError

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.unsendable_values import find_unsendable_values

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some clients on Windows send first
(https://github.com/modelcontextprotocol/kotlin-sdk/issues/956)."""
_METHODS_WITH_ARGUMENTS = frozenset({"tools/call", "prompts/get"})


class InvalidMessage(Exception):
    """A line that is no message; holds the id, code and text of the JSON-RPC error to answer."""

    def __init__(self, request_id: Any, code: int, text: str) -> None:
        self.request_id, self.code, self.text = request_id, code, text
        super().__init__(text)


def parse_message(line: bytes) -> types.JSONRPCMessage:
    """Return the message of a line.

    Half a character (a lone surrogate) is let through in the arguments of a tool only: the tool
    refuses it with the path of the argument. Raises ``InvalidMessage``.
    """
    try:
        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        message = _parse_with_surrogates(line)
    if isinstance(message, types.JSONRPCNotification) and _has_id(line):
        raise InvalidMessage(None, types.INVALID_REQUEST, "its id is none")
    if isinstance(message, types.JSONRPCRequest) and message.params is not None:
        if message.method == "initialize":
            message.params.update(_with_capability_objects(message.params))
        elif message.method in _METHODS_WITH_ARGUMENTS:
            _decode_arguments(message.id, message.params)
    return message


def _parse_with_surrogates(line: bytes) -> types.JSONRPCMessage:
    """Parse a line that is no strict JSON-RPC; raise ``InvalidMessage`` with the reason."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidMessage(None, types.PARSE_ERROR, "the line is not JSON") from None
    request_id = body.get("id") if isinstance(body, dict) else None
    valid_id = request_id if isinstance(request_id, (str, int)) else None
    if isinstance(body, dict) and find_unsendable_values(body):
        if problems := find_unsendable_values(_without_tool_arguments(body)):
            raise InvalidMessage(None, types.INVALID_REQUEST, problems[0])
        try:
            return types.jsonrpc_message_adapter.validate_python(body, by_name=False)
        except ValidationError:
            pass  # answered below, like any other line
    raise InvalidMessage(
        valid_id, types.INVALID_REQUEST, "the line is not one JSON-RPC 2.0 message"
    )


def _without_tool_arguments(body: JsonObject) -> JsonObject:
    params = body.get("params")
    if body.get("method") != "tools/call" or not isinstance(params, dict):
        return body
    return {**body, "params": {key: params[key] for key in params if key != "arguments"}}


def _has_id(line: bytes) -> bool:
    """Return True if a message that parsed as a notification has an id, of an invalid type."""
    return b'"id"' in line and "id" in json.loads(line)


def _with_capability_objects(params: JsonObject) -> JsonObject:
    """Return ``capabilities`` with an object for true and without what is false or null."""
    capabilities = params.get("capabilities")
    if not isinstance(capabilities, dict):
        return {"capabilities": {}} if capabilities in (True, None, []) else {}
    return {"capabilities": _objects_for_flags(capabilities)}


def _objects_for_flags(capabilities: JsonObject) -> JsonObject:
    return {
        name: {} if value is True else value
        for name, value in capabilities.items()
        if value is not False and value is not None
    }


def _decode_arguments(request_id: Any, params: JsonObject) -> None:
    """Replace ``arguments`` that came as [], null or JSON text by an object, in place."""
    arguments = params.get("arguments", {})
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            arguments = None if not arguments.strip() else arguments
    if arguments is None or arguments == []:
        arguments = {}
    if not isinstance(arguments, dict):
        text = 'arguments must be an object, like {} or {"name": "value"}'
        raise InvalidMessage(request_id, types.INVALID_PARAMS, text)
    params["arguments"] = arguments
