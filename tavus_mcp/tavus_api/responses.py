"""Read responses within limits, whatever the server sends.

``read_response`` limits the bytes, encoded and decoded, and passes on only the headers that are
used. ``parse_json`` returns values that JSON and UTF-8 can express again.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httpx2

from tavus_mcp.models.unsendable_values import replace_surrogates

MAX_BODY_BYTES = 16 * 1024 * 1024
"""The most bytes of one body, also after it is decompressed; the longest lists have a few MB."""
MAX_JSON_VALUES = 1_000_000
"""The most values and members of one body; each takes up to 100 bytes of memory."""
MAX_JSON_LEVELS = 100
"""The deepest nesting of a body; personas have about ten levels."""
ACCEPTED_ENCODINGS = "gzip, deflate"
_MAX_NUMBER_CHARS = 300
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class UnusableBody(Exception):
    """The body of a response exceeds a limit or cannot be decoded; the text says why."""

    status = 0
    """The status of the response."""


@dataclass(frozen=True)
class TavusResponse:
    """A response with its whole body, decoded, and the headers that are used, "" without them."""

    status_code: int
    content: bytes = b""
    content_type: str = ""
    retry_after: str = ""

    @property
    def is_success(self) -> bool:
        """True for a status of 200 to 299."""
        return 200 <= self.status_code < 300

    def decode(self, max_chars: int) -> str:
        """Return the beginning of the body as a text; bytes that are no UTF-8 become U+FFFD.

        The encoding that it is said to have is not used: some of Python's run for minutes, return
        half characters, or decode to no text.
        """
        return self.content[: 4 * max_chars].decode("utf-8", "replace")[:max_chars]


async def read_response(response: httpx2.Response) -> TavusResponse:
    """Read the whole body of a response; raise ``UnusableBody`` when that is too much."""
    try:
        body = await _read_body(response)
    except UnusableBody as error:
        error.status = response.status_code
        raise
    finally:
        await response.aclose()
    find_header = response.headers.get
    return TavusResponse(
        response.status_code,
        body,
        find_header("content-type", ""),
        find_header("retry-after", ""),
    )


async def _read_body(response: httpx2.Response) -> bytes:
    decode = _build_decoder(response, MAX_BODY_BYTES)
    body, encoded_bytes = bytearray(), 0
    async for chunk in cast("httpx2.AsyncByteStream", response.stream):
        encoded_bytes += len(chunk)
        body += decode(chunk)
        if max(len(body), encoded_bytes) > MAX_BODY_BYTES:
            raise UnusableBody(f"its body has more than {MAX_BODY_BYTES:,} bytes")
    return bytes(body)


def _build_decoder(response: httpx2.Response, max_bytes: int) -> Callable[[bytes], bytes]:
    """Return the function that decodes chunks, each to at most one byte more than ``max_bytes``."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return bytes
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise UnusableBody("its body is compressed in a way that is not accepted")
    return _Inflater(max_bytes, is_gzip=encoding != "deflate").decode


class _Inflater:
    """Decompresses gzip or deflate, which some servers send without the header of zlib."""

    def __init__(self, max_bytes: int, *, is_gzip: bool) -> None:
        self._max_bytes = max_bytes
        self._engine = zlib.decompressobj(zlib.MAX_WBITS | 16 if is_gzip else zlib.MAX_WBITS)
        self._may_be_raw = not is_gzip

    def decode(self, chunk: bytes) -> bytes:
        """Return the decoded chunk; what follows the end of the compressed data is ignored."""
        if self._engine.eof:
            return b""
        try:
            data = self._engine.decompress(chunk, self._max_bytes + 1)
        except zlib.error:
            if not self._may_be_raw:
                raise UnusableBody("its compressed body is damaged") from None
            self._may_be_raw = False
            self._engine = zlib.decompressobj(-zlib.MAX_WBITS)
            return self.decode(chunk)
        self._may_be_raw = False
        return data


def parse_json(content: bytes) -> Any:
    """Return the JSON value of a body; raise ``ValueError`` when it is none, or exceeds a limit.

    What JSON and UTF-8 cannot express is replaced: half characters by U+FFFD, and numbers that are
    infinite, not a number or larger than any float by null.
    """
    if sum(map(content.count, (b",", b"[", b"{"))) > MAX_JSON_VALUES:
        raise ValueError("too many values")
    text = content.decode("utf-8-sig")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if content.count(b"[") + content.count(b"{") > MAX_JSON_LEVELS:
        _check_nesting(value)
    return _without_surrogates(value) if _SURROGATE_ESCAPE.search(content) else value


def _parse_float(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _parse_int(text: str) -> int | None:
    return int(text) if len(text) <= _MAX_NUMBER_CHARS else None


_DECODER = json.JSONDecoder(
    parse_constant=lambda _: None, parse_float=_parse_float, parse_int=_parse_int
)


def _check_nesting(value: Any) -> None:
    """Raise ``ValueError`` for a value that functions which descend into it could not process."""
    level: list[Any] = [value]
    for _ in range(MAX_JSON_LEVELS):
        level = [
            item for node in level for item in _members(node) if isinstance(item, (dict, list))
        ]
        if not level:
            return
    raise ValueError("nested too deep")


def _members(node: Any) -> Any:
    return node.values() if isinstance(node, dict) else node


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {replace_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value
