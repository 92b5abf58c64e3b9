"""The client of the Tavus API: one method per operation."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import anyio
import httpx2

from tavus_mcp import __version__
from tavus_mcp.deadlines import time_left, time_left_for_write
from tavus_mcp.errors import (
    InvalidSettings,
    NotConfigured,
    NotFound,
    OutOfTime,
    RequestRejected,
    TavusError,
)
from tavus_mcp.models import vocabularies
from tavus_mcp.models.base import JsonObject, is_id
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.json_patch import Operation
from tavus_mcp.models.masking import Masker
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.tavus_api import pagination
from tavus_mcp.tavus_api.endpoints import (
    ObjectEndpoint,
    build_plain_body,
    build_skill_body,
)
from tavus_mcp.tavus_api.error_mapping import (
    names_missing_object,
    no_response_error,
    not_found_error,
    response_error,
    unreadable_response_error,
    unusable_body_error,
)
from tavus_mcp.tavus_api.pagination import ListEndpoint, Page, PagePosition
from tavus_mcp.tavus_api.responses import (
    ACCEPTED_ENCODINGS,
    TavusResponse,
    UnusableBody,
    parse_json,
    read_response,
)
from tavus_mcp.tavus_api.retries import RetryTransport
from tavus_mcp.tavus_api.write_answer import WriteAnswer, parse_write_answer

READ_TIMEOUT = httpx2.Timeout(15.0, connect=5.0).as_dict()
"""The seconds of one attempt, as transports take them; a read is tried again."""
WRITE_TIMEOUT = httpx2.Timeout(25.0, connect=5.0).as_dict()
REQUEST_TIMEOUT_SECONDS = 40.0
"""Most seconds for one request, including its retries and a slowly arriving response."""
CONNECTION_LIMITS = httpx2.Limits(
    max_connections=16, max_keepalive_connections=8, keepalive_expiry=120.0
)


_USER_AGENT = f"tavus-mcp-unofficial/{__version__}"
_logger = logging.getLogger(__name__)
_OWN_NAMES = vocabularies.PERSONA_VOCABULARY
"""The spelling of bodies to paths that both vocabularies spell alike: names stay as they are."""


class TavusApi:
    """The Tavus HTTP API over one connection pool, opened at the first request.

    Methods raise ``TavusError`` and its subclasses, and ``NotConfigured`` without a key or with
    ``problems``, the lines about wrong settings. ``masker`` hides secrets in the texts of Tavus
    that errors quote. ``proxy`` is the URL of a proxy; https requests pass it in a tunnel, so that
    it does not see the key.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None,
        *,
        transport: Callable[[], httpx2.AsyncBaseTransport] | None = None,
        proxy: str | None = None,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> None:
        self._base_url = base_url
        self._key = key
        self.masker = Masker([key] if key else ())
        self._timeout_seconds = timeout_seconds
        self.problems: tuple[str, ...] = ()
        self._proxy = proxy
        self._make_transport = transport or partial(build_http_transport, base_url, proxy)
        self._transport: httpx2.AsyncBaseTransport | None = None
        self._vocabulary = vocabularies.PERSONA_VOCABULARY
        self._is_vocabulary_confirmed = False

    @property
    def base_url(self) -> str:
        """The address of the API."""
        return self._base_url

    @property
    def key(self) -> str:
        """The key of the account, empty without one; for nothing but hashing it."""
        return self._key or ""

    async def get_persona(self, persona_id: str) -> PersonaDocument:
        """Read one persona (docs: get-persona), whichever vocabulary the response uses.

        With its settings (vendor client), which hold ``tool_ids`` and ``skills`` where answered.
        """
        subject = f"persona {persona_id!r}"
        path = _resource_path("personas", persona_id)
        response = await self._send("GET", path, subject, query={"include_settings": "true"})
        document = PersonaDocument.parse(_parse_object(response, subject))
        if not is_id(document.data.get("persona_id")):
            raise unreadable_response_error(response, subject)
        return document

    async def publish_persona(self, persona_id: str, *, force: bool = False) -> WriteAnswer:
        """Make the draft of a persona live (docs: publish-pal).

        With ``force`` unpublished edits of the dashboard are discarded instead of a conflict.
        """
        path = _resource_path("personas", persona_id) + "/publish"
        subject = f"the publication of persona {persona_id!r}"
        query = {"force": "true"} if force else None
        return parse_write_answer(await self._send("POST", path, subject, query=query, json={}))

    async def get_object(self, endpoint: ObjectEndpoint, object_id: str) -> Document:
        """Read one object of any kind; a skill that is not attached reads as an empty one.

        Where Tavus answers 400 to reading a part, its id names nothing (docs: get-tool).
        """
        subject, path = endpoint.subject(object_id), endpoint.path(object_id)
        try:
            response = await self._send("GET", path, subject, query=endpoint.query)
        except (NotFound, RequestRejected) as error:
            if endpoint.kind == "persona" or error.status not in (400, 404):
                raise
            if endpoint.kind == "skill" and error.status == 404:
                return PartDocument("skill", object_id, {})
            raise not_found_error(error, subject) from error
        document = endpoint.parse(_parse_object(response, subject), object_id)
        if document is None:
            raise unreadable_response_error(response, subject)
        return document

    async def create_object(self, endpoint: ObjectEndpoint, body: JsonObject) -> str:
        """Create an object of any kind but a skill; return its id."""
        subject = f"the new {endpoint.noun}"
        response = await self._send("POST", endpoint.collection, subject, json=body)
        object_id = endpoint.parse_new_id(_parse_object(response, subject, write=True))
        if not is_id(object_id):
            raise unreadable_response_error(response, subject, write=True)
        return str(object_id)

    async def patch_object(
        self,
        endpoint: ObjectEndpoint,
        object_id: str,
        operations: Sequence[Operation],
        fields: JsonObject,
    ) -> WriteAnswer:
        """Send a change in the body that the kind takes; ``fields`` is the object after it."""
        subject = f"the change of {endpoint.subject(object_id)}"
        path, method, body = endpoint.path(object_id), "PATCH", None
        if endpoint.body_style == "json_patch":
            return parse_write_answer(
                await self._send(method, path, subject, operations=operations)
            )
        if endpoint.body_style == "plain":
            body = build_plain_body(operations, fields)
        elif (body := build_skill_body(fields)) is None:
            method = "DELETE"
        else:
            method = "PUT"
        return parse_write_answer(await self._send(method, path, subject, json=body))

    async def delete_object(self, endpoint: ObjectEndpoint, object_id: str) -> None:
        """Delete an object; 204 and 200 are success."""
        subject = f"the deletion of {endpoint.subject(object_id)}"
        await self._send("DELETE", endpoint.path(object_id), subject)

    async def has_object(self, resource: str, object_id: str) -> bool:
        """Return True if the account has an object, such as a replica (docs: get-replica).

        ``resource`` is the first part of its path. A missing object is answered with 404, or with
        400 (docs: get-tool, get-replica), and a text that names it; any other error is raised, as
        a path may be missing instead.
        """
        subject = f"{resource} {object_id!r}"
        try:
            await self._send("GET", _resource_path(resource, object_id), subject)
        except (NotFound, RequestRejected) as error:
            if not names_missing_object(error):
                raise
            return False
        return True

    async def get_conversation(self, conversation_id: str) -> JsonObject:
        """Read one conversation with its events (docs: get-conversation, ``verbose``).

        Returns it as it was sent: its fields are in either vocabulary.
        """
        subject = f"conversation {conversation_id!r}"
        path = _resource_path("conversations", conversation_id)
        response = await self._send("GET", path, subject, query={"verbose": "true"})
        body = _parse_object(response, subject)
        conversation: JsonObject = body["data"] if isinstance(body.get("data"), dict) else body
        if not conversation.get("conversation_id"):
            raise unreadable_response_error(response, subject)
        return conversation

    async def fetch_page(
        self, endpoint: ListEndpoint, limit: int, position: PagePosition | None = None, **query: str
    ) -> Page:
        """Read one page of a list at a position, by default the first (see ``pagination``)."""
        may_skip_page = position is not None and position.page == 1
        position = position or PagePosition(0, limit, "", 0)
        while True:
            parameters = {**query, **endpoint.fixed_query, "limit": str(position.limit)}
            if position.page:
                parameters["page"] = str(position.page)
            response = await self._send(
                "GET", endpoint.path, endpoint.description, query=parameters
            )
            try:
                rows, total = pagination.parse_page(parse_json(response.content))
            except ValueError as error:
                raise unreadable_response_error(response, endpoint.description) from error
            first_id = endpoint.row_id(rows[0]) if rows else ""
            is_repeated = bool(rows) and first_id == position.first_id
            is_missing = not rows and position.page == 0 and bool(total)
            if not is_missing and not (is_repeated and may_skip_page):
                return pagination.build_page([] if is_repeated else rows, total, position, first_id)
            may_skip_page = False
            position = replace(position, page=position.page + 1)

    async def iter_all(self, endpoint: ListEndpoint, **query: str) -> AsyncIterator[JsonObject]:
        """Yield every row of a list, each once."""
        walk = pagination.ListWalk(endpoint)
        while walk.has_more:
            for row in walk.add_page(
                await self.fetch_page(endpoint, pagination.MAX_PAGE_ROWS, walk.position, **query)
            ):
                yield row

    async def aclose(self) -> None:
        """Close all connections."""
        if self._transport is not None:
            await self._transport.aclose()

    async def _send(
        self,
        method: str,
        path: str,
        subject: str,
        *,
        query: Mapping[str, str] | None = None,
        json: Any = None,
        operations: Sequence[Operation] | None = None,
    ) -> TavusResponse:
        is_write = method != "GET"
        for vocabulary in self._candidate_vocabularies(path):
            names = vocabulary if vocabulary.is_renamed_path(path) else _OWN_NAMES
            body = names.body(json) if operations is None else _patch_body(operations, names)
            seconds = min(self._timeout_seconds, time_left_for_write() if is_write else time_left())
            if seconds <= 0:
                raise OutOfTime(subject)
            try:
                with anyio.fail_after(seconds):
                    request = self._build_request(method, path, query, vocabulary, body)
                    transport = self._open_transport()
                    response = await read_response(await transport.handle_async_request(request))
            except (httpx2.RequestError, TimeoutError) as error:
                raise no_response_error(
                    error,
                    subject,
                    write=is_write,
                    proxied=self._proxy is not None,
                    seconds=seconds,
                ) from error
            except UnusableBody as error:
                raise unusable_body_error(error, subject, write=is_write) from error
            _logger.info("%s %s: %d", method, request.url, response.status_code)
            if response.status_code != 404:
                self._vocabulary = vocabulary
                self._is_vocabulary_confirmed |= vocabulary.is_renamed_path(path)
                break
        if response.is_success or response.status_code == 304:
            if operations is not None:
                json = [operation.to_json() for operation in operations]
            self.masker.add_secrets_from(json)
            return response
        raise response_error(response, subject, self.masker.mask_message, write=is_write)

    def _candidate_vocabularies(self, path: str) -> Sequence[vocabularies.Vocabulary]:
        # until a renamed path has answered, a 404 may mean that the server lacks that path
        if self._is_vocabulary_confirmed or not self._vocabulary.is_renamed_path(path):
            return (self._vocabulary,)
        return (vocabularies.PERSONA_VOCABULARY, vocabularies.PAL_VOCABULARY)

    def _build_request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        vocabulary: vocabularies.Vocabulary,
        body: Any,
    ) -> httpx2.Request:
        url = self._base_url + vocabulary.path(path)
        if query:
            url += "?" + urlencode(vocabulary.body(dict(query)), quote_via=quote)
        headers = {
            "accept": "application/json",
            "accept-encoding": ACCEPTED_ENCODINGS,
            "user-agent": _USER_AGENT,
            "x-api-key": self.key,
        }
        timeout = READ_TIMEOUT if method == "GET" else WRITE_TIMEOUT
        return httpx2.Request(
            method, url, headers=headers, json=body, extensions={"timeout": timeout}
        )

    def _open_transport(self) -> httpx2.AsyncBaseTransport:
        """Return what sends requests; nothing above it follows redirects or keeps cookies."""
        if self.problems:
            raise InvalidSettings(self.problems)
        if self._transport is None:
            if not self._key:
                raise NotConfigured
            self._transport = RetryTransport(self._make_transport())
        return self._transport


