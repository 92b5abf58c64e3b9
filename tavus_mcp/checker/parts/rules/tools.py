"""Rules about registry tools: those of inline functions, names, and how a call is spoken of."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import FixCall, HintPart
from tavus_mcp.checker.function_fixes import (
    fix_function_parts,
    properties_of,
    reserved_prefix,
    to_snake_case,
)
from tavus_mcp.checker.parts.part_rule import (
    CheckedPart,
    PartRule,
    change_part,
    part_rule,
    remove_value,
    set_value,
)
from tavus_mcp.checker.rule import Rule, Violation
from tavus_mcp.checker.rules import functions
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.layers import FUNCTION_NAME

_SOURCE = "P:tools/create-tool, V:schemas/tool.py"
_SENSORS = ("vision", "audio")


def _function_rule(rule: Rule, *, is_of_perception: bool = False, hint: str = "") -> PartRule:
    """Return the rule about inline functions as a rule about registry tools.

    ``is_of_perception``: it is about functions that tools of vision and audio replace. ``hint``
    stands in the place of the fix, which sets the tool with all problems fixed.
    """
    find_problems = inspect.unwrap(rule.check)

    def check(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
        is_sensor = part.text("/origin") in _SENSORS
        if is_of_perception and not is_sensor:
            return
        function: JsonObject = {
            name: part.data[name]
            for name in ("name", "description", "parameters")
            if name in part.data
        }
        problems = find_problems(function, catalog)
        fix: HintPart = hint
        for pointer, message in itertools.islice(problems, functions.MAX_PROBLEMS_PER_FUNCTION):
            fix = fix or _fix_function(part, catalog, function, is_sensor=is_sensor)
            yield Violation(pointer or "/description", message, fix)

    check.__doc__ = rule.check.__doc__
    return PartRule(rule.name, rule.severity, ("tool",), rule.source, check, rule.blocks_write)


def _fix_function(
    part: CheckedPart, catalog: Catalog, function: JsonObject, *, is_sensor: bool
) -> FixCall:
    path = "/layers/perception/visual_tools" if is_sensor else "/layers/llm/tools"
    parts = fix_function_parts(catalog, path, function)
    return change_part(
        *(
            {"op": "add", "path": f"/{name}", "value": parts[name]}
            for name in ("description", "parameters")
            if name == "parameters" or not part.text("/description")
        )
    )


function_too_large = _function_rule(functions.too_large, hint="Shorten them.")
function_parameters_no_object = _function_rule(functions.parameters_no_object)
function_schema_invalid = _function_rule(functions.schema_invalid)
function_schema_refused = _function_rule(functions.schema_refused)
function_required_unknown = _function_rule(functions.required_unknown)
function_required_incomplete = _function_rule(functions.required_incomplete)
function_argument_undescribed = _function_rule(functions.argument_undescribed)
function_argument_too_long = _function_rule(functions.argument_too_long, is_of_perception=True)


@part_rule("function-name-not-snake-case", "info", "tool", source="J:llm-tool")
def name_not_snake_case(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """The docs write the names of functions in snake_case."""
    name = part.text("/name")
    if re.fullmatch(FUNCTION_NAME, name) and not re.fullmatch(r"[a-z0-9_]+", name):
        yield Violation(
            "/name",
            "The docs write function names in snake_case.",
            set_value("/name", to_snake_case(name)),
            "; what handles its calls must then know the new name",
        )


@part_rule("tool-argument-reserved", "error", "tool", source=_SOURCE, blocks_write=True)
def argument_reserved(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """The registry refuses argument names that are reserved for Tavus."""
    prefix = reserved_prefix(catalog)
    for name in properties_of(part.object_at("/parameters")):
        if prefix and str(name).startswith(prefix):
            yield Violation(
                f"/parameters/properties{pointer_of([str(name)])}",
                f"Argument names that begin with {prefix} are reserved; the registry refuses them.",
                "Give the argument another name.",
            )


@part_rule("tool-filler-missing", "error", "tool", source="P:tools/create-tool", blocks_write=True)
def filler_missing(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A static filler is the sentence that is spoken while the tool runs."""
    if part.text("/on_call") == "static_filler" and not part.text("/static_filler"):
        yield Violation(
            "/static_filler",
            "on_call static_filler needs static_filler, the words to say.",
            "Give the words, or let the model choose them: ",
            set_value("/on_call", "generate_filler"),
        )


@part_rule("tool-filler-unused", "warning", "tool", source="P:tools/create-tool")
def filler_unused(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Only on_call static_filler says the words."""
    if part.text("/origin") in _SENSORS or part.text("/trigger_type") == "post_call":
        return  # see tool-sensor-on-call, tool-post-call-origin
    on_call = part.text("/on_call") or "generate_filler"
    if part.text("/static_filler") and on_call != "static_filler":
        yield Violation(
            "/static_filler",
            f"static_filler has no effect with on_call {on_call}."
            if on_call in ("generate_filler", "silent", "passthrough")
            else "static_filler has no effect with this on_call.",
            "Use it: ",
            set_value("/on_call", "static_filler"),
        )


@part_rule("tool-sensor-on-call", "error", "tool", source=_SOURCE, blocks_write=True)
def sensor_on_call(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Tools of vision and audio are called by Raven, which says nothing."""
    if part.text("/origin") in _SENSORS:
        for name in ("on_call", "static_filler"):
            if part.is_set(f"/{name}"):
                yield Violation(
                    f"/{name}",
                    f"{name} must be absent for tools of vision and audio.",
                    remove_value(f"/{name}"),
                )


@part_rule("tool-sensor-on-resolve", "error", "tool", source=_SOURCE, blocks_write=True)
def sensor_on_resolve(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """What such a tool answers is never used."""
    on_resolve = part.text("/on_resolve") or "fire_and_forget"
    if part.text("/origin") in _SENSORS and on_resolve != "fire_and_forget":
        yield Violation(
            "/on_resolve",
            "Tools of vision and audio have on_resolve fire_and_forget only.",
            set_value("/on_resolve", "fire_and_forget"),
        )


@part_rule("tool-post-call-origin", "warning", "tool", source="P:post-call-tool")
def post_call_origin(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A tool that runs after the call speaks to no caller."""
    if part.text("/trigger_type") != "post_call":
        return
    for name in ("origin", "on_call", "static_filler"):
        if part.is_set(f"/{name}"):
            yield Violation(
                f"/{name}",
                f"{name} has no effect: the tool runs after the call.",
                remove_value(f"/{name}"),
            )


@part_rule("tool-result-unheard", "info", "tool", source="P:tools/create-tool")
def result_unheard(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """By default the answer of a tool is dropped, which surprises where it has an answer."""
    is_in_call = part.text("/trigger_type") in ("", "in_call")
    uses_get = part.text("/delivery/api/method") == "GET"
    is_dropped = part.text("/on_resolve") in ("", "fire_and_forget")
    if is_in_call and uses_get and is_dropped and part.text("/origin") not in _SENSORS:
        yield Violation(
            "/on_resolve",
            "The tool reads something, and its answer is dropped (fire_and_forget).",
            "If the persona is to use the answer: ",
            set_value("/on_resolve", "generate_response"),
        )


@part_rule("tool-without-raven", "warning", "tool", source="P:tools/create-tool, V:server.py")
def without_raven(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Tools of vision and audio are called by Raven."""
    persona = part.persona
    if persona is None or part.text("/origin") not in _SENSORS:
        return
    if catalog.effective_perception_model(persona) == "off":
        yield Violation(
            "/origin",
            "This persona's perception is off, so nothing calls the tool.",
            "Detach it from the persona, or turn perception on there.",
        )
