"""The toolset ``checks``: what is wrong with a persona or a draft of one, what would tune it."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from pydantic import BeforeValidator

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.catalog.goals import Goal, Strength
from tavus_mcp.checker.draft_input import reject_lists
from tavus_mcp.models.base import JsonObject, PersonaId
from tavus_mcp.models.findings import sort_by_severity
from tavus_mcp.models.tuning import Suggestion
from tavus_mcp.parts.deep_check import check_parts
from tavus_mcp.personas import persona_check, read
from tavus_mcp.server.results import CheckReport
from tavus_mcp.server.shared_parameters import PersonaIdParameter, doc
from tavus_mcp.server.toolset import Toolset
from tavus_mcp.tuning import suggest
from tavus_mcp.tuning.goal_arguments import resolve_goal

checks = Toolset("checks")


@checks.read("Check persona", aliases={"persona": "document", "draft": "document"})
async def check_persona(
    app: App,
    persona_id: Annotated[PersonaId | None, doc("A saved persona")] = None,
    document: Annotated[
        JsonObject | None,
        BeforeValidator(reject_lists),
        doc("Or a draft: a new persona's body"),
    ] = None,
    deep: Annotated[bool, doc("Also inside tools, objectives, documents ...")] = False,
) -> CheckReport:
    """Find all mistakes and deprecations at once, each with the calls that fix it."""
    checked, form = await read.load_draft_or_persona(app, persona_id, document)
    findings = [*form, *persona_check.check_persona(app, checked)]
    findings = sort_by_severity(findings + (await check_parts(app, checked) if deep else []))
    return CheckReport(
        persona_id=checked.persona_id or None,
        persona_name=checked.name or None,
        revision=checked.revision if persona_id else None,
        counts=dict(Counter(item.severity for item in findings)),
        findings=findings,
    )


_GOALS_DESCRIPTION = (
    "If goals conflict, the first wins. respond_faster: shorter wait for an answer; speak_faster, "
    "speak_slower: pace of speech. be_more_patient: longer pauses to think; interrupt_less: it "
    "cuts people off less; be_harder_to_interrupt: they cut it off less; be_easier_to_interrupt: "
    "more. sound_calmer: tone, not pace. be_more_grounded: fewer inventions; be_smarter: "
    "better reasoning. ignore_background_noise: other voices. re_engage_when_silent, "
    "stay_silent: in silences it speaks up, or does not"
)
"""Tells goals apart that are easily confused; at most 500 bytes."""


def _resolve_alias(goal: Any) -> Any:
    return resolve_goal(goal, load_catalog()) if isinstance(goal, str) else goal


@checks.read("Suggest tuning")
async def suggest_tuning(
    app: App,
    persona_id: PersonaIdParameter,
    goals: Annotated[
        list[Annotated[Goal, BeforeValidator(_resolve_alias)]], doc(_GOALS_DESCRIPTION)
    ],
    strength: Annotated[Strength, doc("How far")] = "normal",
    languages: Annotated[list[str], doc("Names or codes")] = [],  # noqa: B006 - read only
) -> Suggestion:
    """Plan changes with reasons and costs, for apply_plan. For: slow, interrupts, makes things up,
    tone, noise, silence, cost, outdated.
    """
    return await suggest.suggest(app, persona_id, goals, strength, languages)
