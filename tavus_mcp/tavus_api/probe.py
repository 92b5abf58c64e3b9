"""First contact with the server of a base URL, to find out whether it can be reached."""

from __future__ import annotations

import socket

import anyio
import httpx2

from tavus_mcp.tavus_api.client import build_http_transport
from tavus_mcp.tavus_api.error_mapping import no_response_error

_SUBJECT = "a first request"


def has_address(host: str) -> bool:
    """Tell whether the name of a host has an address; may take long, and cannot be interrupted."""
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return True


async def probe_server(base_url: str, proxy: str | None, seconds: float) -> int:
    """Send a request without a key; return the status of the answer, whichever it is.

    Raises ``Unavailable`` when none came within so many seconds.
    """
    async with httpx2.AsyncClient(
        transport=build_http_transport(base_url, proxy),
        trust_env=False,
        timeout=seconds,
        follow_redirects=False,
    ) as client:
        try:
            with anyio.fail_after(seconds):
                response = await client.get(f"{base_url}/personas", params={"limit": "1"})
        except (httpx2.RequestError, TimeoutError) as error:
            raise no_response_error(
                error, _SUBJECT, write=False, proxied=proxy is not None, seconds=seconds
            ) from error
    return response.status_code
