"""Fixes of findings applied to a plain document, as the tools apply them."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

from tavus_mcp.catalog import load_catalog
from tavus_mcp.checker.check import find_findings
from tavus_mcp.deprecations import CONVERSIONS
from tavus_mcp.models.base import is_set
from tavus_mcp.models.changes import EditText, SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, ToolCall
from tavus_mcp.models.json_patch import get_at
from tavus_mcp.personas.current_spelling import use_current_spelling
from tavus_mcp.tuning import build_recommendation

Body = dict[str, Any]
CATALOG = load_catalog()
BASE: Body = {
    "persona_id": "p0123456789a",
    "persona_name": "Ada",
    "system_prompt": "You are Ada, who helps people to choose a bicycle.",
    "default_replica_id": "r90bbd427f71",
}
REMOVED = "(removed)"
MAX_FIXES = 60
VOICE_SETTINGS = {
    *("speed", "volume", "emotion", "stability", "similarity_boost", "style", "use_speaker_boost")
}
FIELD_BY_ARGUMENT = {"documents": "document_ids", "guardrails": "guardrail_ids"}
CONVERSION_RULES = {
    "llm-model-retired": "llm-model-deprecated",
    "llm-model-internal": "llm-model-deprecated",
    "perception-model-retired": "perception-model-legacy",
    "perception-field-removed": "perception-field-legacy",
    "stt-turn-taking-overridden": "stt-turn-taking-legacy",
    "tts-both-voices": "tts-provider-voice-in-voice-id",
}
"""The rules whose fix is the conversion of another rule."""


def build_document(fields: Mapping[str, Any]) -> Body:
    """Return a plain persona with these fields, as it is saved."""
    return copy.deepcopy({**BASE, **fields})


def modernize(body: Body) -> Body:
    """Return the document after the goal ``modernize``."""
    goals = ["modernize"]
    change = build_recommendation(PersonaDocument(body), goals, "normal", (), CATALOG).change
    return dict(change.apply(body))


def list_legacy_findings(body: Body) -> list[RuleFinding]:
    """Return the findings of legacy rules with a fix, about fields that a conversion changes.

    A setting that a conversion keeps has a fix for a user who wants to remove it.
    """
    document = PersonaDocument(body)
    changed = {
        (conversion.rule, operation.path)
        for conversion in CONVERSIONS
        for operation in conversion.operations(document, CATALOG)
        if operation.kind != "keep"
    }
    return [
        finding
        for finding in find_findings(document, CATALOG)
        if finding.fix
        and (CONVERSION_RULES.get(finding.rule or "", finding.rule), finding.path) in changed
    ]


def apply_fix(body: Body, finding: RuleFinding, *, choose: bool = True) -> Body:
    """Return the document after the calls of a fix, each with the conversions of a write.

    ``choose``: a query that the fix asks for is the one that modernize takes, and any other value
    it asks for is left out. Otherwise the placeholders stay.
    """
    for call in finding.fix or ():
        changed = _build_change(call, body, choose=choose).apply(body)
        body, _ = use_current_spelling(body, changed, CATALOG)
    return body


def apply_legacy_fixes(body: Body, choose_next: Callable[[int], int] = lambda count: 0) -> Body:
    """Return the document after the fixes of all legacy rules, one after the other.

    ``choose_next`` gets the number of fixes that are left and returns the index of the next.
    """
    for _ in range(MAX_FIXES):
        findings = list_legacy_findings(body)
        if not findings:
            return body
        body = apply_fix(body, findings[choose_next(len(findings))])
    raise AssertionError(f"fixes without an end: {list_legacy_findings(body)}")


def list_changes(before: Body, after: Body) -> dict[str, Any]:
    """Return the values that differ by their paths, ``REMOVED`` for what is gone.

    An empty value is an unset field, as in old reads.
    """
    old, new = (_set_values(body) for body in (before, after))
    paths = dict.fromkeys((*new, *old))
    return {
        path: new.get(path, REMOVED)
        for path in paths
        if repr(new.get(path, REMOVED)) != repr(old.get(path, REMOVED))
    }


def _set_values(body: Body) -> dict[str, Any]:
    values = PersonaDocument(body).values_by_pointer.items()
    return {path: value for path, value in values if is_set(value) and not isinstance(value, dict)}


def _build_change(call: ToolCall, body: Body, *, choose: bool) -> SetFields | EditText:
    arguments = {name: value for name, value in call.arguments.items() if name != "persona_id"}
    if call.tool == "edit_prompt":
        return EditText("system_prompt", arguments["find"], arguments["replace"])
    if call.tool == "patch_persona":
        return _build_patch(arguments["patch"], body)
    layer = call.tool.removeprefix("configure_") if call.tool != "update_persona" else ""
    unset = [_path(layer, name) for name in arguments.pop("unset", ())]
    values = {_path(layer, name): value for name, value in arguments.items()}
    chosen = {path: _choose(value) if choose else value for path, value in values.items()}
    unchosen = [path for path, value in chosen.items() if value is None]
    return SetFields(
        {path: chosen[path] for path in chosen if path not in unchosen}, (*unset, *unchosen)
    )


def _build_patch(operations: list[dict[str, Any]], body: Body) -> SetFields:
    values = {item["path"]: item["value"] for item in operations if "value" in item}
    moved = [item for item in operations if item["op"] == "move"]
    values |= {item["path"]: get_at(body, item["from"]) for item in moved}
    removed = [item["path"] for item in operations if item["op"] == "remove"]
    return SetFields(values, [*removed, *(item["from"] for item in moved)])


def _path(layer: str, name: str) -> str:
    if not layer:
        return f"/{FIELD_BY_ARGUMENT.get(name, name)}"
    nested = layer == "tts" and name in VOICE_SETTINGS
    if layer == "llm" and name in ("temperature", "top_p"):
        return f"/layers/llm/extra_body/{name}"
    return f"/layers/{layer}/voice_settings/{name}" if nested else f"/layers/{layer}/{name}"


def _choose(value: Any) -> Any:
    """Return a value with its placeholders chosen, None where nothing can be."""
    if value == ["<QUERY>"]:
        return [CATALOG.translations["ambient_awareness"].value]
    return None if isinstance(value, str) and re.fullmatch("<[A-Z_]+>", value) else value
