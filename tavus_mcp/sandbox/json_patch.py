"""JSON Patch as Tavus accepts it: an array of operations (docs: patch-persona)."""

from __future__ import annotations

import json
from typing import Any

import jsonpatch
import jsonpointer
from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.sandbox.http import HttpError, bad_request, empty_response, read_json

Operations = list[dict[str, Any]]
_OPS = frozenset({"add", "remove", "replace", "copy", "move", "test"})


def bad_patch() -> HttpError:
    """Return the documented 422 for a body that is no JSON Patch (docs: patch-persona)."""
    return HttpError(422, "Invalid JSON patch format", key="message")


def invalid_operation() -> HttpError:
    """Return the 400 of parts for a patch that cannot be applied (docs: patch-objectives)."""
    return bad_request("Invalid patch operation")


def not_modified_response() -> Response:
    """Return 304; its documented body never survives HTTP (docs: patch-persona)."""
    return empty_response(304)


async def read_operations(request: Request) -> Operations:
    """Return the operations of the body; anything but an array of operations is refused."""
    body = await read_json(request, http_error=bad_patch())
    if not isinstance(body, list) or not all(_is_operation(entry) for entry in body):
        raise bad_patch()
    return body


def apply_operations(
    document: dict[str, Any], operations: Operations, *, http_error: HttpError | None = None
) -> dict[str, Any]:
    """Return the patched document.

    A missing parent or member, or a failed ``test``, refuses the whole patch (RFC 6902), with
    ``http_error`` if it is given. Clients report 400 or 422 for it; here it is 400, which
    distinguishes it from a malformed patch.
    """
    try:
        patch = jsonpatch.JsonPatch(operations)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        raise bad_patch() from error
    try:
        result = patch.apply(document)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
        raise http_error or bad_request(f"Bad Request: {_reason(error)}", key="message") from error
    if not isinstance(result, dict):
        raise bad_patch()
    return result


def is_equal_json(left: Any, right: Any) -> bool:
    """Return True if two JSON values are equal; unlike in Python, 1 is not true."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _is_operation(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    if not isinstance(entry.get("op"), str) or not isinstance(entry.get("path"), str):
        return False
    if entry["op"] not in _OPS:
        return False
    if entry["op"] in {"copy", "move"}:
        return isinstance(entry.get("from"), str)
    return entry["op"] == "remove" or "value" in entry


def _reason(error: Exception) -> str:
    if isinstance(error, jsonpatch.JsonPatchTestFailed):
        return "a test operation of the patch failed"
    return "the patch points at something that does not exist"
