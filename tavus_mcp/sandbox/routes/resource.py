"""Operations that resources of the sandbox have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import now
from tavus_mcp.sandbox.json_patch import apply_operations, is_equal_json, read_operations
from tavus_mcp.sandbox.store import Row, Store


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A kind of stored document.

    ``parameter`` is the name of the id in its routes, ``not_found`` the status and the text of the
    reply when there is no such document, ``search_fields`` where lists search for
    ``name_or_uuid``, and ``render`` turns a stored document into what a read returns.
    """

    kind: str
    parameter: str
    not_found: tuple[int, str]
    paging: http.Paging
    search_fields: Sequence[str] = ()
    has_tags: bool = False
    render: Callable[[Row], Row] = dict

    def require(self, store: Store, key: str) -> Row:
        """Return a stored document, or raise the error of one that does not exist."""
        row = store.get(self.kind, key)
        if row is None:
            raise http.HttpError(*self.not_found)
        return row

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
        """Delete one document."""
        store = http.store_of(request)
        with store.write_transaction():
            self.requested(request)
            store.remove(self.kind, request.path_params[self.parameter])
        return http.empty_response()

    async def patch(
        self, request: Request, fields: Sequence[str], validate: Callable[[Row], None]
    ) -> Row | None:
        """Apply a JSON Patch to some fields; return the document, or None if nothing changed."""
        operations = await read_operations(request)
        store = http.store_of(request)
        with store.write_transaction():
            row = self.requested(request)
            before = {name: row[name] for name in fields}
            after = apply_operations(before, operations)
            if is_equal_json(before, after):
                return None
            validate(after)
            row |= after | {"updated_at": now()}
            store.put(self.kind, request.path_params[self.parameter], row)
        return row


def require_persona(request: Request, *, for_change: bool = False) -> Row:
    """Return the persona that a path names; stock personas cannot be changed."""
    persona = http.store_of(request).get("persona", request.path_params["persona_id"])
    if persona is None or (for_change and persona["persona_type"] != "user"):
        raise http.HttpError(404, "PAL not found")
    return persona
