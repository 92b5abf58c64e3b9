"""The goal ``modernize``: everything old in today's words, and nothing that is heard changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tavus_mcp.catalog import EngineFacts, ModelFacts
from tavus_mcp.checker.lookups import has_custom_llm, is_set, text
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.masking import is_masked, is_secret_name
from tavus_mcp.tuning import modern_fields, modern_rest, modern_voice, turns
from tavus_mcp.tuning.translating import by_hand, give_up, translate
from tavus_mcp.tuning.working_copy import PROMPT, Already, Draft

# fields that stood inside layers, and what update_persona calls them where it removes them
_DOCUMENTS = {"document_ids": "documents", "document_tags": "document_tags"}
_BEARER = "bearer "


def modernize(draft: Draft) -> None:
    """Say everything old in today's words; what cannot be carried over is flagged."""
    for step in (
        _choices,
        _context,
        modern_fields.typed,
        modern_fields.older_names,
        modern_fields.ambient_awareness,
        modern_fields.hotwords,
        modern_voice.modernize,
        turns.modernize,
        _retired_layers,
        _audio_only,
        _key_in_header,
        _inline_functions,
        _guardrails,
        _aliases,
        modern_rest.undocumented,
        modern_rest.left_over,
    ):
        step(draft)
    if not draft.reasons and not draft.remarks:
        draft.already.append(Already(draft.goal, "", "says everything in today's words"))


def attach_documents(draft: Draft) -> None:
    """Move documents out of layers, where they attach nothing; every write does the same."""
    for name, argument in _DOCUMENTS.items():
        layers, nested = draft.at("/layers"), draft.at(f"/layers/{name}")
        if not isinstance(layers, dict) or name not in layers:
            continue
        stored = draft.at(f"/{name}")
        listed = stored if isinstance(stored, list) else []
        inside = nested if isinstance(nested, list) else []
        if missing := [one for one in inside if one not in listed]:
            words = {"old": name, "new": argument}
            translate(draft, "misplaced_documents", f"/{name}", [*listed, *missing], **words)
        give_up(draft, "misplaced_inside", f"/layers/{name}", old=name)


def _choices(draft: Draft) -> None:
    """Replace models and engines that are on their way out by their successors."""
    finders: dict[str, tuple[str, Callable[[str], ModelFacts | EngineFacts | None]]] = {
        "llm_model": ("/layers/llm/model", draft.catalog.llm_model),
        "stt_engine": ("/layers/stt/stt_engine", draft.catalog.stt_engine),
        "perception_model": ("/layers/perception/perception_model", draft.catalog.perception_model),
    }
    if has_custom_llm(draft.document):
        del finders["llm_model"]  # your endpoint has models of its own
    for name, (path, facts_of) in finders.items():
        facts = facts_of(text(draft.at(path)))
        if facts and facts.successor:
            words = {"old": facts.id, "new": facts.successor, "status": _status(facts.status)}
            translate(draft, name, path, facts.successor, **words)


def _status(status: str) -> str:
    return "no longer in the docs" if status == "unknown" else status


def _context(draft: Draft) -> None:
    """Fold context into the prompt, where this mode has one."""
    context, prompt = draft.at("/context"), draft.at(PROMPT)
    readable = prompt is None or isinstance(prompt, str)
    if not text(context) or not readable or not draft.has_effect("/context"):
        return
    if text(context) in text(prompt):
        give_up(draft, "context_twice", "/context")
        return
    together = f"{prompt}\n\n{context}" if text(prompt) else context
    translate(draft, "context", PROMPT, together)
    give_up(draft, "context", "/context")


def _retired_layers(draft: Draft) -> None:
    for name in draft.catalog.layers():
        facts = draft.catalog.layer(name)
        if facts.status == "retired" and draft.is_set(f"/layers/{name}"):
            give_up(draft, "retired_layer", f"/layers/{name}", old=name, new=facts.successor or "")


def _audio_only(draft: Draft) -> None:
    if "audio_only" in draft.document.data:
        give_up(draft, "audio_only", "/audio_only")


def _key_in_header(draft: Draft) -> None:
    """Move a bearer key from a header to api_key, where none is; flag what cannot be moved."""
    headers = draft.at("/layers/llm/headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if not is_secret_name(str(name)):
            continue
        path = "/layers/llm/headers" + pointer_of([name])
        key = _bearer(str(name), value)
        if has_custom_llm(draft.document) and draft.is_set("/layers/llm/api_key"):
            by_hand(draft, "header_key_double", path, old=str(name))
        elif key and has_custom_llm(draft.document):
            translate(draft, "header_key", "/layers/llm/api_key", key, old="a header")
            give_up(draft, "header_key", path, old="this header")
        else:
            by_hand(draft, "header_key_masked", path, old=str(name))


def _bearer(name: str, value: Any) -> str:
    """Return the key of an Authorization header, or an empty text when there is none to see."""
    written = text(value)
    if name.lower() != "authorization" or not written.lower().startswith(_BEARER):
        return ""
    key = written[len(_BEARER) :].strip()
    return "" if is_masked(key) else key


def _inline_functions(draft: Draft) -> None:
    for layer in ("llm", "perception"):
        for facts in draft.catalog.fields(layer):
            path = f"/layers/{layer}/{facts.name}"
            if facts.type == "object[]" and draft.is_set(path):
                by_hand(draft, "inline_functions", path)


def _guardrails(draft: Draft) -> None:
    if draft.is_set("/guardrails_id"):
        by_hand(draft, "guardrails_set", "/guardrails_id")


def _aliases(draft: Draft) -> None:
    """Tell of values that still work and have newer counterparts, such as an older replica."""
    for seed in draft.catalog.seed_items():
        stored = draft.at(seed.path) if seed.path and seed.value else None
        if seed.status == "alias" and is_set(stored) and stored == seed.value:
            message = f"Older, but it still works: {seed.item}. Today: {seed.equivalent}."
            hint = "To change it: update_persona(persona_id, default_replica_id=...)."
            draft.remark("alias", seed.path or "", message, hint, seed.source, "info")
