"""The tools, resources and prompts that scenarios of the conformance suite call by name.

Their names, texts and schemas are those that the suite requires.
"""

from __future__ import annotations

import base64
from typing import Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp_types import (
    AudioContent,
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    TextContent,
    TextResourceContents,
)

Ctx = Context[Any, Any]
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8"
    "z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)
SOUND = base64.b64encode(b"RIFF$\0\0\0WAVEfmt ").decode()
PAUSE_SECONDS = 0.05
NAME_FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
CHOICES = ["option1", "option2", "option3"]
DEFAULTS_FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "default": True},
    },
}
ENUMS_FORM = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": CHOICES},
        "titledSingle": {
            "type": "string",
            "oneOf": [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)],
        },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": CHOICES}},
        "titledMulti": {
            "type": "array",
            "items": {"anyOf": [{"const": f"value{n}", "title": f"Choice {n}"} for n in (1, 2, 3)]},
        },
    },
}
USER_FORM = {
    "type": "object",
    "properties": {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    },
    "required": ["username", "email"],
}


def add_fixtures(server: MCPServer[Any]) -> frozenset[str]:
    """Add all of them to a server; return the names of the tools."""
    tools = (
        *(test_simple_text, test_image_content, test_audio_content, test_embedded_resource),
        *(test_multiple_content_types, test_error_handling, test_tool_with_progress),
        *(test_elicitation, test_elicitation_sep1034_defaults, test_elicitation_sep1330_enums),
        *(test_input_required_result_elicitation, test_input_required_result_request_state),
        *(test_input_required_result_multi_round, test_input_required_result_tampered_state),
        test_streaming_elicitation,
    )
    for tool in tools:
        server.add_tool(tool, structured_output=False)
    add_resources(server)
    add_prompts(server)
    return frozenset(tool.__name__ for tool in tools)


def add_resources(server: MCPServer[Any]) -> None:
    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """A text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """A picture."""
        return base64.b64decode(PIXEL)

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched_resource() -> str:
        """A text that can be subscribed."""
        return "watched"

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template_data(id: str) -> str:  # noqa: A002 - the suite names it
        """Data of an id."""
        return f'{{"id":"{id}","templateTest":true,"data":"Data for ID: {id}"}}'


def add_prompts(server: MCPServer[Any]) -> None:
    @server.prompt()
    def test_simple_prompt() -> str:
        """A prompt without arguments."""
        return "This is a simple prompt for testing."

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """A prompt with arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803
        """A prompt with a resource."""
        text = "Embedded resource content for testing."
        return [
            UserMessage(embed(resourceUri, "text/plain", text)),
            UserMessage("Please process the embedded resource above."),
        ]

    @server.prompt()
    def test_prompt_with_image() -> list[UserMessage]:
        """A prompt with a picture."""
        return [UserMessage(picture()), UserMessage("Please analyze the image above.")]

    @server.prompt()
    def test_input_required_result_prompt(ctx: Ctx) -> Any:
        """A prompt that asks first."""
        answer = find_answer(ctx, "user_context")
        if answer is None:
            form = {
                "type": "object",
                "properties": {"context": {"type": "string"}},
                "required": ["context"],
            }
            return ask("user_context", "What context should the prompt use?", form)
        return f"Context: {answer.get('context')}"


def picture() -> ImageContent:
    return ImageContent(data=PIXEL, mime_type="image/png")


def embed(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def text_result(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)])


def ask(
    key: str, message: str, form: dict[str, Any], state: str | None = None
) -> InputRequiredResult:
    """Return the demand for one form, as since 2026-07-28."""
    request = ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=form))
    return InputRequiredResult(input_requests={key: request}, request_state=state)


def find_answer(ctx: Ctx, key: str) -> dict[str, Any] | None:
    """Return the content of an answered form."""
    answer = (ctx.input_responses or {}).get(key)
    return answer.content if isinstance(answer, ElicitResult) else None


