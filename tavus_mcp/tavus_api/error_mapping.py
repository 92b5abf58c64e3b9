"""Map HTTP responses to errors (docs: the errors of every endpoint); nothing else does.

Tavus explains an error under ``error``, else under ``message``, else as text. Our errors quote that
text (``text.quote_words``), followed by what to do next.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import Any

import httpx2

from tavus_mcp.errors import (
    InvalidKey,
    NotFound,
    OutOfCredits,
    RateLimited,
    RequestRejected,
    TavusError,
    Unavailable,
)
from tavus_mcp.tavus_api.responses import TavusResponse, UnusableBody, parse_json
from tavus_mcp.tavus_api.retries import parse_retry_after
from tavus_mcp.text import quote_foreign, quote_words, truncate

_MAX_MESSAGE_CHARS = 400
_MAX_EXAMINED_CHARS = 20_000
"""Only the beginning of an error's body is masked and searched, so that no body costs much time."""
_MAX_EXAMINED_ITEMS, _MAX_EXAMINED_LEVELS = 20, 5
_MAX_SECRET_CHARS = 4_000
"""What is left off after masking: a secret that was cut in two there is not recognised."""
_MAX_RETRY_AFTER_CHARS = 40
_MARKUP = re.compile(r"<[^<>]*>")
_OUTCOME_UNKNOWN = (
    "It is not known whether the change took effect: read it again before anything else."
)
_INVALID_ID = re.compile(
    r"invalid (persona|pal|replica|face|document|objectives?|guardrails?|tool|conversation)"
    r"_?u?u?id",
    re.I,
)
_OBJECT_NOT_FOUND = re.compile(
    r"\b(replica|face|document|objectives?|guardrails?|tool)s?( \S+)? (was )?(not found|"
    r"does not exist)",
    re.I,
)


def response_error(
    response: TavusResponse, subject: str, mask: Callable[[str], str], *, write: bool
) -> TavusError:
    """Return the error for a response of status 400 or more, or a redirect.

    ``subject`` names what was requested in words, such as ``persona 'p1'``. ``mask`` hides secrets;
    it is called before a text is cut, so that no secret is cut in two.
    """
    detail = error_text(response, mask)
    status = response.status_code
    words = f": {quote_words(detail, _MAX_MESSAGE_CHARS)}" if detail else ""
    message = f"Tavus answered {status} for {subject}{words}."
    invalid_id = _INVALID_ID.search(detail) if status == 400 else None
    if (
        invalid_id
        and not invalid_id[1].lower().startswith(("persona", "pal"))
        and "persona" in subject
    ):
        advice = (
            "It refers to an object that this account does not have. The list_* tools "
            "(list_replicas, list_documents, ...) show the ids."
        )
        return RequestRejected(f"{message} {advice}", status=status)
    if status == 404 or invalid_id:
        advice = _not_found_advice(subject, write=write)
        return NotFound(f"{message} {advice}", status=status, answer=message)
    error_type, advice = _classify_status(status, detail, response.retry_after, write=write)
    return error_type(f"{message} {advice}".rstrip(), status=status, answer=message)


def not_found_error(error: TavusError, subject: str) -> NotFound:
    """Return the error for an object that Tavus does not have, whatever status it answered."""
    advice = _not_found_advice(subject, write=False)
    return NotFound(f"{error.answer} {advice}", status=error.status, answer=error.answer)


def names_missing_object(error: TavusError) -> bool:
    """Tell whether Tavus answered that there is no object of an id, and not merely 400 or 404."""
    patterns = (_INVALID_ID, _OBJECT_NOT_FOUND)
    return error.status in (400, 404) and any(item.search(error.answer) for item in patterns)


def no_response_error(
    error: httpx2.RequestError | TimeoutError,
    subject: str,
    *,
    write: bool,
    proxied: bool = False,
    seconds: float = 0,
) -> Unavailable:
    """Return the error for a request without a response.

    ``proxied`` says that it went to a proxy; ``seconds`` is how long an answer was waited for.
    """
    if isinstance(error, httpx2.ProxyError):
        return Unavailable(
            f"The proxy in HTTPS_PROXY refused the request to Tavus for {subject}. Nothing was "
            "sent. Check the proxy, its user and password, and NO_PROXY."
        )
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Unavailable(
            f"The certificate of Tavus was not accepted for {subject}, so nothing was sent. "
            "If a proxy here issues its own certificates, set SSL_CERT_FILE to the file of its "
            "certificate authority."
        )
    was_connected = not isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout))
    outcome = (
        _OUTCOME_UNKNOWN
        if write and was_connected
        else "Nothing was changed. Trying again may help."
    )
    if proxied and not was_connected:
        outcome = f"The proxy in HTTPS_PROXY could not be reached. {outcome}"
    reason = _describe_failure(error, seconds)
    return Unavailable(f"No answer from Tavus for {subject}: {reason}. {outcome}")


def _describe_failure(error: httpx2.RequestError | TimeoutError, seconds: float) -> str:
    """Return why no answer came, in words, and the name of the error for those who search it."""
    match error:
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            reason = "no connection could be made"
        case httpx2.PoolTimeout():
            reason = "too many requests were waiting"
        case TimeoutError():
            return f"no complete answer came within {seconds:.0f} s"
        case httpx2.TimeoutException():
            reason = "nothing came in time"
        case httpx2.NetworkError() | httpx2.RemoteProtocolError():
            reason = "the connection was lost"
        case _:
            reason = "the request failed"
    return f"{reason} ({type(error).__name__})"


