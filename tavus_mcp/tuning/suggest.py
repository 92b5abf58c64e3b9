"""The tool suggest_tuning: recommended changes as a plan whose every change has its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.catalog.goals import Strength
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import info
from tavus_mcp.models.receipt import FieldChange, Receipt
from tavus_mcp.models.tuning import ExplainedChange, Suggestion
from tavus_mcp.personas.update import UpdateRequest, preview
from tavus_mcp.tuning import AlreadyMet, Recommendation, build_recommendation
from tavus_mcp.tuning.goal_arguments import read_goals

TOOL = "suggest_tuning"
_NORMAL: Strength = "normal"
_STRONG: Strength = "strong"
_SAME_AS_NORMAL = info("tuning-same-as-normal", "Strength strong changes no more than normal here.")

_NOTHING_FURTHER = info("tuning-at-its-end", "No known setting goes further towards these goals.")
_STRONG_GOES_FURTHER = info(
    "tuning-stronger", "Strength strong changes more.", hint='Ask again with strength="strong".'
)


async def suggest(
    app: App, persona_id: str, goals: Sequence[str], strength: str, languages: Sequence[str]
) -> Suggestion:
    """Return a plan that moves a persona towards goals, stored for ``apply_plan``.

    ``goals`` are names or aliases in order of precedence; ``strength`` is gentle, normal or strong;
    ``languages`` are names or codes, for the goal ``speak_languages`` only. Raises
    ``InvalidArgument`` for unknown goals or languages, before any request to Tavus.
    """
    read_goals(goals, languages, app.catalog)
    before = await app.api.get_persona(persona_id)
    recommendation = build_recommendation(before, goals, strength, languages, app.catalog)
    other_strength = _NORMAL if strength == _STRONG else _STRONG
    other = build_recommendation(before, goals, other_strength, languages, app.catalog)
    is_same = other.change == recommendation.change
    findings = list(recommendation.findings)
    request = UpdateRequest(
        TOOL, persona_id, recommendation.change, dry_run=True, findings=findings
    )
    receipt = await preview(app, before, request)
    if receipt.status != "unchanged":
        receipt.findings += [_SAME_AS_NORMAL] if strength == _STRONG and is_same else []
    elif strength != _STRONG and not is_same:
        receipt.findings.append(_STRONG_GOES_FURTHER)
    elif any(met.path for met in recommendation.already_met):  # not: all settings are current
        receipt.findings.append(_NOTHING_FURTHER)
    return _build_suggestion(app, receipt, recommendation)


def _build_suggestion(app: App, receipt: Receipt, recommendation: Recommendation) -> Suggestion:
    changed = {change.path: change.after for change in receipt.changes}
    return Suggestion.model_validate(
        {
            **receipt.model_dump(include=set(Suggestion.model_fields) - {"changes"}),
            "changes": [_explain_change(change, recommendation) for change in receipt.changes],
            "already": [
                _already_met_row(met, app.catalog.current_default(met.path))
                for met in recommendation.already_met
                if changed.get(met.path, met.value) == met.value
            ],
            "settled": [asdict(conflict) for conflict in recommendation.resolved_conflicts],
        }
    )


def _already_met_row(already_met: AlreadyMet, default: Any) -> JsonObject:
    """Return the row of a field that needs no change. A list is left out: it is stored text."""
    value = None if isinstance(already_met.value, list) else already_met.value
    is_default = default is not None and value == default
    return {**asdict(already_met), "value": value, "default": default if is_default else None}


def _explain_change(change: FieldChange, recommendation: Recommendation) -> ExplainedChange:
    reason = recommendation.reason(change.path)
    return ExplainedChange(
        **dict(change),
        goal=", ".join(reason.goals),
        reason=reason.reason,
        effect=reason.effect or None,
        trade_off=reason.trade_off or None,
        confidence=reason.confidence,
        source=reason.source,
    )
