"""Checks of whether Tavus can be reached, and whether it accepts the key."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import anyio

from tavus_mcp.diagnostics.background import BackgroundWork
from tavus_mcp.diagnostics.check import Check, Status
from tavus_mcp.errors import InvalidKey, NotFound, TavusError, Unavailable
from tavus_mcp.settings import Settings
from tavus_mcp.tavus_api import pagination
from tavus_mcp.tavus_api.client import TavusApi
from tavus_mcp.tavus_api.probe import has_address, probe_server

_NAME_SERVER_SHARE, _REACH_SHARE, _KEY_SHARE = 0.2, 0.3, 0.4
"""Of the time limit, for each of the steps that follow each other."""
_NETWORK_FIX = (
    "Check the network. Behind a company's proxy set HTTPS_PROXY, and SSL_CERT_FILE to the file of "
    "its certificate authority."
)
_PROXY_FIX = (
    "Correct HTTPS_PROXY or remove it, or list the host in NO_PROXY. If the proxy replaces "
    "certificates, set SSL_CERT_FILE to the file of its certificate authority."
)


def check_network(settings: Settings, seconds: float) -> Sequence[Check]:
    """Check reachability and then the key, within so many seconds altogether."""
    if settings.sandbox:
        return _skip("the sandbox uses no network.")
    if settings.problems:
        return _skip("a setting is wrong, so that nothing is sent.")
    problem = _find_name_problem(settings, seconds * _NAME_SERVER_SHARE)
    if problem:
        reached = Check("reachability", Status.ERROR, problem, _choose_fix(settings))
    else:
        reached = anyio.run(_check_reachability, settings, seconds * _REACH_SHARE)
    if reached.status is Status.ERROR:
        return reached, _skip("Tavus was not reached.")[1]
    if not settings.api_key:
        return reached, _skip("there is no key.")[1]
    return reached, anyio.run(_check_key, settings, seconds * _KEY_SHARE)


def _skip(reason: str) -> tuple[Check, Check]:
    return (
        Check("reachability", Status.SKIPPED, reason),
        Check("key_accepted", Status.SKIPPED, reason),
    )


def _find_name_problem(settings: Settings, seconds: float) -> str:
    """Return why the name of the server, or of the proxy, has no address; empty if it has one.

    The name server is called here, as a call inside of an event loop cannot be given up.
    """
    host = urlsplit(settings.proxy or settings.base_url).hostname or ""
    subject = "the proxy" if settings.proxy else "the server"
    is_known = BackgroundWork(lambda: has_address(host)).result(seconds)
    if is_known is None:
        return f"the name server did not answer within {seconds:g} s."
    return "" if is_known else f"the name of {subject} could not be resolved."


async def _check_reachability(settings: Settings, seconds: float) -> Check:
    """Send a request without the key: any answer shows that the server can be reached."""
    try:
        status = await probe_server(settings.base_url, settings.proxy, seconds)
    except Unavailable as error:
        return Check("reachability", Status.ERROR, str(error), _choose_fix(settings))
    return Check("reachability", Status.OK, f"the server answers ({status}).")


def _choose_fix(settings: Settings) -> str:
    return _PROXY_FIX if settings.proxy else _NETWORK_FIX


async def _check_key(settings: Settings, seconds: float) -> Check:
    """Read one persona with the key. What Tavus writes in an error is not repeated."""
    api = TavusApi(
        settings.base_url, settings.api_key, proxy=settings.proxy, timeout_seconds=seconds
    )
    try:
        await api.fetch_page(pagination.PERSONAS, 1)
    except TavusError as error:
        return _describe_refusal(error)
    finally:
        await api.aclose()
    return Check("key_accepted", Status.OK, "Tavus accepts the key.")


def _describe_refusal(error: TavusError) -> Check:
    answer = f"Tavus answered {error.status}." if error.status else "no answer came in time."
    match error:
        case InvalidKey():
            return Check(
                "key_accepted",
                Status.ERROR,
                f"{answer} The key was refused.",
                "Copy the key again from the Tavus portal; a key works only in its own "
                "environment. `tavus-mcp install HOST` replaces the one in an entry.",
            )
        case NotFound():
            return Check(
                "key_accepted",
                Status.ERROR,
                f"{answer} There are no personas at this address.",
                "Remove TAVUS_BASE_URL, or let it end in /v2.",
            )
        case Unavailable():
            fix = "Try again later; the key could not be checked."
            return Check("key_accepted", Status.WARNING, answer, fix)
    fix = "Look at the account in the Tavus portal; the key itself may be right."
    return Check("key_accepted", Status.WARNING, answer, fix)
