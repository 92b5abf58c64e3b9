"""Operations that resources of the sandbox have in common."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.store import Row, Store
from tavus_mcp.sandbox.switches import switches_of

Endpoint = Callable[[Request], Awaitable[Response]]
"""Answers the requests of one method and path."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A kind of stored document.

    ``parameter`` is the name of the id in its routes, ``not_found`` the status and the text of the
    reply when there is no such document, ``not_found_key`` the field of that text, ``malformed``
    the text of the 400 for an id that does not fit ``id_pattern``, ``search_fields`` where lists
    search for ``name_or_uuid``, ``reference_field`` the field of personas that holds the id, and
    ``render`` turns a stored document into what a read returns.
    """

    kind: str
    parameter: str
    not_found: tuple[int, str]
    not_found_key: str = "error"
    id_pattern: str = ""
    malformed: str = ""
    paging: http.Paging
    search_fields: Sequence[str] = ()
    has_tags: bool = False
    reference_field: str = ""
    render: Callable[[Row], Row] = dict

    def require(self, store: Store, key: str) -> Row:
        """Return a stored document, or raise the error of one that does not exist."""
        row = store.get(self.kind, key)
        if row is not None:
            return row
        if self.id_pattern and not re.fullmatch(self.id_pattern, key):
            raise http.bad_request(self.malformed)
        raise http.HttpError(*self.not_found, key=self.not_found_key)

    def requested(self, request: Request) -> Row:
        """Return the stored document that a path names."""
        return self.require(http.store_of(request), request.path_params[self.parameter])

    def page(
        self,
        request: Request,
        equals: Mapping[str, Any] | None = None,
        *,
        render: Callable[[Row], Row] | None = None,
    ) -> Row:
        """Return the requested page of the list; ``render`` replaces that of the resource."""
        page = http.page_envelope(
            request,
            self.paging,
            self.kind,
            equals=equals or {},
            text=request.query_params.get("name_or_uuid", "") if self.search_fields else "",
            text_in=self.search_fields,
            tags=(http.split_list(request, "tags") or ()) if self.has_tags else (),
        )
        page["data"] = [(render or self.render)(row) for row in page["data"]]
        return page

    async def read(self, request: Request) -> Response:
        """Return one document."""
        return http.json_response(self.render(self.requested(request)))

    async def list_tags(self, request: Request) -> Response:
        """Return every tag in use (docs: guardrails/tags; vendor client: documents)."""
        tags = sorted({tag for row in http.store_of(request).all(self.kind) for tag in row["tags"]})
        return http.json_response({"tags": tags, "total_count": len(tags)})

    async def delete(self, request: Request) -> Response:
        """Delete one document.

        Personas keep its id: no page of the docs says that they lose it.
        """
        store, key = http.store_of(request), request.path_params[self.parameter]
        with store.write_transaction():
            self.requested(request)
            store.remove(self.kind, key)
            if self.reference_field and switches_of(request).deleted_references == "removed":
                remove_reference(store, self.reference_field, key)
        return http.empty_response()


def both_names(
    method: str, path: str, endpoint: Endpoint
) -> tuple[tuple[str, str, Endpoint], tuple[str, str, Endpoint]]:
    """Return the routes of a path under both names of the resource: PAL and face as well."""
    current = path.replace("/personas", "/pals").replace("/replicas", "/faces")
    return (method, path, endpoint), (method, current, endpoint)


def require_persona(request: Request, *, for_change: bool = False) -> Row:
    """Return the persona that a path names; stock personas cannot be changed.

    One that is absent is a bad request (docs: list-pal-skills, list-pal-tools).
    """
    persona = http.store_of(request).get("persona", request.path_params["persona_id"])
    if persona is None or (for_change and persona["persona_type"] != "user"):
        raise http.bad_request("PAL not found")
    return persona


def remove_reference(store: Store, field: str, key: str) -> None:
    """Remove the id of a deleted part from the personas whose ``field`` holds it."""
    for persona in store.all("persona"):
        value = persona.get(field)
        if isinstance(value, list) and key in value:
            persona[field] = [item for item in value if item != key]
        elif value == key:
            del persona[field]
        else:
            continue
        store.put("persona", persona["persona_id"], persona)
