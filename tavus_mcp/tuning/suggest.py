"""Suggesting how to tune a persona: a plan with reasons, made by the one write path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from tavus_mcp.app import App
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.receipt import FieldChange, Receipt
from tavus_mcp.models.tuning import ExplainedChange, Suggestion
from tavus_mcp.personas.update import UpdateRequest, preview
from tavus_mcp.tuning import AlreadyMet, Proposal, propose
from tavus_mcp.tuning.goal_arguments import read_goals

TOOL = "suggest_tuning"


async def suggest(
    app: App, persona_id: str, goals: Sequence[str], strength: str, languages: Sequence[str]
) -> Suggestion:
    """Return a plan that moves a persona towards goals, stored for ``apply_plan``.

    Raises ``InvalidArgument`` when goals and languages make no sense together.
    """
    read_goals(goals, languages, app.catalog)  # before anything is asked of Tavus
    before = await app.api.get_persona(persona_id)
    proposal = propose(before, goals, strength, languages, app.catalog)
    asked = UpdateRequest(
        TOOL, persona_id, proposal.change, dry_run=True, findings=proposal.findings
    )
    return _build_suggestion(await preview(app, before, asked), proposal)


def _build_suggestion(receipt: Receipt, proposal: Proposal) -> Suggestion:
    moved = {change.path for change in receipt.changes}
    return Suggestion.model_validate(
        {
            **receipt.model_dump(include=set(Suggestion.model_fields) - {"changes"}),
            "changes": [_explain_change(change, proposal) for change in receipt.changes],
            "already": [
                _already_met_row(one) for one in proposal.already_met if one.path not in moved
            ],
            "settled": [asdict(one) for one in proposal.resolved_conflicts],
        }
    )


def _already_met_row(already_met: AlreadyMet) -> JsonObject:
    """Tell of a place that stands as it should; lists are other people's texts, and left out."""
    return {
        **asdict(already_met),
        "value": None if isinstance(already_met.value, list) else already_met.value,
    }


def _explain_change(change: FieldChange, proposal: Proposal) -> ExplainedChange:
    reason = proposal.reason(change.path)
    return ExplainedChange(
        **dict(change),
        goal=", ".join(reason.goals),
        reason=reason.reason,
        effect=reason.effect,
        trade_off=reason.trade_off or None,
        confidence=reason.confidence,
        source=reason.source,
    )
