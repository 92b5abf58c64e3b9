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

INPUT_REQUIRED_VERSION = "2026-07-28"
MIN_HUMAN_RESPONSE = timedelta(seconds=1)
"""An answer that comes sooner was typed by no person."""
_FORM_FIELD = "persona_name"

Verdict = Literal["agreed", "declined", "unclear"]


class TypedName(BaseModel):
    """The form: the person types the name of the persona."""

    persona_name: str = Field(description="Type the persona's name to delete it")


@dataclass(frozen=True)
class FormResponse:
    """What came back from the form, and after how long."""

    action: str
    typed_name: str
    elapsed: timedelta


def can_elicit(ctx: Context[Any, Any]) -> bool:
    """Tell whether the client says it can show a form, and can be reached to show it."""
    capability = ctx.client_capabilities.elicitation if ctx.client_capabilities else None
    if capability is None or (capability.form is None and capability.url is not None):
        return False
    new_era = (ctx.protocol_version or "") >= INPUT_REQUIRED_VERSION
    return new_era or bool(ctx.session.can_send_request)


async def elicit_name(
    app: App, ctx: Context[Any, Any], document: PersonaDocument
) -> FormResponse | InputRequiredResult:
    """Ask the person to type the persona's name; in the new era, return the question first."""
    message = (
        f"Delete the persona {document.name or document.persona_id!r} ({document.persona_id})? "
        "Type its name to confirm. tavus-mcp keeps a copy without keys."
    )
    message = app.masker.mask_text(message)
    if (ctx.protocol_version or "") >= INPUT_REQUIRED_VERSION:
        return _elicit_across_calls(app, ctx, message, document)
    started = app.clock()
    try:
        result = await ctx.elicit(message, TypedName)
    except (ValueError, MCPError):
        return FormResponse("cancel", "", timedelta())  # no form was shown, or no name came back
    typed = result.data.persona_name if result.action == "accept" else ""
    return FormResponse(result.action, typed, app.clock() - started)


def verdict(response: FormResponse, document: PersonaDocument) -> Verdict:
    """Judge an answer: only the exact name, typed in a person's time, is a yes."""
    if response.action == "decline":
        return "declined"
    name = document.name or document.persona_id
    agreed = response.action == "accept" and response.typed_name.strip() == name.strip()
    return "agreed" if agreed and response.elapsed >= MIN_HUMAN_RESPONSE else "unclear"


def _elicit_across_calls(
    app: App, ctx: Context[Any, Any], message: str, document: PersonaDocument
) -> FormResponse | InputRequiredResult:
    responses, state = ctx.input_responses, ctx.request_state
    if responses and state and _FORM_FIELD in responses:
        asked_at, revision, _ = state.split(" ")
        if state in app.answered_forms:
            return FormResponse("decline", "", timedelta())
        app.answered_forms.add(state)
        if revision != document.revision:
            return FormResponse("cancel", "", timedelta())  # it is not the persona that was shown
        given = responses[_FORM_FIELD].model_dump()
        content = given.get("content") or {}
        after = app.clock() - datetime.fromisoformat(asked_at)
        return FormResponse(str(given.get("action")), str(content.get(_FORM_FIELD) or ""), after)
    form = ElicitRequestFormParams(message=message, requested_schema=TypedName.model_json_schema())
    return InputRequiredResult(
        input_requests={_FORM_FIELD: ElicitRequest(params=form)},
        request_state=f"{app.clock().isoformat()} {document.revision} {uuid4().hex}",
    )
