"""The one place where a status becomes an error (docs: the errors of every endpoint).

Tavus says what is wrong under ``error``, else under ``message``, else as text; its own words are
kept, with what to do next behind them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx2

from tavus_mcp.errors import (
    InvalidKey,
    NotFound,
    RateLimited,
    RequestRejected,
    TavusError,
    Unavailable,
)

_MAX_MESSAGE_CHARS = 400
_OUTCOME_UNKNOWN = (
    "It is not known whether the change took effect: read it again before anything else."
)
_INVALID_ID = re.compile(
    r"invalid (persona|pal|replica|face|document|objectives?|guardrails?|conversation)_?u?u?id",
    re.I,
)


def response_error(
    response: httpx2.Response, subject: str, mask: Callable[[str], str], *, write: bool
) -> TavusError:
    """Return the error that a reply of status 400 or more (or a redirect) stands for.

    ``what`` names what was asked in words, such as ``persona 'p1'``; ``mask`` hides what is secret,
    before anything is cut, so that no key is cut in two.
    """
    said = error_text(response, mask)
    status = response.status_code
    told = f"Tavus answered {status} for {subject}" + (f": {said}" if said else "") + "."
    gone = _INVALID_ID.search(said) if status == 400 else None
    if gone and not gone[1].lower().startswith(("persona", "pal")) and "persona" in subject:
        told = f"{told} It points at something that is not there; the list_* tools show what is"
        return RequestRejected(f"{told} (list_replicas, list_documents, ...).", status=status)
    if status == 404 or gone:
        return NotFound(f"{told} {_not_found_advice(subject, write=write)}", status=status)
    kind, advice = _classify_status(status, said, response.headers, write=write)
    return kind(f"{told} {advice}".rstrip(), status=status)


def no_response_error(
    error: httpx2.RequestError | TimeoutError, subject: str, *, write: bool
) -> Unavailable:
    """Return the error for a request that got no reply."""
    connected = not isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout))
    unknown = write and connected
    state = _OUTCOME_UNKNOWN if unknown else "Nothing was changed. It may help to try again."
    return Unavailable(f"No answer from Tavus for {subject} ({type(error).__name__}). {state}")


def unreadable_response_error(
    response: httpx2.Response, subject: str, *, write: bool = False
) -> Unavailable:
    """Return the error for a successful reply whose body is not the JSON it should be."""
    kind = response.headers.get("content-type", "no content type")
    return Unavailable(
        f"Tavus answered {response.status_code} for {subject}, but the body is not the JSON "
        f"that was "
        f"expected ({kind}, {len(response.content)} bytes). "
        + (_OUTCOME_UNKNOWN if write else "Trying again may help."),
        status=response.status_code,
    )


def error_text(response: httpx2.Response, mask: Callable[[str], str]) -> str:
    """Return what Tavus says went wrong: ``error``, then ``message``, then the text."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return _shorten(re.sub(r"<[^>]*>", " ", mask(response.text)))
    if isinstance(body, dict):
        for key in ("error", "message", "errors", "detail"):
            if body.get(key):
                return _shorten(mask(_flatten_text(body[key])))
    return _shorten(mask(_flatten_text(body))) if body else ""


def _flatten_text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_flatten_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(_flatten_text(item) for item in value)
    return str(value)


def _shorten(text: str) -> str:
    flat = " ".join(text.split()).rstrip(".")
    return flat if len(flat) <= _MAX_MESSAGE_CHARS else flat[:_MAX_MESSAGE_CHARS] + "…"


def _not_found_advice(subject: str, *, write: bool) -> str:
    if subject.startswith("conversation "):
        return (
            "There is no such conversation in this account, or it was deleted. list_conversations "
            "shows the ids, also of one persona."
        )
    if "persona" in subject and write:
        return (
            "There is no such persona in this account, or it may be read but not changed (a stock "
            "persona). Call list_personas to see the ids; create_persona with based_on copies one."
        )
    if "persona" in subject:
        return "There is no such persona in this account. list_personas finds ids by name."
    return "There is no such thing in this account; the list_* tools show the ids."


def _classify_status(
    status: int, message: str, headers: Mapping[str, str], *, write: bool
) -> tuple[type[TavusError], str]:
    match status:
        case 401 | 403:
            return InvalidKey, "Check TAVUS_API_KEY; a key works only in its own environment."
        case 409 if "maker" in message.lower() or "draft" in message.lower():
            return RequestRejected, (
                "The Tavus dashboard holds unpublished edits of this persona. Nothing was written; "
                "publish or discard them there, then call again."
            )
        case 429:
            after = headers.get("retry-after")
            told = f"{after} seconds" if after and after.isdecimal() else f"until {after}"
            wait = f"Wait {told}" if after else "Wait a little"
            return (
                RateLimited,
                f"Too many requests, also after our retries. {wait}, then call again.",
            )
        case _ if status >= 500:
            told = _OUTCOME_UNKNOWN if write else "Trying again may help."
            return Unavailable, f"The fault is on the side of Tavus. {told}"
        case _ if status < 400:
            return RequestRejected, "A redirect is never followed; check TAVUS_BASE_URL."
    return RequestRejected, _rejection_advice(message)


def _rejection_advice(message: str) -> str:
    if "base_url" in message and "api_key" in message:
        return (
            "A custom LLM needs base_url and api_key in the same request; Tavus masks the key when "
            "it is read, so give it again with configure_llm (api_key_ref names one)."
        )
    return "The request will fail again as it stands; nothing was written."
