"""The goal ``modernize``: everything old in today's words, and nothing that is heard changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tavus_mcp.catalog import EngineFacts, ModelFacts
from tavus_mcp.models.base import is_set, text
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.masking import is_masked, is_secret_name
from tavus_mcp.tuning import modern_fields, modern_rest, modern_voice, turns
from tavus_mcp.tuning.translating import flag_for_manual_change, remove_with_reason, translate
from tavus_mcp.tuning.working_copy import PROMPT, AlreadyMet, WorkingCopy

# fields that stood inside layers, and what update_persona calls them where it removes them
_DOCUMENT_ARGUMENTS = {"document_ids": "documents", "document_tags": "document_tags"}
_BEARER_PREFIX = "bearer "


def modernize(working_copy: WorkingCopy) -> None:
    """Say everything old in today's words; what cannot be carried over is flagged."""
    for step in (
        _replace_discouraged_choices,
        _merge_context,
        modern_fields.convert_quoted_values,
        modern_fields.rename_older_fields,
        modern_fields.replace_ambient_awareness,
        modern_fields.join_hotwords,
        modern_voice.modernize_voice,
        turns.modernize_turn_taking,
        _remove_retired_layers,
        _remove_audio_only,
        _move_header_key,
        _flag_inline_functions,
        _flag_guardrails,
        _report_aliases,
        modern_rest.flag_undocumented,
        modern_rest.flag_remaining,
    ):
        step(working_copy)
    if not working_copy.reasons and not working_copy.findings:
        working_copy.already_met.append(
            AlreadyMet(working_copy.goal, "", "says everything in today's words")
        )


def attach_documents(working_copy: WorkingCopy) -> None:
    """Move documents out of layers, where they attach nothing; every write does the same."""
    for name, argument in _DOCUMENT_ARGUMENTS.items():
        layers, nested = working_copy.at("/layers"), working_copy.at(f"/layers/{name}")
        if not isinstance(layers, dict) or name not in layers:
            continue
        stored = working_copy.at(f"/{name}")
        listed = stored if isinstance(stored, list) else []
        inside = nested if isinstance(nested, list) else []
        if missing := [one for one in inside if one not in listed]:
            words = {"old": name, "new": argument}
            translate(working_copy, "misplaced_documents", f"/{name}", [*listed, *missing], **words)
        remove_with_reason(working_copy, "misplaced_inside", f"/layers/{name}", old=name)


def _replace_discouraged_choices(working_copy: WorkingCopy) -> None:
    """Replace models and engines that are on their way out by their successors."""
    finders: dict[str, tuple[str, Callable[[str], ModelFacts | EngineFacts | None]]] = {
        "llm_model": ("/layers/llm/model", working_copy.catalog.llm_models.find),
        "stt_engine": ("/layers/stt/stt_engine", working_copy.catalog.stt_engines.find),
        "perception_model": (
            "/layers/perception/perception_model",
            working_copy.catalog.perception_models.find,
        ),
    }
    if working_copy.document.has_custom_llm:
        del finders["llm_model"]  # your endpoint has models of its own
    for name, (path, facts_of) in finders.items():
        facts = facts_of(text(working_copy.at(path)))
        if facts and facts.successor:
            words = {"old": facts.id, "new": facts.successor, "status": _status_text(facts.status)}
            translate(working_copy, name, path, facts.successor, **words)


def _status_text(status: str) -> str:
    return "no longer in the docs" if status == "unknown" else status


def _merge_context(working_copy: WorkingCopy) -> None:
    """Fold context into the prompt, where this mode has one."""
    context, prompt = working_copy.at("/context"), working_copy.at(PROMPT)
    readable = prompt is None or isinstance(prompt, str)
    if not text(context) or not readable or not working_copy.has_effect("/context"):
        return
    if text(context) in text(prompt):
        remove_with_reason(working_copy, "context_twice", "/context")
        return
    together = f"{prompt}\n\n{context}" if text(prompt) else context
    translate(working_copy, "context", PROMPT, together)
    remove_with_reason(working_copy, "context", "/context")


def _remove_retired_layers(working_copy: WorkingCopy) -> None:
    for name in working_copy.catalog.layer_names:
        facts = working_copy.catalog.layer(name)
        if facts.status == "retired" and working_copy.is_set(f"/layers/{name}"):
            remove_with_reason(
                working_copy,
                "retired_layer",
                f"/layers/{name}",
                old=name,
                new=facts.successor or "",
            )


def _remove_audio_only(working_copy: WorkingCopy) -> None:
    if "audio_only" in working_copy.document.data:
        remove_with_reason(working_copy, "audio_only", "/audio_only")


def _move_header_key(working_copy: WorkingCopy) -> None:
    """Move a bearer key from a header to api_key, where none is; flag what cannot be moved."""
    headers = working_copy.at("/layers/llm/headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if not is_secret_name(str(name)):
            continue
        path = "/layers/llm/headers" + pointer_of([name])
        key = _find_bearer_key(str(name), value)
        if working_copy.document.has_custom_llm and working_copy.is_set("/layers/llm/api_key"):
            flag_for_manual_change(working_copy, "header_key_double", path, old=str(name))
        elif key and working_copy.document.has_custom_llm:
            translate(working_copy, "header_key", "/layers/llm/api_key", key, old="a header")
            remove_with_reason(working_copy, "header_key", path, old="this header")
        else:
            flag_for_manual_change(working_copy, "header_key_masked", path, old=str(name))


def _find_bearer_key(name: str, value: Any) -> str:
    """Return the key of an Authorization header, or an empty text when there is none to see."""
    written = text(value)
    if name.lower() != "authorization" or not written.lower().startswith(_BEARER_PREFIX):
        return ""
    key = written[len(_BEARER_PREFIX) :].strip()
    return "" if is_masked(key) else key


def _flag_inline_functions(working_copy: WorkingCopy) -> None:
    for layer in ("llm", "perception"):
        for facts in working_copy.catalog.fields(layer):
            path = f"/layers/{layer}/{facts.name}"
            if facts.type == "object[]" and working_copy.is_set(path):
                flag_for_manual_change(working_copy, "inline_functions", path)


def _flag_guardrails(working_copy: WorkingCopy) -> None:
    if working_copy.is_set("/guardrails_id"):
        flag_for_manual_change(working_copy, "guardrails_set", "/guardrails_id")


def _report_aliases(working_copy: WorkingCopy) -> None:
    """Tell of values that still work and have newer counterparts, such as an older replica."""
    for seed in working_copy.catalog.seed_mappings():
        stored = working_copy.at(seed.path) if seed.path and seed.value else None
        if seed.status == "alias" and is_set(stored) and stored == seed.value:
            message = f"Older, but it still works: {seed.item}. Today: {seed.equivalent}."
            hint = "To change it: update_persona(persona_id, default_replica_id=...)."
            working_copy.add_finding("alias", seed.path or "", message, hint, seed.source, "info")
