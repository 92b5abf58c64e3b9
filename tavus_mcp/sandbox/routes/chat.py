"""Conversations in text over HTTP (older vendor client: conversations/respond; undocumented).

The answers are scripted by the control route, else they repeat what was said. An answer is pending
at first, as it is at Tavus while the model writes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.routes.conversations import CONVERSATIONS
from tavus_mcp.sandbox.store import Row, Store

_KIND = "chat"


class Utterance(http.Body):
    """What a person writes, and the seconds that the request may wait for the answer."""

    text: Annotated[str, Field(min_length=1)]
    timeout_s: Annotated[float, Field(ge=0)] = 0


async def respond(request: Request) -> Response:
    """Take what a person writes; the answer is pending."""
    utterance = await http.read_body(request, Utterance)
    store = http.store_of(request)
    with store.write_transaction():
        row = _require_chat(request)
        chat = store.get(_KIND, row["conversation_id"]) or {}
        answers = chat.get("answers", [])
        answer = answers[0] if answers else f"You said: {utterance.text}"
        _put(store, row, {"answers": answers[1:], "answer": answer, "polls": 0})
    return http.json_response({"status": "pending"})


async def poll(request: Request) -> Response:
    """Return the answer to what was written last, from the second poll on."""
    store = http.store_of(request)
    with store.write_transaction():
        row = _require_chat(request)
        chat = store.get(_KIND, row["conversation_id"]) or {}
        if "answer" not in chat:
            raise http.bad_request("Bad Request: nothing was said")
        _put(store, row, {**chat, "polls": chat["polls"] + 1})
    if not chat["polls"]:
        return http.json_response({"status": "pending"})
    return http.json_response({"status": "ready", "text": chat["answer"]})


def script_answers(store: Store, conversation_id: str, answers: list[str]) -> None:
    """Set the next answers of a chat."""
    with store.write_transaction():
        row = CONVERSATIONS.require(store, conversation_id)
        _put(store, row, {**(store.get(_KIND, conversation_id) or {}), "answers": answers})


def _put(store: Store, row: Row, chat: Row) -> None:
    store.put(_KIND, row["conversation_id"], chat)


def _require_chat(request: Request) -> Row:
    """Return the running chat that a path names; a call is no chat."""
    row = CONVERSATIONS.requested(request)
    if not row.get("chat") or row["status"] != "active":
        raise http.bad_request("Bad Request: the conversation is no chat that is active")
    return row


ROUTES = (
    ("POST", "/v2/conversations/{conversation_id}/respond", respond),
    ("GET", "/v2/conversations/{conversation_id}/respond", poll),
)
