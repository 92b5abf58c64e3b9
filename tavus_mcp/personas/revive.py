"""Bring a deleted persona back: create it again, with all that the journal holds of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import NotFound, Refused, TavusError
from tavus_mcp.history.record import WriteOrigin
from tavus_mcp.history.redactions import redacted_paths, restore_visible
from tavus_mcp.history.restoring import CUSTOM_LLM, keyless_llm_paths
from tavus_mcp.models.base import JsonObject, is_set
from tavus_mcp.models.changes import put_at, remove_at
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.json_patch import get_at, pointer_tokens
from tavus_mcp.models.masking import is_secret_path
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas import create, plans
from tavus_mcp.personas.create import CreateRequest, copyable_fields
from tavus_mcp.tavus_api.endpoints import ENDPOINTS
from tavus_mcp.text import quote_foreign_names, quote_paths

NOT_RESTORED = "key-not-restored"
"""The rule of the findings for fields that cannot be restored."""
_REFERENCE_ERRORS = {
    "default_replica_id": "invalid replica",
    "objectives_id": "invalid objectives",
    "guardrails_id": "invalid guardrails_id",
    "guardrail_ids": "invalid guardrail_ids",
    "document_ids": "invalid document",
    "tool_ids": "invalid tool_ids",
    "persona_description": "persona_description",
}
"""Fields that Tavus may refuse to restore, with a part of its error.

All but one refer to other objects, which may be gone. Whether a new persona may have a description
is not documented.
"""
_KINDS_IN_LISTS = {"guardrail_ids": "guardrail", "document_ids": "document", "tool_ids": "tool"}
"""The kinds of objects whose ids are in lists."""
MAX_ATTEMPTS = len(_REFERENCE_ERRORS) + 1
TOO_MANY_MISSING = "Too many objects that this persona refers to no longer exist. Create it again."


async def revive(
    app: App,
    persona_id: str,
    target: PersonaDocument,
    secrets: Mapping[str, Any],
    origin: WriteOrigin,
    *,
    dry_run: bool = False,
) -> Receipt:
    """Create a deleted persona again, without what cannot be restored.

    ``secrets`` are those that were inserted into the target, by pointer; ``origin`` is what the
    creation belongs to.
    """
    fields, lost = _revivable_fields(target, secrets)
    is_planned = plans.must_be_planned(app, dry_run=dry_run)
    new_id = warning(
        "new-id",
        f"Persona {persona_id!r} no longer exists, so it {'is' if is_planned else 'was'} created "
        "again, under a new id.",
        path="/persona_id",
        hint="Use the new id wherever the old one was used.",
    )
    findings = [new_id, *lost]
    for _ in range(MAX_ATTEMPTS):
        revived = CreateRequest(
            fields,
            dry_run=dry_run,
            findings=findings,
            tool="restore_revision",
            revives=persona_id,
            origin=origin,
        )
        try:
            return await create.create(app, revived)
        except TavusError as error:
            fields, finding = await drop_missing_references(app, fields, {}, error)
            findings.append(finding)
    raise Refused(TOO_MANY_MISSING)


def describe_loss(app: App, document: PersonaDocument) -> str:
    """Return what of a persona cannot be restored once it is deleted, as one sentence."""
    stored = app.masker.mask_with_paths(document.data)
    masked = frozenset(map(pointer_tokens, stored.paths))
    _, lost = _revivable_fields(PersonaDocument(stored.value, masked=masked), {})
    paths = [finding.path for finding in lost]
    fields = f" and {quote_paths(paths)}" if paths else ""
    return f"After the deletion its id{fields} cannot be restored."


def _revivable_fields(
    target: PersonaDocument, secrets: Mapping[str, Any]
) -> tuple[JsonObject, list[RuleFinding]]:
    """Return the fields with which a persona is created again, and findings on the others."""
    stored = target.writable_fields()
    visible = restore_visible(stored, {}, target.masked)
    fields, uncopied = copyable_fields(visible, "Not restored", keeps_nulls=True)
    for path in secrets:
        if secret := get_at(visible, path):
            put_at(fields, path, secret)
    keyless = keyless_llm_paths({}, fields)
    for path in keyless:
        remove_at(fields, path)
    lost = [*redacted_paths(stored, {}, target.masked), *keyless]
    return fields, [
        *(unrestored_finding(path, is_new=True) for path in lost),
        *(finding for finding in uncopied if finding.path not in secrets),
        *_skill_findings(target),
    ]


def _skill_findings(target: PersonaDocument) -> list[RuleFinding]:
    """Return a finding for the skills, which are no part of what creates a persona."""
    if not is_set(target.value("/skills")):
        return []
    return [warning("not-copied", "Not restored: attach the skills again.", path="/skills")]


def unrestored_finding(path: str, *, is_new: bool = False) -> RuleFinding:
    """Return the finding for a field that cannot be restored; ``is_new``: of a new object."""
    if path in CUSTOM_LLM:
        message = "Not restored: a custom LLM needs its key, and the journal stores no keys."
        hint = "configure_llm(persona_id, model=..., base_url=..., api_key_ref=...)."
        return warning("not-copied", message, path=path, hint=hint)
    message = "Not restored: the value held a secret, and the journal stores no secrets."
    if is_secret_path(pointer_tokens(path)):
        message = "Not restored: Tavus never returns keys, so the journal holds none."
    hint = "Set it again." if is_new else "The present value stays. If there is none, set it again."
    return warning(NOT_RESTORED, message, path=path, hint=hint)


async def drop_missing_references(
    app: App, fields: JsonObject, current: JsonObject, error: TavusError
) -> tuple[JsonObject, RuleFinding]:
    """Return the fields without the references that Tavus calls invalid, and the finding on them.

    Of a list, the ids of objects that still exist are kept. A field without any left is as in
    ``current``, the object that is restored. Raises the error if it is about no reference.
    """
    name = _find_refused_field(fields, error)
    references, missing = fields[name], list[str]()
    if name in _KINDS_IN_LISTS and isinstance(references, list):
        for object_id in references:
            try:
                await app.api.get_object(ENDPOINTS[_KINDS_IN_LISTS[name]], object_id)
            except NotFound:
                missing.append(object_id)
    left = [item for item in references if item not in missing] if missing else []
    own = {name: left} if left else {key: current[key] for key in (name,) if key in current}
    others = {key: value for key, value in fields.items() if key != name}
    return {**others, **own}, _missing_reference_finding(name, missing or references)


def _find_refused_field(fields: JsonObject, error: TavusError) -> str:
    """Return the field that Tavus calls invalid; raise the error if it is about none."""
    message = str(error).lower()
    for name, words in _REFERENCE_ERRORS.items():
        if error.status == 400 and words in message and name in fields:
            return name
    raise error


def _missing_reference_finding(name: str, references: Any) -> RuleFinding:
    """Return the finding for a field that Tavus refused to restore."""
    if name == "persona_description":
        hint = "Set it with update_persona(persona_id, persona_description=...)."
        message = "Not restored: Tavus refused it for a new persona."
        return warning("not-copied", message, path=f"/{name}", hint=hint)
    ids = references if isinstance(references, list) else [references]
    subject = "no object has this id" if len(ids) == 1 else "no objects have these ids"
    message = f"Not restored: {subject} any more ({quote_foreign_names(ids)})."
    return warning("gone-reference", message, path=f"/{name}")
