"""The MCP prompts: each renders one message whose steps name the tools to call.

A prompt is rendered from its arguments alone, without a request to Tavus. Steps whose tool is not
served are left out or replaced, so that a prompt works with any choice of toolsets. Texts given by
people are quoted as data. Arguments are checked without a pydantic model, which would be built at
every start of the server.
"""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, Prompt, PromptArgument, UserMessage
from pydantic import PrivateAttr

from tavus_mcp.app import App
from tavus_mcp.models.base import parse_id
from tavus_mcp.server.prompts import messages
from tavus_mcp.server.prompts.messages import MAX_BRIEF_CHARS, MAX_COMPLAINT_CHARS
from tavus_mcp.server.prompts.prompt import Argument, PromptContext, PromptSpec, UnservedTools


def register_prompts(server: MCPServer[Any], app: App, unserved_tools: UnservedTools) -> None:
    """Add the prompts to a server that serves all tools but ``unserved_tools``."""
    for spec in PROMPTS:
        server.add_prompt(_ServedPrompt(spec, app, unserved_tools))


class _ServedPrompt(Prompt):
    """The SDK's prompt with our check of the arguments and our rendering."""

    _spec: PromptSpec = PrivateAttr()
    _app: App = PrivateAttr()
    _unserved_tools: UnservedTools = PrivateAttr()

    def __init__(self, spec: PromptSpec, app: App, unserved_tools: UnservedTools) -> None:
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
        self._spec, self._app, self._unserved_tools = spec, app, unserved_tools

    async def render(self, arguments: dict[str, Any] | None, context: Any) -> list[Message]:
        """Return the message as a list of one; raise ``InvalidArgument`` for invalid arguments."""
        values = self._spec.check_arguments(arguments or {})
        # masked before they are quoted and cut: of a key that is cut in two, a half would be shown
        masked = {name: self._app.masker.mask_text(value) for name, value in values.items()}
        return [
            UserMessage(
                self._spec.write(PromptContext(masked, self._unserved_tools, self._app.catalog))
            )
        ]


def _check_reference(value: str) -> str:
    persona_id, separator, revision = value.partition("@")
    for part in (persona_id, revision) if separator else (persona_id,):
        parse_id(part)
    return value


def _accept_text(value: str) -> str:
    return value


_PERSONA_ARGUMENT = Argument("persona_id", "Persona id, like p5317866", parse_id)
_VARIANT_DESCRIPTION = "Persona id, or ID@REVISION as list_revisions shows it"

PROMPTS = (
    PromptSpec(
        "create_from_brief",
        "Create a persona from a brief",
        "From a few sentences to a checked persona, shown before it is created.",
        (
            Argument(
                "brief",
                f"What it is for; the first {MAX_BRIEF_CHARS} characters count",
                _accept_text,
            ),
            Argument("replica", "Replica id, like rfe12d8b9597", parse_id, required=False),
        ),
        messages.create_from_brief,
    ),
    PromptSpec(
        "review_persona",
        "Review a persona",
        "A report: what it is for, what is wrong, what to change first. Changes nothing.",
        (_PERSONA_ARGUMENT,),
        messages.review_persona,
    ),
    PromptSpec(
        "tune_persona",
        "Tune a persona",
        "From a complaint in plain words to a plan, and after a yes to a change one can undo.",
        (
            _PERSONA_ARGUMENT,
            Argument(
                "complaint",
                f"What is wrong, in plain words; the first {MAX_COMPLAINT_CHARS} characters count",
                _accept_text,
            ),
        ),
        messages.tune_persona,
    ),
    PromptSpec(
        "modernize_persona",
        "Modernize a persona",
        "Replaces deprecated settings by today's, shown before anything changes.",
        (_PERSONA_ARGUMENT,),
        messages.modernize_persona,
    ),
    PromptSpec(
        "compare_variants",
        "Compare two variants",
        "What differs between two personas or revisions, and what it does in calls.",
        (
            Argument("first", _VARIANT_DESCRIPTION, _check_reference),
            Argument("second", _VARIANT_DESCRIPTION, _check_reference),
        ),
        messages.compare_variants,
    ),
)
"""All prompts, in the order in which they are listed."""
