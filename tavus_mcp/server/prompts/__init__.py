"""Prompts: what a person can start from a menu, each one message that names the tools to call.

A prompt is rendered from its arguments alone: nothing is read from Tavus. Steps whose tool is not
served are left out or replaced, so that a prompt works whatever toolsets are on. The texts that
people give are quoted as data. No model of the arguments is made, which would cost every start.
"""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, Prompt, PromptArgument, UserMessage
from pydantic import PrivateAttr

from tavus_mcp.app import App
from tavus_mcp.models.base import parse_id
from tavus_mcp.server.prompts import messages
from tavus_mcp.server.prompts.messages import LONGEST_BRIEF, LONGEST_COMPLAINT
from tavus_mcp.server.prompts.prompt import Argument, Ask, Missing, PromptSpec


def register_prompts(server: MCPServer[Any], app: App, missing: Missing) -> None:
    """Add the prompts to a server that serves all tools but the missing ones."""
    for spec in PROMPTS:
        server.add_prompt(_Served(spec, app, missing))


class _Served(Prompt):
    """A prompt of the SDK that checks its arguments and writes its message itself."""

    _spec: PromptSpec = PrivateAttr()
    _app: App = PrivateAttr()
    _missing: Missing = PrivateAttr()

    def __init__(self, spec: PromptSpec, app: App, missing: Missing) -> None:
        super().__init__(
            name=spec.name,
            title=spec.title,
            description=spec.description,
            arguments=[
                PromptArgument(name=item.name, description=item.description, required=item.required)
                for item in spec.arguments
            ],
            fn=spec.write,
        )
        self._spec, self._app, self._missing = spec, app, missing

    async def render(self, arguments: dict[str, Any] | None, context: Any) -> list[Message]:
        """Return the one message; raise ``InvalidArgument`` for arguments that do not fit."""
        values = self._spec.checked(arguments or {})
        # masked before they are quoted and cut, so that no key is cut in two
        shown = {name: self._app.masker.mask_text(value) for name, value in values.items()}
        return [UserMessage(self._spec.write(Ask(shown, self._missing, self._app.catalog)))]


def _reference(value: str) -> str:
    persona_id, at, revision = value.partition("@")
    for part in (persona_id, revision) if at else (persona_id,):
        parse_id(part)
    return value


def _text(value: str) -> str:
    return value


_PERSONA = Argument("persona_id", "Persona id, like p5317866", parse_id)
_VARIANT = "Persona id, or ID@REVISION as list_revisions shows it"

PROMPTS = (
    PromptSpec(
        "create_from_brief",
        "Create a persona from a brief",
        "From a few sentences to a checked persona, shown before it is created.",
        (
            Argument("brief", f"What it is for; the first {LONGEST_BRIEF} characters count", _text),
            Argument("replica", "Replica id, like rfe12d8b9597", parse_id, required=False),
        ),
        messages.create_from_brief,
    ),
    PromptSpec(
        "review_persona",
        "Review a persona",
        "A report: what it is for, what is wrong, what to change first. Changes nothing.",
        (_PERSONA,),
        messages.review_persona,
    ),
    PromptSpec(
        "tune_persona",
        "Tune a persona",
        "From a complaint in plain words to a plan, and after a yes to a change one can undo.",
        (
            _PERSONA,
            Argument(
                "complaint",
                f"What is wrong, in English; the first {LONGEST_COMPLAINT} characters count",
                _text,
            ),
        ),
        messages.tune_persona,
    ),
    PromptSpec(
        "modernize_persona",
        "Modernize a persona",
        "Replaces deprecated settings by today's, shown before anything changes.",
        (_PERSONA,),
        messages.modernize_persona,
    ),
    PromptSpec(
        "compare_variants",
        "Compare two variants",
        "What differs between two personas or revisions, and what it does in calls.",
        (Argument("first", _VARIANT, _reference), Argument("second", _VARIANT, _reference)),
        messages.compare_variants,
    ),
)
"""Every prompt, in the order they are listed."""
