"""Parse one line of stdin as a JSON-RPC message, with the deviations of known clients."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import mcp_types as types
from pydantic import ValidationError

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.unsendable_values import find_unsendable_values
from tavus_mcp.server.json_text import decode_container
from tavus_mcp.tavus_api.responses import parse_json

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some clients on Windows send first, and a text writer may put before each line
(https://github.com/modelcontextprotocol/kotlin-sdk/issues/956)."""
_ENVELOPE_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
_PROGRESS_TOKEN = "progressToken"  # noqa: S105 - no secret
_NO_BATCHES = "batches are not supported; send each message on a line of its own"
_MAX_ANSWERED_REQUESTS = 100
"""The most requests of one batch that are answered."""
_OBJECT_CAPABILITIES = frozenset({"elicitation", "sampling", "tasks", "experimental", "extensions"})
"""Capabilities of clients whose members are objects; those of roots are true or false."""
_METHODS_WITH_ARGUMENTS = frozenset({"tools/call", "prompts/get"})


class InvalidMessage(Exception):
    """A line that is no message; holds the ids, code and text of the JSON-RPC errors to answer.

    A line is answered once for each request in it, and without an id if there is none. An invalid
    response has no ids: an answer would end the client's own request of that id.
    """

    def __init__(self, request_ids: Sequence[Any], code: int, text: str) -> None:
        self.request_ids, self.code, self.text = request_ids, code, text
        super().__init__(text)


def parse_message(line: bytes) -> types.JSONRPCMessage:
    """Return the message of a line.

    Half a character (a lone surrogate) is let through in the arguments of a tool only: the tool
    refuses it with the path of the argument. Raises ``InvalidMessage``.
    """
    line = line.removeprefix(BYTE_ORDER_MARK)
    try:
        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        message = _parse_deviating(line)
    if isinstance(message, types.JSONRPCNotification) and _has_id(line):
        raise InvalidMessage([None], types.INVALID_REQUEST, "its id must be text or a number")
    if isinstance(message, types.JSONRPCRequest) and message.params is not None:
        if message.method == "initialize":
            message.params.update(_with_capability_objects(message.params, "capabilities"))
        _correct_envelope(message.params)
        if message.method in _METHODS_WITH_ARGUMENTS:
            _decode_arguments(message.id, message.method, message.params)
    return message


def _parse_deviating(line: bytes) -> types.JSONRPCMessage:
    """Parse a line that is no strict JSON-RPC; raise ``InvalidMessage`` with the reason.

    PHP has no empty object: its clients send ``"params": []``
    (https://github.com/modelcontextprotocol/php-sdk/issues/284).
    """
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidMessage([None], types.PARSE_ERROR, "the line is not JSON") from None
    if isinstance(body, list) and body:
        raise InvalidMessage(_ids_of_batch(body), types.INVALID_REQUEST, _NO_BATCHES)
    if isinstance(body, dict) and "method" not in body and {"result", "error"} & body.keys():
        return _parse_response(line)
    has_empty_list = isinstance(body, dict) and body.get("params") == []
    if has_empty_list:
        body["params"] = {}
    if isinstance(body, dict) and (has_empty_list or find_unsendable_values(body)):
        if problems := find_unsendable_values(_without_tool_arguments(body)):
            text = problems[0].rstrip(".")
            raise InvalidMessage([_valid_id(body)], types.INVALID_REQUEST, text)
        try:
            return types.jsonrpc_message_adapter.validate_python(body, by_name=False)
        except ValidationError:
            pass  # answered below, like any other line
    raise InvalidMessage(
        [_valid_id(body)], types.INVALID_REQUEST, "the line is not one JSON-RPC 2.0 message"
    )


def _parse_response(line: bytes) -> types.JSONRPCMessage:
    """Parse a response that may hold half a character or NaN, which are replaced."""
    try:
        return types.jsonrpc_message_adapter.validate_python(parse_json(line), by_name=False)
    except ValueError:
        raise InvalidMessage([], types.INVALID_REQUEST, "the response is not valid") from None


def _valid_id(body: Any) -> str | int | None:
    """Return the id of a request that JSON-RPC allows, else None."""
    request_id = body.get("id") if isinstance(body, dict) else None
    is_valid = isinstance(request_id, (str, int)) and not isinstance(request_id, bool)
    return request_id if is_valid and not find_unsendable_values(request_id) else None


def _ids_of_batch(batch: list[Any]) -> list[str | int | None]:
    requests = [item for item in batch if isinstance(item, dict) and "method" in item]
    ids = [request_id for item in requests if (request_id := _valid_id(item)) is not None]
    return list(ids[:_MAX_ANSWERED_REQUESTS]) or [None]


def _without_tool_arguments(body: JsonObject) -> JsonObject:
    params = body.get("params")
    if body.get("method") != "tools/call" or not isinstance(params, dict):
        return body
    return {**body, "params": {key: params[key] for key in params if key != "arguments"}}


def _has_id(line: bytes) -> bool:
    """Return True if a message that parsed as a notification has an id, of an invalid type."""
    return b'"id"' in line and "id" in json.loads(line)


def _correct_envelope(params: JsonObject) -> None:
    """Correct the capabilities in ``_meta``; drop an empty list and a null, in place."""
    envelope = params.get("_meta")
    if envelope == []:
        del params["_meta"]
    if not isinstance(envelope, dict):
        return
    if envelope.get(_PROGRESS_TOKEN, "") is None:
        del envelope[_PROGRESS_TOKEN]
    if _ENVELOPE_CAPABILITIES in envelope:
        envelope.update(_with_capability_objects(envelope, _ENVELOPE_CAPABILITIES))


def _with_capability_objects(params: JsonObject, name: str) -> JsonObject:
    """Return the capabilities with an object for true and without what is false or null."""
    capabilities = params.get(name)
    if not isinstance(capabilities, dict):
        return {name: {}} if capabilities in (True, None, []) else {}
    return {name: _objects_for_flags(capabilities)}


def _objects_for_flags(capabilities: JsonObject) -> JsonObject:
    objects = {
        name: {} if value is True else value
        for name, value in capabilities.items()
        if value is not False and value is not None
    }
    for name in _OBJECT_CAPABILITIES & objects.keys():
        if isinstance(objects[name], dict):
            objects[name] = _objects_for_flags(objects[name])
    return objects


def _decode_arguments(request_id: Any, method: str, params: JsonObject) -> None:
    """Replace ``arguments`` that came as [], null or JSON text by an object, in place.

    Null for an argument of a prompt means "not given"; for one of a tool the tool decides.
    """
    arguments = params.get("arguments", {})
    if isinstance(arguments, str):
        is_empty = arguments.strip('" \t\r\n') in ("", "null")
        arguments = {} if is_empty else decode_container(arguments)
    if arguments is None or arguments == []:
        arguments = {}
    if not isinstance(arguments, dict):
        text = 'arguments must be an object, like {} or {"name": "value"}'
        raise InvalidMessage([request_id], types.INVALID_PARAMS, text)
    if method == "prompts/get":  # whose arguments are texts
        arguments = {name: value for name, value in arguments.items() if value is not None}
    params["arguments"] = arguments
