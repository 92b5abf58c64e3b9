"""Map HTTP responses to errors (docs: the errors of every endpoint); nothing else does.

Tavus explains an error under ``error``, else under ``message``, else as text. Our errors quote that
text, followed by what to do next.
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
    """Return the error for a response of status 400 or more, or a redirect.

    ``subject`` names what was requested in words, such as ``persona 'p1'``. ``mask`` hides secrets;
    it is called before a text is cut, so that no secret is cut in two.
    """
    detail = error_text(response, mask)
    status = response.status_code
    message = f"Tavus answered {status} for {subject}" + (f": {detail}" if detail else "") + "."
    invalid_id = _INVALID_ID.search(detail) if status == 400 else None
    if (
        invalid_id
        and not invalid_id[1].lower().startswith(("persona", "pal"))
        and "persona" in subject
    ):
        advice = (
            "It points at something that is not there; the list_* tools show what is "
            "(list_replicas, list_documents, ...)."
        )
        return RequestRejected(f"{message} {advice}", status=status)
    if status == 404 or invalid_id:
        return NotFound(f"{message} {_not_found_advice(subject, write=write)}", status=status)
    error_type, advice = _classify_status(status, detail, response.headers, write=write)
    return error_type(f"{message} {advice}".rstrip(), status=status)


def no_response_error(
    error: httpx2.RequestError | TimeoutError, subject: str, *, write: bool, proxied: bool = False
) -> Unavailable:
    """Return the error for a request without a response, ``proxied`` if it went to a proxy."""
    if isinstance(error, httpx2.ProxyError):
        return Unavailable(
            f"The proxy of HTTPS_PROXY let no request through to Tavus for {subject}. Nothing was "
            "sent. Check the proxy, its user and password, and NO_PROXY."
        )
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Unavailable(
            f"The certificate of Tavus was not accepted for {subject}, so nothing was sent. "
            "Behind a proxy with an authority of its own, SSL_CERT_FILE must name the file of "
            "that authority."
        )
    was_connected = not isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout))
    outcome = (
        _OUTCOME_UNKNOWN
        if write and was_connected
        else "Nothing was changed. It may help to try again."
    )
    if proxied and not was_connected:
        outcome = f"The proxy of HTTPS_PROXY could not be reached. {outcome}"
    return Unavailable(f"No answer from Tavus for {subject} ({type(error).__name__}). {outcome}")


def unreadable_response_error(
    response: httpx2.Response, subject: str, *, write: bool = False
) -> Unavailable:
    """Return the error for a successful response whose body is not the expected JSON."""
    content_type = response.headers.get("content-type", "no content type")
    return Unavailable(
        f"Tavus answered {response.status_code} for {subject}, but the body is not the JSON that "
        f"was expected ({content_type}, {len(response.content)} bytes). "
        + (_OUTCOME_UNKNOWN if write else "Trying again may help."),
        status=response.status_code,
    )


def error_text(response: httpx2.Response, mask: Callable[[str], str]) -> str:
    """Return the explanation in a response: ``error``, else ``message``, else its text."""
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
            duration = f"{after} seconds" if after and after.isdecimal() else f"until {after}"
            wait = f"Wait {duration}" if after else "Wait a little"
            return RateLimited, (
                f"Too many requests, also after our retries. {wait}, then call again."
            )
        case _ if status >= 500:
            outcome = _OUTCOME_UNKNOWN if write else "Trying again may help."
            return Unavailable, f"The fault is on the side of Tavus. {outcome}"
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
