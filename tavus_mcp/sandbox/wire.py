"""How requests are read and replies written, the same for every resource."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.models.vocabularies import pointer_to_persona_names, to_pal_names
from tavus_mcp.sandbox.store import Store

_DEEPEST = 64
_MODERN_PATHS = ("/v2/pals", "/v2/faces")


class Refusal(Exception):
    """A reply that ends the request early: a status and one sentence.

    Most errors say it in ``error``; 401, 409, 422 and PATCH in ``message`` (docs: create-persona,
    patch-persona).
    """

    def __init__(self, status: int, text: str, *, key: str = "error", **more: Any) -> None:
        super().__init__(text)
        self.status = status
        self.body = {key: text, **more}


def bad_request(text: str, *, key: str = "error") -> Refusal:
    """Return the 400 for a request that breaks a rule."""
    return Refusal(400, text, key=key)


def missing_field(name: str, *, key: str = "error") -> Refusal:
    """Return the 400 for an absent field, worded like the docs of attach-skill-to-pal."""
    return bad_request(f"Bad Request: {{'{name}': ['Missing data for required field.']}}", key=key)


def unknown_field(name: str, *, key: str = "error") -> Refusal:
    """Return the 400 for a field that does not exist."""
    return bad_request(f"Bad Request: {{'{name}': ['Unknown field.']}}", key=key)


def reply(body: Any, status: int = 200) -> Response:
    """Return a JSON reply; ASCII, so that whatever was stored can be written."""
    return Response(json.dumps(body), status, media_type="application/json")


def nothing(status: int = 204) -> Response:
    """Return a reply without a body."""
    return Response(status_code=status)


async def refused(request: Request, error: Exception) -> Response:
    """Answer a ``Refusal`` raised anywhere below."""
    refusal = cast(Refusal, error)
    return reply(refusal.body, refusal.status)


def store_of(request: Request) -> Store:
    """Return the store this sandbox was built on."""
    return cast(Store, request.app.state.store)


async def read_json(request: Request, *, refusal: Refusal | None = None) -> Any:
    """Return the body as JSON, or refuse what is not JSON."""
    try:
        body = json.loads(await request.body(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise refusal or bad_request("Bad Request: the body is not valid JSON") from error
    if _deeper_than(_DEEPEST, body):
        raise refusal or bad_request("Bad Request: the body is nested too deeply")
    return body


async def read_object(request: Request, *, key: str = "error") -> dict[str, Any]:
    """Return the body as a JSON object; an empty body is an empty object."""
    if not await request.body():
        return {}
    body = await read_json(request)
    if not isinstance(body, dict):
        raise bad_request("Bad Request: the body must be a JSON object", key=key)
    return body


def only_known(body: Mapping[str, Any], known: frozenset[str], *, key: str = "error") -> None:
    """Refuse a body with a field that is not in ``known``."""
    for name in body:
        if name not in known:
            raise unknown_field(name, key=key)


def in_words_of(request: Request, body: Any) -> Any:
    """Return ``body`` in the vocabulary of the path: PAL and face, or persona and replica."""
    return to_pal_names(body) if request.url.path.startswith(_MODERN_PATHS) else body


def no_clash(body: Mapping[str, Any], *, key: str = "error") -> None:
    """Refuse a field given in both vocabularies (live report: conversations answer 400)."""
    for name in body:
        legacy = pointer_to_persona_names(name)
        if legacy != name and legacy in body:
            raise bad_request(f"Bad Request: use either {name} or {legacy}, not both", key=key)


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    """Return a query parameter that is ``true`` or ``false``."""
    value = request.query_params.get(name)
    return default if value is None else value.lower() in {"true", "1", "yes"}


def _deeper_than(levels: int, body: Any) -> bool:
    layer = [body]
    for _ in range(levels):
        layer = [
            item
            for value in layer
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(layer)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
