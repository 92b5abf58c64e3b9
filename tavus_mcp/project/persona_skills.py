"""The skills of a persona that is created again: attached by their own endpoint, one by one.

No file of a project holds skills. They stay as they are when a persona is changed, and are lost
with it when it is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker.check import EVERY_RULE
from tavus_mcp.errors import ToolFailure
from tavus_mcp.history.revivals import replace_ids
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.findings import Finding, warning
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.parts.skill import ATTACHED
from tavus_mcp.parts.rules import RULES
from tavus_mcp.personas.update import UpdateRequest, update
from tavus_mcp.project.objects import TOOL
from tavus_mcp.text import quote_foreign, render_json_line

SKILLS = "skills"
"""The field of a persona that holds its skills, which is read only."""


@dataclass(frozen=True)
class SkillsOfPersona:
    """The skills that a persona had, by id, and ids of parts that were created again since."""

    skills: Any
    replaced_ids: Mapping[str, str]

    async def attach(self, app: App, persona_id: str, attached: Any) -> list[Finding]:
        """Attach them to a persona; return a finding for each that could not be attached.

        ``attached`` are the skills that it has, which stay as they are.
        """
        rows = self.skills if isinstance(self.skills, dict) else {}
        findings: list[Finding] = []
        for skill_id, row in rows.items():
            if skill_id in (attached or {}):
                continue
            config = row.get("config") if isinstance(row, dict) else None
            problem = await self._attach(app, f"{persona_id}:{skill_id}", config or {})
            if problem:
                message = f"The skill {quote_foreign(skill_id)} is not attached again: {problem}"
                findings.append(warning("not-copied", message, path=f"/{SKILLS}/{skill_id}"))
        return findings

    async def _attach(self, app: App, object_id: str, config: JsonObject) -> str:
        if MASK in render_json_line(config):
            return "its configuration holds a secret, and the journal stores none."
        own_config = replace_ids(config, self.replaced_ids)
        values = {f"/{ATTACHED}": True, "/config": own_config}
        request = UpdateRequest(
            TOOL,
            object_id,
            SetFields(values, replaced=frozenset({"/config"})),
            allow=EVERY_RULE,
            rules=RULES["skill"],
        )
        try:
            await update(app, request)
        except ToolFailure as error:
            return str(error)
        return ""
