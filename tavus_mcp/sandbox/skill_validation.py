"""Rules for the configuration of skills (docs: magic-canvas, skills/presentation)."""

from __future__ import annotations

import posixpath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import MISSING, Field

from tavus_mcp.sandbox.http import Body, bad_request, validate_body
from tavus_mcp.sandbox.store import Row, Store

_PRESENTABLE = (".pdf", ".png", ".jpg", ".jpeg")


class NoConfig(Body):
    """The configuration of a skill that has none."""


class Component(Body):
    """A component of the canvas; components that are not listed are on."""

    enabled: bool = True


class SchedulingEmbed(Component):
    """The booking component, which needs an address to have an effect."""

    provider: Literal["calendly"] = "calendly"
    scheduling_url: Annotated[str, Field(pattern=r"^https://\S+$")] | MISSING = MISSING


class Components(Body):
    """The components of the canvas, by id."""

    question: Component | MISSING = MISSING
    input: Component | MISSING = MISSING
    calendar: Component | MISSING = MISSING
    scheduling_embed: SchedulingEmbed | MISSING = MISSING
    text: Component | MISSING = MISSING
    chart: Component | MISSING = MISSING
    alert: Component | MISSING = MISSING
    image: Component | MISSING = MISSING
    video: Component | MISSING = MISSING


class MagicCanvas(Body):
    """Cards that are shown during a call."""

    components: Components | MISSING = MISSING
    usage_guidance: str | MISSING = MISSING


class Presentation(Body):
    """Slides and images from the knowledge base."""

    document_ids: Annotated[list[str], Field(min_length=1)]
    slides_trigger: Literal["on_demand", "walk_the_deck"] = "on_demand"
    prompt: str | MISSING = MISSING


_MODELS: dict[str, type[Body]] = {"magic_canvas": MagicCanvas, "presentation": Presentation}


def validate_config(store: Store, skill_id: str, config: Row) -> None:
    """Refuse a configuration that breaks a rule; a presentation needs documents it can show."""
    validate_body(_MODELS.get(skill_id, NoConfig), config)
    unusable = [
        document_id
        for document_id in config.get("document_ids", [])
        if not _is_presentable(store.get("document", document_id))
    ]
    if unusable:
        raise bad_request(f"Bad Request: {{'document_ids': ['Not presentable: {unusable[0]}.']}}")


def _is_presentable(document: Row | None) -> bool:
    """Return True for a PDF or an image, and not for a website or another file (docs)."""
    if document is None or document.get("crawl_config"):
        return False
    extension = posixpath.splitext(urlsplit(document["document_url"]).path)[1]
    return extension.lower() in _PRESENTABLE
