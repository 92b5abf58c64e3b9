"""Reading requests and writing replies, the same for every resource."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.models.base import DeferredModel
from tavus_mcp.models.vocabularies import pointer_to_persona_names, to_pal_names
from tavus_mcp.sandbox.store import Query, Store

MAX_LIST_ROWS = 100
_ORDERS = {"asc": False, "ascending": False, "desc": True, "descending": True}
_MAX_JSON_DEPTH = 64
_PAL_PATHS = ("/v2/pals", "/v2/faces")


Model = TypeVar("Model", bound=BaseModel)


class Body(DeferredModel):
    """The body of a request; unknown fields are refused (vendor client)."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def validate_body(model: type[Model], body: Any, *, key: str = "error") -> Model:
    """Return a body as its model; refuse one that does not fit, naming every wrong field."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        problems = {
            _field_path(item["loc"]): [_sentence(item["type"], item["msg"])]
            for item in error.errors()
        }
        raise bad_request(f"Bad Request: {problems}", key=key) from None


def _field_path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "Unknown field."
    if kind == "missing":
        return "Missing data for required field."
    return message


class HttpError(Exception):
    """An error reply: a status and one sentence.

    Most replies have it in ``error``; 401, 409, 422 and those to PATCH in ``message`` (docs:
    create-persona, patch-persona).
    """

    def __init__(self, status: int, text: str, *, key: str = "error", **extra_members: Any) -> None:
        super().__init__(text)
        self.status = status
        self.body = {key: text, **extra_members}


def bad_request(text: str, *, key: str = "error") -> HttpError:
    """Return the 400 for a request that breaks a rule."""
    return HttpError(400, text, key=key)


def missing_field(name: str, *, key: str = "error") -> HttpError:
    """Return the 400 for an absent field, worded like the docs of attach-skill-to-pal."""
    return bad_request(f"Bad Request: {{'{name}': ['Missing data for required field.']}}", key=key)


def unknown_field(name: str, *, key: str = "error") -> HttpError:
    """Return the 400 for a field that does not exist."""
    return bad_request(f"Bad Request: {{'{name}': ['Unknown field.']}}", key=key)


def json_response(body: Any, status: int = 200) -> Response:
    """Return a JSON reply; ASCII, because stored texts may hold lone surrogates."""
    return Response(json.dumps(body), status, media_type="application/json")


def empty_response(status: int = 204) -> Response:
    """Return a reply without a body."""
    return Response(status_code=status)


async def render_http_error(request: Request, error: Exception) -> Response:
    """Return the reply of a raised ``HttpError``."""
    http_error = cast(HttpError, error)
    return json_response(http_error.body, http_error.status)


def store_of(request: Request) -> Store:
    """Return the store of this sandbox."""
    return cast(Store, request.app.state.store)


async def read_json(request: Request, *, http_error: HttpError | None = None) -> Any:
    """Return the body as JSON; raises ``http_error``, or a 400, if it is not JSON."""
    try:
        body = json.loads(await request.body(), parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise http_error or bad_request("Bad Request: the body is not valid JSON") from error
    if _is_deeper_than(_MAX_JSON_DEPTH, body):
        raise http_error or bad_request("Bad Request: the body is nested too deeply")
    return body


async def read_object(request: Request, *, key: str = "error") -> dict[str, Any]:
    """Return the body as a JSON object; an empty body is an empty object."""
    if not await request.body():
        return {}
    body = await read_json(request)
    if not isinstance(body, dict):
        raise bad_request("Bad Request: the body must be a JSON object", key=key)
    return body


async def read_body(request: Request, model: type[Model]) -> Model:
    """Return the body as its model; refuse one that does not fit."""
    return validate_body(model, await read_object(request))


def reject_unknown_fields(body: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse a body with a field that is not in ``known``."""
    for name in body:
        if name not in known:
            raise unknown_field(name)


def to_path_vocabulary(request: Request, body: Any) -> Any:
    """Return ``body`` in the vocabulary of the path: PAL and face, or persona and replica."""
    return to_pal_names(body) if request.url.path.startswith(_PAL_PATHS) else body


def reject_mixed_vocabularies(body: Mapping[str, Any]) -> None:
    """Refuse a field given in both vocabularies (live report: conversations answer 400)."""
    for name in body:
        legacy = pointer_to_persona_names(name)
        if legacy != name and legacy in body:
            raise bad_request(f"Bad Request: use either {name} or {legacy}, not both")


def query_flag(request: Request, name: str, *, default: bool = False) -> bool:
    """Return a query parameter that is ``true`` or ``false``."""
    value = request.query_params.get(name)
    return default if value is None else value.lower() in {"true", "1", "yes"}


def _is_deeper_than(levels: int, body: Any) -> bool:
    layer = [body]
    for _ in range(levels):
        layer = [
            item
            for value in layer
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(layer)


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True)
class Paging:
    """The defaults of a list: rows of a page, number of the first page and order.

    Where the first page is 1, page 0 is the first as well: the docs count personas from 1, the
    vendor's client from 0 (docs: get-personas, get-documents).
    """

    limit: int = 10
    first_page: int = 1
    order: str = "asc"

    def window(self, request: Request) -> tuple[int, int]:
        """Return the limit and the offset of a request."""
        limit = min(_query_number(request, "limit", self.limit, minimum=1), MAX_LIST_ROWS)
        page = _query_number(request, "page", self.first_page, minimum=0)
        return limit, max(0, page - self.first_page) * limit


def is_newest_first(request: Request, default: str = "asc") -> bool:
    """Return True if the newest rows are requested first; by default the oldest are."""
    order = request.query_params.get("sort", default)
    if order not in _ORDERS:
        raise bad_request("Invalid sort: use asc or desc")
    return _ORDERS[order]


def page_envelope(request: Request, paging: Paging, kind: str, **filters: Any) -> dict[str, Any]:
    """Return the envelope ``{data, total_count}`` of one page (docs: get-personas)."""
    limit, offset = paging.window(request)
    order = is_newest_first(request, paging.order)
    query = Query(kind, newest_first=order, limit=limit, offset=offset, **filters)
    rows, total = store_of(request).page(query)
    return {"data": rows, "total_count": total}


def split_list(request: Request, *names: str) -> list[str] | None:
    """Return a comma-separated parameter under any of its names, or None if it is absent."""
    for name in names:
        if name in request.query_params:
            return [part for part in request.query_params[name].split(",") if part]
    return None


def type_filter(request: Request, name: str, field: str) -> dict[str, str]:
    """Return the filter of a ``user`` / ``system`` / ``all`` parameter."""
    value = request.query_params.get(name, "all")
    if value not in {"user", "system", "all"}:
        raise bad_request(f"Invalid {name}: use user, system or all")
    return {} if value == "all" else {field: value}


def _query_number(request: Request, name: str, default: int, *, minimum: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= minimum):
        kind = "positive" if minimum else "non-negative"
        raise bad_request(f"Invalid request: {name} must be a {kind} integer")
    return int(text)
