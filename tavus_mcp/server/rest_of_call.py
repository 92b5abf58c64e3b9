"""Check the valid arguments of a refused call, so that rules refuse them in the same answer.

The types of arguments are validated before a tool runs, and the checker's rules run inside it: a
wrong argument would hide what the rules refuse.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import ValidationError

from tavus_mcp.app import App
from tavus_mcp.deadlines import CallTimedOut, limit_call
from tavus_mcp.errors import CheckRefused, ToolFailure
from tavus_mcp.models.base import JsonObject
from tavus_mcp.server.served_tools import UnservedTools
from tavus_mcp.server.tool_schemas import build_arguments_model
from tavus_mcp.server.toolset import ToolSpec

_TOOLSETS = frozenset({"layers", "personas"})
_DECIDING_ARGUMENTS = frozenset(
    {
        *("model", "base_url", "api_key", "api_key_ref", "headers"),
        *("tts_engine", "external_voice_id", "voice_id", "tts_model_name", "stt_engine"),
        *("perception_model", "turn_detection_model", "wake_phrase", "pipeline_mode"),
        *("layer", "modality", "name", "field", "find", "replace"),
        *("allow_private_url", "unset", "if_revision", "persona_id"),
    }
)
"""Arguments that decide what the others mean: without them a rule could refuse what is right."""


async def check_rest_of_call(
    spec: ToolSpec, arguments: JsonObject, error: ValidationError, app: App, unserved: UnservedTools
) -> list[str]:
    """Return why rules refuse the arguments of a change that ``error`` does not name.

    The persona is read, and nothing is sent or stored. An unknown argument may be a misspelt one
    that decides, so that nothing is said then.
    """
    model = build_arguments_model(spec.function)
    wrong = {str(item["loc"][0]) for item in error.errors(include_url=False) if item["loc"]}
    decides = wrong & _DECIDING_ARGUMENTS or not wrong <= model.model_fields.keys()
    if spec.toolset not in _TOOLSETS or spec.effect != "change" or decides:
        return []
    rest = {name: value for name, value in arguments.items() if name not in wrong}
    try:
        valid = model.model_validate({**rest, "dry_run": True}).model_dump_one_level()
        with limit_call(app.limits):
            await spec.function(replace(app, stores_plans=False), **valid)
    except CheckRefused as refusal:
        return [refusal.render(unserved.reasons)]
    except (CallTimedOut, ToolFailure, ValidationError):
        return []  # the corrected call meets it
    return []