def unreadable_response_error(
    response: TavusResponse, subject: str, *, write: bool = False
) -> Unavailable:
    """Return the error for a successful response whose body is not the expected JSON."""
    content_type = response.content_type
    kind = quote_foreign(content_type) if content_type else "no content type"
    return Unavailable(
        f"Tavus answered {response.status_code} for {subject}, but the body is not the JSON that "
        f"was expected ({kind}, {len(response.content):,} bytes). "
        + (_OUTCOME_UNKNOWN if write else "Trying again may help."),
        status=response.status_code,
    )


def unusable_body_error(error: UnusableBody, subject: str, *, write: bool) -> Unavailable:
    """Return the error for a response whose body exceeds a limit, or cannot be decoded."""
    outcome = _OUTCOME_UNKNOWN if write else "Nothing was changed."
    message = f"Tavus answered {error.status} for {subject}, but {error}. {outcome}"
    return Unavailable(message, status=error.status)


def error_text(response: TavusResponse, mask: Callable[[str], str]) -> str:
    """Return the explanation in a response: ``error``, else ``message``, else its text."""
    try:
        body = parse_json(response.content)
    except ValueError:
        text = mask(response.decode(_MAX_EXAMINED_CHARS))
        return _shorten(_MARKUP.sub(" ", text[: _MAX_EXAMINED_CHARS - _MAX_SECRET_CHARS]))
    if isinstance(body, dict):
        for key in ("error", "message", "errors", "detail"):
            if body.get(key):
                return _shorten(mask(_flatten_text(body[key])))
    return _shorten(mask(_flatten_text(body))) if body else ""


def _flatten_text(value: Any, levels: int = _MAX_EXAMINED_LEVELS) -> str:
    """Return the texts of a JSON value; only the first items and levels count."""
    if isinstance(value, (dict, list)) and not levels:
        return "…"
    if isinstance(value, dict):
        members = islice(value.items(), _MAX_EXAMINED_ITEMS)
        return "; ".join(f"{key}: {_flatten_text(item, levels - 1)}" for key, item in members)
    if isinstance(value, list):
        return "; ".join(_flatten_text(item, levels - 1) for item in value[:_MAX_EXAMINED_ITEMS])
    return str(value)[:_MAX_EXAMINED_CHARS]


def _shorten(text: str) -> str:
    """Return the beginning of a text on one line, without a full stop at its end."""
    return truncate(" ".join(text[:_MAX_EXAMINED_CHARS].split()), _MAX_MESSAGE_CHARS).rstrip(".")


def _not_found_advice(subject: str, *, write: bool) -> str:
    if subject.startswith("conversation "):
        return (
            "There is no such conversation in this account, or it was deleted. list_conversations "
            "shows the ids, also those of one persona."
        )
    if subject.startswith("the list of "):
        return (
            "There is nothing at this address, or this account may not use it. Should "
            "TAVUS_BASE_URL end in /v2?"
        )
    if "persona" in subject and write:
        return (
            "There is no such persona in this account, or it may be read but not changed (a stock "
            "persona). Call list_personas to see the ids; create_persona with based_on copies one."
        )
    if "persona" in subject:
        return "There is no such persona in this account. list_personas finds ids by name."
    return "This account has no such object. The list_* tools show the ids."


def _classify_status(
    status: int, message: str, retry_after: str, *, write: bool
) -> tuple[type[TavusError], str]:
    match status:
        case 401 | 403:
            return InvalidKey, "Check TAVUS_API_KEY; a key works only in its own environment."
        case 402:
            return OutOfCredits, (
                "The account has no credits left, or its Tavus plan does not include this. Nothing "
                "was written. The owner of the account adds credits in the Tavus dashboard; until "
                "then the call fails again."
            )
        case 409 if "maker" in message.lower() or "draft" in message.lower():
            return RequestRejected, (
                "The Tavus dashboard holds unpublished edits of this persona. Nothing was written. "
                "Publish or discard them there, then call again. "
                "publish_persona(discard_editor_changes=true) discards "
                "them, after the person agreed."
            )
        case 429:
            return RateLimited, (
                "Too many requests, also after our retries. "
                f"{_describe_wait(retry_after)}, then call again."
            )
        case _ if status >= 500:
            outcome = _OUTCOME_UNKNOWN if write else "Trying again may help."
            return Unavailable, f"This is a fault of Tavus. {outcome}"
        case _ if status < 400:
            return RequestRejected, "A redirect is never followed; check TAVUS_BASE_URL."
    return RequestRejected, _rejection_advice(message)


def _describe_wait(retry_after: str) -> str:
    if len(retry_after) > _MAX_RETRY_AFTER_CHARS or parse_retry_after(retry_after) is None:
        return "Wait a little"
    if retry_after.isdecimal() and retry_after.isascii():
        return f"Wait {retry_after} seconds"
    return f"Wait until {quote_foreign(retry_after)}"


def _rejection_advice(message: str) -> str:
    if "base_url" in message and "api_key" in message:
        return (
            "A custom LLM needs base_url and api_key in the same request; Tavus masks the key when "
            "it is read, so give it again with configure_llm (api_key_ref names one)."
        )
    return "The request will fail again as it stands; nothing was written."