def build_http_transport(base_url: str, proxy: str | None) -> httpx2.AsyncBaseTransport:
    """Return the transport of the network; httpx2 itself honours SSL_CERT_FILE and SSL_CERT_DIR.

    For an http address, of a Tavus on this machine, no certificates are read, which takes as long
    as ten requests; no certificate would be trusted then.
    """
    verify = urlsplit(base_url).scheme == "https" or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.AsyncHTTPTransport(verify=verify, limits=CONNECTION_LIMITS, proxy=proxy)


def _resource_path(resource: str, resource_id: str) -> str:
    if not is_id(resource_id):  # arguments are checked before, so it is from a response
        raise TavusError("Tavus named an object by a text that is not an id. Nothing was sent.")
    return f"/{resource}/{quote(resource_id, safe='')}"


def _patch_body(
    operations: Sequence[Operation], vocabulary: vocabularies.Vocabulary
) -> list[JsonObject]:
    body = []
    for operation in operations:
        members = operation.to_json()
        for key in ("path", "from"):
            if key in members:
                members[key] = vocabulary.pointer(members[key])
        if "value" in members:
            members["value"] = vocabulary.value(operation.path, members["value"])
        body.append(members)
    return body


def _parse_json(response: TavusResponse, subject: str, *, write: bool = False) -> Any:
    try:
        return parse_json(response.content)
    except ValueError as error:
        raise unreadable_response_error(response, subject, write=write) from error


def _parse_object(response: TavusResponse, subject: str, *, write: bool = False) -> JsonObject:
    body = _parse_json(response, subject, write=write)
    if not isinstance(body, dict):
        raise unreadable_response_error(response, subject, write=write)
    return body
