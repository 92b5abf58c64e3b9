"""Rules about skills of a persona: their configuration, and modes in which they do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.parts.part_rule import CheckedPart, part_rule, remove_value, set_value
from tavus_mcp.checker.rule import Violation
from tavus_mcp.models.base import indexed_texts
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.parts.skill import SKILL_IDS
from tavus_mcp.text import find_nearest, quote_foreign

_COMPONENTS = (
    *("question", "input", "calendar", "scheduling_embed", "text", "chart", "alert"),
    *("image", "video"),
)
_COMPONENT_FIELDS = {"scheduling_embed": ("enabled", "provider", "scheduling_url")}
_CONFIG_FIELDS = {
    "magic_canvas": ("components", "usage_guidance"),
    "presentation": ("document_ids", "slides_trigger", "prompt"),
    "internet_search": (),
    "memory": (),
    "browser_use": ("guided_flows", "slide_document_id"),
}
_TRIGGERS = ("on_demand", "walk_the_deck")
_CANVAS = "P:magic-canvas/api/configuration"
_PRESENTATION = "P:skills/presentation"
_EMBED = "/config/components/scheduling_embed"


@part_rule(
    "skill-unknown", "warning", "skill", source="P:skills/overview, V:recipes/capabilities.py"
)
def unknown(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Tavus names the skills; an unknown one is refused unless it is new."""
    skill_id = part.skill_id
    if skill_id and skill_id not in SKILL_IDS:
        nearest = find_nearest(skill_id, SKILL_IDS)
        message = f"{quote_foreign(skill_id)} is not a known skill; Tavus decides."
        hint = f"Did you mean {quote_foreign(nearest)}?" if nearest else "list_skills shows them."
        yield Violation("/skill_id", message, hint)


@part_rule(
    "skill-config-unknown",
    "error",
    "skill",
    source=f"{_CANVAS}, P:attach-skill-to-pal",
    blocks_write=True,
)
def config_unknown(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Tavus refuses stray keys in a configuration."""
    allowed = _CONFIG_FIELDS.get(part.skill_id)
    if allowed is None:
        return
    yield from _unknown_keys("/config", part.object_at("/config"), allowed)
    components = part.object_at("/config/components")
    if part.skill_id == "magic_canvas":
        yield from _unknown_keys("/config/components", components, _COMPONENTS)
        for name, component in components.items():
            if name in _COMPONENTS and isinstance(component, dict):
                fields = _COMPONENT_FIELDS.get(name, ("enabled",))
                yield from _unknown_keys(f"/config/components/{name}", component, fields)


def _unknown_keys(
    path: str, value: dict[str, Any], allowed: tuple[str, ...]
) -> Iterator[Violation]:
    for name in value:
        if name in allowed:
            continue
        nearest = find_nearest(str(name), allowed)
        message = f"Unknown field{f'; did you mean {quote_foreign(nearest)}?' if nearest else '.'}"
        pointer = f"{path}{pointer_of([str(name)])}"
        yield Violation(pointer, message, "Rename it, or remove it: ", remove_value(pointer))


@part_rule("skill-canvas-components", "error", "skill", source=_CANVAS, blocks_write=True)
def canvas_components(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Components are a map of those that differ from being on."""
    components = part.at("/config/components")
    if part.skill_id != "magic_canvas" or components is None:
        return
    if not isinstance(components, dict):
        yield Violation(
            "/config/components",
            "components is an object of components by id, such as "
            '{"chart": {"enabled": false}}; those that are not in it are on.',
            remove_value("/config/components"),
        )
        return
    for name, component in components.items():
        path = f"/config/components{pointer_of([str(name)])}"
        if isinstance(component, bool):
            yield Violation(
                path,
                'A component is an object, such as {"enabled": false}.',
                set_value(path, {"enabled": component}),
            )
        elif not isinstance(component, dict):
            yield Violation(
                path, 'A component is an object, such as {"enabled": false}.', remove_value(path)
            )


@part_rule("skill-booking-inactive", "warning", "skill", source=_CANVAS)
def booking_inactive(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Without its address, the booking component stays inactive, without an error."""
    if part.skill_id != "magic_canvas" or not part.is_set(_EMBED):
        return
    is_off = part.at(f"{_EMBED}/enabled") is False
    if not is_off and not part.text(f"{_EMBED}/scheduling_url"):
        yield Violation(
            f"{_EMBED}/scheduling_url",
            "Without scheduling_url the booking component stays inactive.",
            "Give the address of your Calendly page.",
        )


@part_rule("skill-booking-address", "error", "skill", source=_CANVAS, blocks_write=True)
def booking_address(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """The booking component shows a page of Calendly over https."""
    if part.skill_id != "magic_canvas":
        return
    url, provider = part.text(f"{_EMBED}/scheduling_url"), part.text(f"{_EMBED}/provider")
    if url and not url.startswith("https://"):
        path = f"{_EMBED}/scheduling_url"
        fix = set_value(path, f"https{url[4:]}") if url.startswith("http://") else "Give it."
        yield Violation(path, "scheduling_url must begin with https://.", fix)
    if provider and provider != "calendly":
        path = f"{_EMBED}/provider"
        yield Violation(path, "The only provider is calendly.", set_value(path, "calendly"))


@part_rule(
    "skill-presentation-documents", "error", "skill", source=_PRESENTATION, blocks_write=True
)
def presentation_documents(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A presentation shows documents of the account."""
    if part.skill_id != "presentation":
        return
    if not any(value.strip() for _, value in indexed_texts(part.at("/config/document_ids"))):
        yield Violation(
            "/config/document_ids",
            "A presentation needs document_ids, with at least one PDF or image.",
            set_value("/config/document_ids", ["<DOCUMENT_ID>"]),
        )


@part_rule("skill-presentation-trigger", "error", "skill", source=_PRESENTATION, blocks_write=True)
def presentation_trigger(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Slides are shown on demand, or one after another."""
    trigger = part.at("/config/slides_trigger")
    if part.skill_id == "presentation" and trigger is not None and trigger not in _TRIGGERS:
        yield Violation(
            "/config/slides_trigger",
            "slides_trigger is on_demand or walk_the_deck.",
            set_value("/config/slides_trigger", "on_demand"),
        )


@part_rule("skill-without-effect", "warning", "skill", source="P:attach-skill-to-pal")
def without_effect(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Skills belong to the LLM, which these modes bypass."""
    mode = catalog.pipeline_modes.find(part.persona.mode) if part.persona else None
    if mode and "llm" in mode.ignored_layers:
        yield Violation(
            "",
            f"The skill has no effect: mode {mode.name} of this persona has no LLM.",
            "Detach it, or use mode full.",
        )
