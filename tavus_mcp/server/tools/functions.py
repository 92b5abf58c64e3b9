"""The function tools of the toolset ``layers``: one function at a time, inside a layer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import MISSING, Field

from tavus_mcp.app import App
from tavus_mcp.models.base import DeprecatedField, JsonObject
from tavus_mcp.models.changes import DropFunction, PutFunction
from tavus_mcp.models.layers import FunctionName
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas.update import UpdateRequest, update
from tavus_mcp.server.parameters import DryRun, IfRevision, PersonaIdParameter
from tavus_mcp.server.toolset import Toolset

functions = Toolset("layers")

_FUNCTION_LISTS = {
    ("llm", "visual"): "/layers/llm/tools",
    ("llm", "audio"): "/layers/llm/tools",
    ("perception", "visual"): "/layers/perception/visual_tools",
    ("perception", "audio"): "/layers/perception/audio_tools",
}
_LEGACY_LISTS = ("/layers/perception/screen_tools", "/layers/perception/perception_tools")


@functions.change("Set function tool", spread=("function", "tool"))
async def set_function_tool(
    app: App,
    persona_id: PersonaIdParameter,
    name: Annotated[FunctionName, Field(description="Replaces a function of this name")],
    description: Annotated[str, Field(description="When to call it")] | MISSING = MISSING,
    parameters: Annotated[JsonObject, Field(description="JSON Schema of its arguments")]
    | MISSING = MISSING,
    layer: Annotated[Literal["llm", "perception"], Field(description="Who calls it")] = "llm",
    modality: Annotated[
        Literal["visual", "audio"], Field(description="In perception: what triggers it")
    ] = "visual",
    type: Annotated[Literal["function"], DeprecatedField] = "function",  # noqa: A002 - the field's name
    strict: Annotated[bool, DeprecatedField] | MISSING = MISSING,
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Add or replace one function that the persona may call; your app must carry it out."""
    pointer = _FUNCTION_LISTS[layer, modality]
    parts = {"name": name, "description": description, "parameters": parameters, "strict": strict}
    function = {key: value for key, value in parts.items() if value is not MISSING}
    asked = UpdateRequest(
        "set_function_tool",
        persona_id,
        PutFunction(pointer, {"type": type, "function": function}),
        dry_run=dry_run,
        if_revision=if_revision,
    )
    return await update(app, asked)


@functions.change("Remove function tool")
async def remove_function_tool(
    app: App,
    persona_id: PersonaIdParameter,
    name: Annotated[str, Field(description="Name of the function")],
    layer: Annotated[
        Literal["llm", "perception"] | None, Field(description="Default: wherever it is")
    ] = None,
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Remove one function from the LLM or perception layer."""
    lists = [*dict.fromkeys(_FUNCTION_LISTS.values()), *_LEGACY_LISTS]
    within = [place for place in lists if layer is None or place.startswith(f"/layers/{layer}/")]
    asked = UpdateRequest(
        "remove_function_tool",
        persona_id,
        DropFunction(within, name),
        dry_run=dry_run,
        if_revision=if_revision,
    )
    return await update(app, asked)
