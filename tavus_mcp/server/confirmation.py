"""Confirm a deletion with the person by elicitation, in every revision of the protocol.

Up to 2025-11-25 the server sends the form while the call waits; from 2026-07-28 on the call returns
with the form, and the client repeats the call with the response. Only clients that declare forms
get one. A response that is too fast for a person is not trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult
from pydantic import Field

from tavus_mcp.app import App
from tavus_mcp.deadlines import pause_for_person
from tavus_mcp.models.base import DeferredModel
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.personas.delete import name_to_type
from tavus_mcp.personas.revive import describe_loss
from tavus_mcp.text import quote_foreign

INPUT_REQUIRED_VERSION = "2026-07-28"
MIN_HUMAN_RESPONSE = timedelta(seconds=1)
"""A response that comes sooner was not typed by a person."""
FORM_LIFETIME = timedelta(hours=1)
"""As long as a plan can be applied."""
_FORM_FIELD = "persona_name"

Verdict = Literal["agreed", "declined", "unclear"]


class TypedName(DeferredModel):
    """The form: the person types the name of the persona."""

    persona_name: str = Field(description="Type the persona's name to delete it")


@dataclass(frozen=True)
class FormResponse:
    """The response to a form, and how long it took."""

    action: str
    typed_name: str
    elapsed: timedelta


def can_elicit(ctx: Context[Any, Any]) -> bool:
    """Return True if the client declares forms and a form can reach it."""
    capability = ctx.client_capabilities.elicitation if ctx.client_capabilities else None
    if capability is None or (capability.form is None and capability.url is not None):
        return False
    across_calls = (ctx.protocol_version or "") >= INPUT_REQUIRED_VERSION
    return across_calls or bool(ctx.session.can_send_request)


async def elicit_name(
    app: App, ctx: Context[Any, Any], document: PersonaDocument
) -> FormResponse | InputRequiredResult:
    """Ask the person to type the persona's name; return the form where the protocol wants that."""
    message = (
        f"Delete the persona {quote_foreign(name_to_type(document))} ({document.persona_id})? Type "
        f"its name to confirm. tavus-mcp keeps a copy. {describe_loss(app, document)}"
    )
    message = app.masker.mask_text(message)
    if (ctx.protocol_version or "") >= INPUT_REQUIRED_VERSION:
        return _elicit_across_calls(app, ctx, message, document)
    started = app.clock()
    try:
        with pause_for_person():
            result = await ctx.elicit(message, TypedName)
    except (ValueError, MCPError):
        return FormResponse("cancel", "", timedelta())  # no form was displayed, or no name returned
    typed = result.data.persona_name if result.action == "accept" else ""
    return FormResponse(result.action, typed, app.clock() - started)


def verdict(response: FormResponse, document: PersonaDocument) -> Verdict:
    """Judge a response: only the exact name, typed no faster than a person can, is a yes."""
    if response.action == "decline":
        return "declined"
    agreed = response.action == "accept" and response.typed_name.strip() == name_to_type(document)
    return "agreed" if agreed and response.elapsed >= MIN_HUMAN_RESPONSE else "unclear"


def _is_expired(app: App, state: str) -> bool:
    """Tell whether a form is too old to be answered; ``state`` begins with when it was sent."""
    return app.clock() - datetime.fromisoformat(state.split(" ")[0]) > FORM_LIFETIME


def _elicit_across_calls(
    app: App, ctx: Context[Any, Any], message: str, document: PersonaDocument
) -> FormResponse | InputRequiredResult:
    responses, state = ctx.input_responses, ctx.request_state
    if responses and state and _FORM_FIELD in responses:
        sent_at, digest, _ = state.split(" ")
        if state in app.answered_forms:
            return FormResponse("decline", "", timedelta())
        app.answered_forms.difference_update(
            [form for form in app.answered_forms if _is_expired(app, form)]
        )
        app.answered_forms.add(state)
        if digest != document.digest or _is_expired(app, state):
            return FormResponse("cancel", "", timedelta())  # the form was about another revision
        response = responses[_FORM_FIELD].model_dump()
        typed_name = str((response.get("content") or {}).get(_FORM_FIELD) or "")
        elapsed = app.clock() - datetime.fromisoformat(sent_at)
        return FormResponse(str(response.get("action")), typed_name, elapsed)
    form = ElicitRequestFormParams(message=message, requested_schema=TypedName.model_json_schema())
    return InputRequiredResult(
        input_requests={_FORM_FIELD: ElicitRequest(params=form)},
        request_state=f"{app.clock().isoformat()} {document.digest} {uuid4().hex}",
    )
