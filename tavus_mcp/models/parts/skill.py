"""A skill as it is attached to a persona (docs: attach-skill-to-pal)."""

from __future__ import annotations

from pydantic import MISSING

from tavus_mcp.models.base import JsonObject, StrictModel

ATTACHED = "attached"
"""The member of a skill's document that is true while it is attached; ours, Tavus has none."""
SKILL_IDS = ("magic_canvas", "presentation", "internet_search", "memory", "browser_use")
"""The skills that are known; list_skills asks Tavus."""


class SkillAttachment(StrictModel):
    """The request that attaches a skill, or replaces its whole configuration."""

    config: JsonObject | MISSING = MISSING
