"""Skills and their attachment to personas (docs: skills, pal-skills)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.sandbox.http import (
    Paging,
    Refusal,
    bad_request,
    listed,
    missing_field,
    nothing,
    only_known,
    read_object,
    reply,
    store_of,
)
from tavus_mcp.sandbox.ids import now
from tavus_mcp.sandbox.store import Row, Store

_PAGING = Paging(limit=100, first=1)
_KIND = "persona_skills"


def routes() -> list[Route]:
    """Return the routes of the registry and of the attachments."""
    attached = [
        route
        for path in ("/v2/personas/{persona_id}/skills", "/v2/pals/{persona_id}/skills")
        for route in (
            Route(path, read_all, methods=["GET"]),
            Route(path, replace_all, methods=["PUT"]),
            Route(f"{path}/{{skill_id}}", read, methods=["GET"]),
            Route(f"{path}/{{skill_id}}", attach, methods=["PUT"]),
            Route(f"{path}/{{skill_id}}", update, methods=["PATCH"]),
            Route(f"{path}/{{skill_id}}", detach, methods=["DELETE"]),
        )
    ]
    return [Route("/v2/skills", registry, methods=["GET"]), *attached]


async def registry(request: Request) -> Response:
    """List every skill there is (docs: list-skills)."""
    return reply(listed(request, _PAGING, "skill"))


async def read_all(request: Request) -> Response:
    """Return a persona's skills, keyed by skill id (docs: list-pal-skills)."""
    return reply({"data": _attached(store_of(request), request.path_params["persona_id"])})


async def replace_all(request: Request) -> Response:
    """Replace the whole set; what is not named is detached (docs: replace-pal-skills)."""
    body = await read_object(request)
    only_known(body, frozenset({"skills"}))
    asked = body.get("skills")
    if not isinstance(asked, dict):
        raise missing_field("skills")
    store, persona_id = store_of(request), request.path_params["persona_id"]
    with store.writing():
        before = _attached(store, persona_id, to_change=True)
        after = {
            skill_id: _attachment(store, skill_id, _config(given), before.get(skill_id))
            for skill_id, given in asked.items()
        }
        store.put(_KIND, persona_id, after)
    return reply({"data": after})


async def read(request: Request) -> Response:
    """Return one attachment (docs: get-pal-skill)."""
    attached = _attached(store_of(request), request.path_params["persona_id"])
    return reply(_one(attached, request.path_params["skill_id"]))


async def attach(request: Request) -> Response:
    """Attach a skill or overwrite its configuration (docs: attach-skill-to-pal)."""
    config = _config(await read_object(request))
    store, skill_id = store_of(request), request.path_params["skill_id"]
    with store.writing():
        attached = _attached(store, request.path_params["persona_id"], to_change=True)
        row = _attachment(store, skill_id, config, attached.get(skill_id))
        store.put(_KIND, request.path_params["persona_id"], attached | {skill_id: row})
    return reply(row)


async def update(request: Request) -> Response:
    """Merge into the configuration; null removes a field (docs: update-pal-skill)."""
    changes = _config(await read_object(request))
    store, skill_id = store_of(request), request.path_params["skill_id"]
    with store.writing():
        attached = _attached(store, request.path_params["persona_id"], to_change=True)
        before = _one(attached, skill_id)
        merged = before["config"] | changes
        config = {name: value for name, value in merged.items() if value is not None}
        row = _attachment(store, skill_id, config, before)
        store.put(_KIND, request.path_params["persona_id"], attached | {skill_id: row})
    return reply(row)


async def detach(request: Request) -> Response:
    """Detach a skill (docs: detach-skill-from-pal)."""
    store, skill_id = store_of(request), request.path_params["skill_id"]
    with store.writing():
        attached = _attached(store, request.path_params["persona_id"], to_change=True)
        _one(attached, skill_id)
        del attached[skill_id]
        store.put(_KIND, request.path_params["persona_id"], attached)
    return nothing()


def _attached(store: Store, persona_id: str, *, to_change: bool = False) -> Row:
    persona = store.get("persona", persona_id)
    if persona is None or (to_change and persona["persona_type"] != "user"):
        raise Refusal(404, "PAL not found")
    return store.get(_KIND, persona_id) or {}


def _one(attached: Row, skill_id: str) -> Row:
    if skill_id not in attached:
        raise Refusal(404, f"Skill '{skill_id}' is not attached")
    row: Row = attached[skill_id]
    return row


def _config(given: Any) -> dict[str, Any]:
    config = given.get("config", {}) if isinstance(given, dict) else None
    if not isinstance(config, dict):
        raise bad_request("Bad Request: {'config': ['Not a valid mapping type.']}")
    return config


def _attachment(store: Store, skill_id: str, config: Row, before: Row | None) -> Row:
    skill = store.get("skill", skill_id)
    if skill is None:
        raise Refusal(404, f"Unknown skill '{skill_id}'")
    for name in skill["required_config"]:
        if not config.get(name):
            raise missing_field(name)
    moment = now()
    since = before["attached_at"] if before else moment
    return {"skill_id": skill_id, "config": config, "attached_at": since, "updated_at": moment}
