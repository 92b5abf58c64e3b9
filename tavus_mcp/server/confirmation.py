"""Asking the person, in every protocol revision, without trusting an answer nobody could type.

Up to 2025-11-25 the server asks while the call waits; from 2026-07-28 on the call returns with the
question and is made again with the answer. Only clients that say they can show a form are asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult
from pydantic import BaseModel, Field

from tavus_mcp.app import App
from tavus_mcp.models.document import PersonaDocument

NEW_ERA = "2026-07-28"
FASTEST = timedelta(seconds=1)
"""An answer that comes sooner was typed by no person."""
_QUESTION = "persona_name"

Verdict = Literal["agreed", "declined", "unclear"]


class TypedName(BaseModel):
    """The form: the person types the name of the persona."""

    persona_name: str = Field(description="Type the persona's name to delete it")


@dataclass(frozen=True)
class Answer:
    """What came back from the form, and after how long."""

    action: str
    typed: str
    after: timedelta


def can_ask(ctx: Context[Any, Any]) -> bool:
    """Tell whether the client says it can show a form, and can be reached to show it."""
    capability = ctx.client_capabilities.elicitation if ctx.client_capabilities else None
    if capability is None or (capability.form is None and capability.url is not None):
        return False
    new_era = (ctx.protocol_version or "") >= NEW_ERA
    return new_era or bool(ctx.session.can_send_request)


async def ask(
    app: App, ctx: Context[Any, Any], document: PersonaDocument
) -> Answer | InputRequiredResult:
    """Ask the person to type the persona's name; in the new era, return the question first."""
    message = (
        f"Delete the persona {document.name or document.persona_id!r} ({document.persona_id})? "
        "Type its name to confirm. tavus-mcp keeps a copy without keys."
    )
    message = app.masker.mask_text(message)
    if (ctx.protocol_version or "") >= NEW_ERA:
        return _asked_again(app, ctx, message, document)
    started = app.clock()
    try:
        result = await ctx.elicit(message, TypedName)
    except (ValueError, MCPError):
        return Answer("cancel", "", timedelta())  # no form was shown, or no name came back
    typed = result.data.persona_name if result.action == "accept" else ""
    return Answer(result.action, typed, app.clock() - started)


def verdict(answer: Answer, document: PersonaDocument) -> Verdict:
    """Judge an answer: only the exact name, typed in a person's time, is a yes."""
    if answer.action == "decline":
        return "declined"
    name = document.name or document.persona_id
    agreed = answer.action == "accept" and answer.typed.strip() == name.strip()
    return "agreed" if agreed and answer.after >= FASTEST else "unclear"


def _asked_again(
    app: App, ctx: Context[Any, Any], message: str, document: PersonaDocument
) -> Answer | InputRequiredResult:
    responses, state = ctx.input_responses, ctx.request_state
    if responses and state and _QUESTION in responses:
        asked_at, revision, _ = state.split(" ")
        if state in app.answered_forms:
            return Answer("decline", "", timedelta())
        app.answered_forms.add(state)
        if revision != document.revision:
            return Answer("cancel", "", timedelta())  # it is not the persona that was shown
        given = responses[_QUESTION].model_dump()
        content = given.get("content") or {}
        after = app.clock() - datetime.fromisoformat(asked_at)
        return Answer(str(given.get("action")), str(content.get(_QUESTION) or ""), after)
    form = ElicitRequestFormParams(message=message, requested_schema=TypedName.model_json_schema())
    return InputRequiredResult(
        input_requests={_QUESTION: ElicitRequest(params=form)},
        request_state=f"{app.clock().isoformat()} {document.revision} {uuid4().hex}",
    )
