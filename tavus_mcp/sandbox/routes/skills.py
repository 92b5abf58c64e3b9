"""Skills and their attachment to personas (docs: skills, pal-skills)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import now
from tavus_mcp.sandbox.routes.resource import both_names, require_persona
from tavus_mcp.sandbox.skill_validation import validate_config
from tavus_mcp.sandbox.store import Row, Store

_SKILLS_KIND = "persona_skills"


async def list_skills(request: Request) -> Response:
    """List every skill, without pages (docs: list-skills)."""
    rows = http.store_of(request).all("skill")
    return http.json_response({"data": [_public_skill(row) for row in rows]})


async def read_skill(request: Request) -> Response:
    """Return one skill (vendor client)."""
    return http.json_response(
        _public_skill(_require_skill(http.store_of(request), request.path_params["skill_id"]))
    )


async def list_attached(request: Request) -> Response:
    """Return a persona's skills, keyed by skill id (docs: list-pal-skills)."""
    return http.json_response({"data": _attached_skills(request)})


async def replace_all(request: Request) -> Response:
    """Replace the whole set; skills that are not named are detached (docs: replace-pal-skills)."""
    body = await http.read_object(request)
    http.reject_unknown_fields(body, frozenset({"skills"}))
    skills = body.get("skills")
    if not isinstance(skills, dict):
        raise http.missing_field("skills")
    store = http.store_of(request)
    with store.write_transaction():
        before = _attached_skills(request, for_change=True)
        after = {
            skill_id: _build_attachment(store, skill_id, _parse_config(skill), before.get(skill_id))
            for skill_id, skill in skills.items()
        }
        store.put(_SKILLS_KIND, request.path_params["persona_id"], after)
    return http.json_response({"data": after})


async def read(request: Request) -> Response:
    """Return one attachment (docs: get-pal-skill)."""
    attached = _attached_skills(request)
    return http.json_response(_require_attachment(attached, request.path_params["skill_id"]))


async def attach(request: Request) -> Response:
    """Attach a skill or overwrite its configuration (docs: attach-skill-to-pal)."""
    config = _parse_config(await http.read_object(request))
    store, skill_id = http.store_of(request), request.path_params["skill_id"]
    with store.write_transaction():
        attached = _attached_skills(request, for_change=True)
        row = _build_attachment(store, skill_id, config, attached.get(skill_id))
        store.put(_SKILLS_KIND, request.path_params["persona_id"], attached | {skill_id: row})
    return http.json_response(row)


async def update(request: Request) -> Response:
    """Merge into the configuration; null removes a field (docs: update-pal-skill)."""
    changes = _parse_config(await http.read_object(request))
    store, skill_id = http.store_of(request), request.path_params["skill_id"]
    with store.write_transaction():
        attached = _attached_skills(request, for_change=True)
        before = _require_attachment(attached, skill_id)
        merged = before["config"] | changes
        config = {name: value for name, value in merged.items() if value is not None}
        row = _build_attachment(store, skill_id, config, before)
        store.put(_SKILLS_KIND, request.path_params["persona_id"], attached | {skill_id: row})
    return http.json_response(row)


async def detach(request: Request) -> Response:
    """Detach a skill (docs: detach-skill-from-pal)."""
    store, skill_id = http.store_of(request), request.path_params["skill_id"]
    with store.write_transaction():
        attached = _attached_skills(request, for_change=True)
        _require_attachment(attached, skill_id)
        del attached[skill_id]
        store.put(_SKILLS_KIND, request.path_params["persona_id"], attached)
    return http.empty_response()


def _attached_skills(request: Request, *, for_change: bool = False) -> Row:
    persona = require_persona(request, for_change=for_change)
    return http.store_of(request).get(_SKILLS_KIND, persona["persona_id"]) or {}


def _require_attachment(attached: Row, skill_id: str) -> Row:
    if skill_id not in attached:
        raise http.HttpError(404, f"Skill '{skill_id}' is not attached")
    row: Row = attached[skill_id]
    return row


def _parse_config(body: Any) -> dict[str, Any]:
    config = body.get("config", {}) if isinstance(body, dict) else None
    if not isinstance(config, dict):
        raise http.bad_request("Bad Request: {'config': ['Not a valid mapping type.']}")
    return config


def _build_attachment(store: Store, skill_id: str, config: Row, before: Row | None) -> Row:
    _require_skill(store, skill_id)
    validate_config(store, skill_id, config)
    moment = now()
    since = before["attached_at"] if before else moment
    return {"skill_id": skill_id, "config": config, "attached_at": since, "updated_at": moment}


def _require_skill(store: Store, skill_id: str) -> Row:
    skill = store.get("skill", skill_id)
    if skill is None:
        raise http.HttpError(404, f"Unknown skill '{skill_id}'")
    return skill


def _public_skill(row: Row) -> Row:
    return {
        "skill_id": row["skill_id"],
        "display_name": row["name"],
        "description": row["description"],
        "tool_names": [],  # the vendor's client prints it
    }


ROUTES = (
    ("GET", "/v2/skills", list_skills),
    ("GET", "/v2/skills/{skill_id}", read_skill),
    *both_names("GET", "/v2/personas/{persona_id}/skills", list_attached),
    *both_names("PUT", "/v2/personas/{persona_id}/skills", replace_all),
    *both_names("GET", "/v2/personas/{persona_id}/skills/{skill_id}", read),
    *both_names("PUT", "/v2/personas/{persona_id}/skills/{skill_id}", attach),
    *both_names("PATCH", "/v2/personas/{persona_id}/skills/{skill_id}", update),
    *both_names("DELETE", "/v2/personas/{persona_id}/skills/{skill_id}", detach),
)
