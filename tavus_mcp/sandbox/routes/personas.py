"""Personas, today also called PALs (docs: create-persona, patch-persona, pals/create-pal)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.models.vocabularies import (
    pointer_to_persona_names,
    to_persona_names,
    value_to_persona_names,
)
from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import generate_id, now
from tavus_mcp.sandbox.json_patch import (
    Operations,
    apply_operations,
    bad_patch,
    is_equal_json,
    not_modified_response,
    read_operations,
)
from tavus_mcp.sandbox.persona_validation import (
    add_empty_lists,
    add_implicit_values,
    check_references,
    check_server_fields,
    drop_implicit_values,
    normalize_persona,
    reject_key_copies,
    reject_server_fields,
    render_persona,
    validate_persona,
)
from tavus_mcp.sandbox.routes.resource import Resource, both_names
from tavus_mcp.sandbox.store import Row, Store
from tavus_mcp.sandbox.switches import Switches, switches_of

MAKER_CHANGES = "maker_changes"
"""The kind of the unpublished edits that somebody made in the dashboard, by persona id."""
_DRAFT = "persona_draft"
_PUBLISH_URL = "https://maker.tavus.example/pals/{}/publish"
PERSONAS = Resource(
    kind="persona",
    parameter="persona_id",
    not_found=(400, "Invalid persona_id"),
    paging=http.Paging(limit=10, first_page=1),
)


async def create(request: Request) -> Response:
    """Create a persona; the reply has id, name and time only (docs: create-persona)."""
    body = await http.read_object(request)
    http.reject_mixed_vocabularies(body)
    persona = normalize_persona(to_persona_names(body))
    reject_server_fields(persona)
    validate_persona(persona, switches_of(request), key="error")
    store = http.store_of(request)
    born = now()
    persona_id = generate_id("persona")
    row = {"persona_id": persona_id} | persona
    row |= {"persona_type": "user", "created_at": born, "updated_at": born}
    if switches_of(request).tool_ids_at_creation == "ignored":
        row.pop("tool_ids", None)
    with store.write_transaction():
        check_references(store, {}, row, key="error")
        store.put("persona", persona_id, row)
    reply = _creation_reply(render_persona(row, switches_of(request)))
    return http.json_response(http.to_path_vocabulary(request, reply))


async def list_all(request: Request) -> Response:
    """List personas, whole documents each (docs: get-personas)."""
    name = "persona_type" if "persona_type" in request.query_params else "pal_type"
    page = PERSONAS.page(
        request,
        http.type_filter(request, name, "persona_type"),
        render=lambda row: render_persona(row, switches_of(request)),
    )
    return http.json_response(http.to_path_vocabulary(request, page))


async def read(request: Request) -> Response:
    """Return one persona, flat (the docs wrap it in ``data``, practice does not)."""
    row, switches, skills = PERSONAS.requested(request), switches_of(request), None
    if http.query_flag(request, "include_settings") and switches.include_settings == "answered":
        skills = http.store_of(request).get("persona_skills", row["persona_id"]) or {}
    return http.json_response(
        http.to_path_vocabulary(request, render_persona(row, switches, skills))
    )


async def patch(request: Request) -> Response:
    """Apply a JSON Patch (docs: patch-persona, pal/editing-lifecycle).

    With drafts it changes the draft of the persona, which a publication makes live (docs:
    draft-and-live).
    """
    operations = [rename_operation(item) for item in await read_operations(request)]
    store, switches = http.store_of(request), switches_of(request)
    if switches.test_operations == "refused" and any(item["op"] == "test" for item in operations):
        raise bad_patch()
    if switches.guardrail_ids_patches == "ignored":
        operations = [item for item in operations if item["path"] != "/guardrail_ids"]
    kind = _DRAFT if switches.patches == "draft" else "persona"
    with store.write_transaction():
        live = require_editable(store, request.path_params["persona_id"], key="message")
        before = store.get(kind, live["persona_id"]) or live
        after = apply_and_validate(store, before, operations, switches)
        if is_equal_json(before, after):
            return not_modified_response()
        members = _resolve_maker_changes(
            store, before, after, force=http.query_flag(request, "force")
        )
        after["updated_at"] = now()
        store.put(kind, after["persona_id"], after)
    if kind == _DRAFT:
        members |= {"is_draft": True, "publish_url": _PUBLISH_URL.format(after["persona_id"])}
    if switches.patch_answer == "empty":
        return http.empty_response(200)
    reply = render_persona(after, switches) | members
    return http.json_response(http.to_path_vocabulary(request, reply))


async def publish(request: Request) -> Response:
    """Make the draft of a persona live (docs: publish-pal); without a draft nothing changes.

    The live meeting identity stays. Unpublished edits of the dashboard are a conflict; with
    ``force`` they are discarded.
    """
    await http.read_object(request)
    store = http.store_of(request)
    with store.write_transaction():
        live = require_editable(store, request.path_params["persona_id"])
        draft = store.get(_DRAFT, live["persona_id"]) or live
        members = _resolve_maker_changes(store, live, None, force=http.query_flag(request, "force"))
        layers = {name: layer for name, layer in draft["layers"].items() if name != "conferencing"}
        if "conferencing" in live["layers"]:
            layers["conferencing"] = live["layers"]["conferencing"]
        after = {**draft, "layers": layers}
        if not is_equal_json(live, after):
            after["updated_at"] = now()
        store.put("persona", live["persona_id"], after)
        store.remove(_DRAFT, live["persona_id"])
    names = ("persona_id", "persona_name", "system_prompt", "updated_at")
    reply = {"status": "success", **{name: after[name] for name in names}, **members}
    return http.json_response(http.to_path_vocabulary(request, reply))


async def delete(request: Request) -> Response:
    """Delete a persona and its attachments; conversations stay (docs: delete-persona)."""
    store = http.store_of(request)
    with store.write_transaction():
        persona_id = require_editable(store, request.path_params["persona_id"])["persona_id"]
        for kind in ("persona", "persona_skills", MAKER_CHANGES, _DRAFT):
            store.remove(kind, persona_id)
    return http.empty_response()


def require_editable(store: Store, persona_id: str, *, key: str = "error") -> Row:
    """Return a persona of the account; stock ones are refused as if absent (live report)."""
    row = store.get("persona", persona_id)
    if row is None or row["persona_type"] != "user":
        raise http.bad_request("Invalid persona_id", key=key)
    return row


def apply_and_validate(
    store: Store, before: Row, operations: Operations, switches: Switches
) -> Row:
    """Return a persona with a patch applied, as it is stored; refuse what breaks a rule."""
    reject_key_copies(operations)
    patched = apply_operations(add_empty_lists(add_implicit_values(before, switches)), operations)
    after = normalize_persona(patched)
    check_server_fields(before, after)
    validate_persona(after, switches, key="message")
    after = drop_implicit_values(after, before)
    check_references(store, before, after, key="message")
    if _conferencing(before) != _conferencing(after) and not _is_conferencing_only(before, after):
        raise http.bad_request(
            "Bad Request: layers.conferencing must be patched on its own", key="message"
        )
    return after


def _resolve_maker_changes(
    store: Store, before: Row, after: Row | None, *, force: bool
) -> dict[str, Any]:
    """Refuse while the dashboard has unpublished edits, or discard them if forced.

    ``after`` is the patched persona, None for a publication.
    """
    persona_id = before["persona_id"]
    is_exempt = after is not None and _is_conferencing_only(before, after)
    if is_exempt or store.get(MAKER_CHANGES, persona_id) is None:
        return {}
    if not force:
        raise http.HttpError(
            409,
            "This persona has unpublished changes in PAL Maker. Publish or discard them, or "
            "retry with force=true to discard them.",
            key="message",
            conflict="maker_changes",
        )
    store.remove(MAKER_CHANGES, persona_id)
    return {"discarded_maker_changes": True}


def _conferencing(persona: Row) -> Any:
    return persona["layers"].get("conferencing")


def _is_conferencing_only(before: Row, after: Row) -> bool:
    def rest(persona: Row) -> Row:
        layers = {
            name: layer for name, layer in persona["layers"].items() if name != "conferencing"
        }
        return persona | {"layers": layers}

    return is_equal_json(rest(before), rest(after))


def _creation_reply(row: Row) -> Row:
    names = ("persona_id", "persona_name", "conferencing_email", "created_at")
    return {name: row[name] for name in names if name in row}


def rename_operation(operation: dict[str, Any]) -> dict[str, Any]:
    """Return an operation in persona names; free-form objects keep their own names."""
    renamed = dict(operation)
    if "value" in operation:
        renamed["value"] = value_to_persona_names(operation["path"], operation["value"])
    for name in ("path", "from"):
        if isinstance(operation.get(name), str):
            renamed[name] = pointer_to_persona_names(operation[name])
    return renamed


ROUTES = (
    *both_names("GET", "/v2/personas/{persona_id}", read),
    *both_names("GET", "/v2/personas", list_all),
    *both_names("POST", "/v2/personas", create),
    *both_names("PATCH", "/v2/personas/{persona_id}", patch),
    *both_names("DELETE", "/v2/personas/{persona_id}", delete),
    *both_names("POST", "/v2/personas/{persona_id}/publish", publish),
)