async def test_simple_text() -> CallToolResult:
    """Returns a text."""
    return text_result("This is a simple text response for testing.")


async def test_image_content() -> CallToolResult:
    """Returns a picture."""
    return CallToolResult(content=[picture()])


async def test_audio_content() -> CallToolResult:
    """Returns a sound."""
    return CallToolResult(content=[AudioContent(data=SOUND, mime_type="audio/wav")])


async def test_embedded_resource() -> CallToolResult:
    """Returns a resource."""
    text = "This is an embedded resource content."
    return CallToolResult(content=[embed("test://embedded-resource", "text/plain", text)])


async def test_multiple_content_types() -> CallToolResult:
    """Returns a text, a picture and a resource."""
    data = '{"test":"data","value":123}'
    resource = embed("test://mixed-content-resource", "application/json", data)
    text = TextContent(text="Multiple content types test:")
    return CallToolResult(content=[text, picture(), resource])


async def test_error_handling() -> CallToolResult:
    """Fails."""
    raise ToolError("This tool intentionally returns an error for testing")


async def test_tool_with_progress(ctx: Ctx) -> CallToolResult:
    """Reports progress."""
    for progress in (0, 50, 100):
        await ctx.report_progress(progress, 100)
        await anyio.sleep(PAUSE_SECONDS)
    return text_result("done")


async def elicit(ctx: Ctx, message: str, form: dict[str, Any]) -> CallToolResult:
    """Ask the person, as until 2025-11-25."""
    answer = await ctx.session.elicit_form(message, form, ctx.request_context.request_id)
    return text_result(f"User response: action={answer.action}, content={answer.content}")


async def test_elicitation(message: str, ctx: Ctx) -> CallToolResult:
    """Asks for a user name."""
    return await elicit(ctx, message, USER_FORM)


async def test_elicitation_sep1034_defaults(ctx: Ctx) -> CallToolResult:
    """Asks with defaults."""
    return await elicit(ctx, "Please review", DEFAULTS_FORM)


async def test_elicitation_sep1330_enums(ctx: Ctx) -> CallToolResult:
    """Asks with enumerations."""
    return await elicit(ctx, "Please choose", ENUMS_FORM)


async def test_input_required_result_elicitation(ctx: Ctx) -> CallToolResult | InputRequiredResult:
    """Asks for a name."""
    answer = find_answer(ctx, "user_name")
    if answer is None or "name" not in answer:
        return ask("user_name", "What is your name?", NAME_FORM)
    return text_result(f"Hello, {answer['name']}!")


async def test_input_required_result_request_state(
    ctx: Ctx,
) -> CallToolResult | InputRequiredResult:
    """Asks for a confirmation and gets its state back."""
    if find_answer(ctx, "confirm") is None or ctx.request_state != "state":
        form = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
        return ask("confirm", "Please confirm", form, "state")
    return text_result("state-ok")


async def test_input_required_result_multi_round(
    ctx: Ctx,
) -> CallToolResult | InputRequiredResult:
    """Asks twice."""
    if ctx.request_state == "second" and find_answer(ctx, "step2") is not None:
        return text_result("Both steps are answered.")
    if ctx.request_state == "first" and find_answer(ctx, "step1") is not None:
        form = {"type": "object", "properties": {"color": {"type": "string"}}}
        return ask("step2", "Step 2: What is your favorite color?", form, "second")
    return ask("step1", "Step 1: What is your name?", NAME_FORM, "first")


async def test_input_required_result_tampered_state(
    ctx: Ctx,
) -> CallToolResult | InputRequiredResult:
    """Asks with a state that must come back unchanged."""
    if find_answer(ctx, "confirm") is None:
        form = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
        return ask("confirm", "Please confirm", form, "state")
    return text_result("state-ok")


async def test_streaming_elicitation(ctx: Ctx) -> CallToolResult | InputRequiredResult:
    """Asks after progress was reported on the stream."""
    await ctx.report_progress(0, 1)
    return await test_input_required_result_elicitation(ctx)
