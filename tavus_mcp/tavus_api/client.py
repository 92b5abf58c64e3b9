"""What can be asked of Tavus, one method per thing asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import anyio
import httpx2

from tavus_mcp import __version__
from tavus_mcp.errors import NotConfigured
from tavus_mcp.models import vocabularies
from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import Operation
from tavus_mcp.models.masking import Masker
from tavus_mcp.tavus_api import pagination
from tavus_mcp.tavus_api.error_mapping import failure_of, no_answer, unreadable
from tavus_mcp.tavus_api.pagination import Listing, Mark, Page
from tavus_mcp.tavus_api.retries import Retrying

TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
LIMIT = 60.0
"""Seconds that one request may take in all, its retries and every drip of its answer included."""
LIMITS = httpx2.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=120.0)


class TavusApi:
    """The Tavus HTTP API over one pooled client, made at the first request.

    Raises the errors of ``errors.TavusError`` and ``NotConfigured`` (no key); ``masker`` hides what
    is secret in the words of Tavus that they repeat.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None,
        *,
        transport: Callable[[], httpx2.AsyncBaseTransport] | None = None,
        limit: float = LIMIT,
    ) -> None:
        self._base_url = base_url
        self._key = key
        self.masker = Masker([key] if key else ())
        self._limit = limit
        self._make_transport = transport or _network
        self._client: httpx2.AsyncClient | None = None
        self._dialect = vocabularies.PERSONA_VOCABULARY
        self._proved = False

    async def get_persona(self, persona_id: str) -> PersonaDocument:
        """Read one persona (docs: get-persona); flat or wrapped, in either vocabulary."""
        what = f"persona {persona_id!r}"
        response = await self._send("GET", _path("personas", persona_id), what)
        document = PersonaDocument.parse(_object(response, what))
        if not document.persona_id:
            raise unreadable(response, what)
        return document

    async def create_persona(self, body: JsonObject) -> JsonObject:
        """Create a persona (docs: create-persona); answers its id and little else."""
        what = "the new persona"
        response = await self._send("POST", "/personas", what, json=body)
        made = PersonaDocument.parse(_object(response, what))
        if not made.persona_id:
            raise unreadable(response, what, write=True)
        return made.data

    async def patch_persona(self, persona_id: str, operations: Sequence[Operation]) -> bool:
        """Send a JSON Patch (docs: patch-persona); False when Tavus saw no change (304)."""
        path = _path("personas", persona_id)
        what = f"the change of persona {persona_id!r}"
        response = await self._send("PATCH", path, what, operations=operations)
        return response.status_code != 304

    async def delete_persona(self, persona_id: str) -> None:
        """Delete a persona (docs: delete-persona); 204 and 200 are success."""
        path = _path("personas", persona_id)
        await self._send("DELETE", path, f"the deletion of persona {persona_id!r}")

    async def get_conversation(self, conversation_id: str) -> JsonObject:
        """Read one conversation with its events (docs: get-conversation, ``verbose``).

        Events are left as they came; the fields around them are in either vocabulary.
        """
        what = f"conversation {conversation_id!r}"
        path = _path("conversations", conversation_id)
        response = await self._send("GET", path, what, query={"verbose": "true"})
        body = _object(response, what)
        told: JsonObject = body["data"] if isinstance(body.get("data"), dict) else body
        if not told.get("conversation_id"):
            raise unreadable(response, what)
        return told

    async def page(
        self, listing: Listing, limit: int, mark: Mark | None = None, **query: str
    ) -> Page:
        """Read one page of a list, in the order of Tavus; see ``paging`` for how."""
        repeated = mark is not None and mark.page == 1
        mark = mark or Mark(0, limit, "", 0)
        while True:
            asked = {**query, **listing.always, "limit": str(mark.limit)}
            if mark.page:
                asked["page"] = str(mark.page)
            response = await self._send("GET", listing.path, listing.what, query=asked)
            rows, total = pagination.read_page(_json(response, listing.what))
            first = listing.id_of(rows[0]) if rows else ""
            again = bool(rows) and first == mark.first
            empty = not rows and mark.page == 0 and bool(total)
            if not empty and not (again and repeated):
                return pagination.page_of([] if again else rows, total, mark, first)
            repeated = False
            mark = replace(mark, page=mark.page + 1)

    async def every(self, listing: Listing, **query: str) -> AsyncIterator[JsonObject]:
        """Walk a whole list, each row once."""
        walk = pagination.Walk(listing)
        while walk.more:
            for row in walk.met(await self.page(listing, pagination.LARGEST, walk.mark, **query)):
                yield row

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _send(
        self,
        method: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        json: Any = None,
        operations: Sequence[Operation] | None = None,
    ) -> httpx2.Response:
        for spoken in self._dialects(path):
            body = _patch_body(operations, spoken) if operations is not None else spoken.body(json)
            try:
                with anyio.fail_after(self._limit):
                    response = await self._http().request(
                        method,
                        self._base_url + spoken.path(path),
                        params=spoken.body(dict(query)) if query else None,
                        json=body,
                    )
            except (httpx2.RequestError, TimeoutError) as error:
                raise no_answer(error, what, write=method != "GET") from error
            if response.status_code != 404:
                self._dialect, self._proved = spoken, self._proved or spoken.is_renamed_path(path)
                break
        if response.is_success or response.status_code == 304:
            return response
        raise failure_of(response, what, self.masker.mask_text, write=method != "GET")

    def _dialects(self, path: str) -> Sequence[vocabularies.Vocabulary]:
        # 404 on a path that has never answered may mean that the server lacks the path
        if self._proved or not self._dialect.is_renamed_path(path):
            return (self._dialect,)
        return (vocabularies.PERSONA_VOCABULARY, vocabularies.PAL_VOCABULARY)

    def _http(self) -> httpx2.AsyncClient:
        if self._client is None:
            if not self._key:
                raise NotConfigured
            self._client = httpx2.AsyncClient(
                headers={
                    "x-api-key": self._key,
                    "accept": "application/json",
                    "user-agent": f"tavus-mcp-unofficial/{__version__}",
                },
                transport=Retrying(self._make_transport()),
                timeout=TIMEOUT,
                follow_redirects=False,
                trust_env=False,
            )
        return self._client


def _network() -> httpx2.AsyncBaseTransport:
    return httpx2.AsyncHTTPTransport(limits=LIMITS)


def _path(resource: str, resource_id: str) -> str:
    return f"/{resource}/{quote(parse_id(resource_id), safe='')}"


def _patch_body(
    operations: Sequence[Operation], spoken: vocabularies.Vocabulary
) -> list[JsonObject]:
    body = []
    for operation in operations:
        sent = operation.to_json()
        for key in ("path", "from"):
            if key in sent:
                sent[key] = spoken.pointer(sent[key])
        if "value" in sent:
            sent["value"] = spoken.value(operation.path, sent["value"])
        body.append(sent)
    return body


def _json(response: httpx2.Response, what: str) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise unreadable(response, what, write=response.request.method != "GET") from error


def _object(response: httpx2.Response, what: str) -> JsonObject:
    body = _json(response, what)
    if not isinstance(body, dict):
        raise unreadable(response, what, write=response.request.method != "GET")
    return body
