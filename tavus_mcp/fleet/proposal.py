"""What is to be different about each of many personas: one change for all, or one for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.fleet.plan_items import ChangeProposer, ProposedChange
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.personas.patch_input import parse_field_values
from tavus_mcp.personas.secret_references import literal_key_findings, resolve_references
from tavus_mcp.tuning import propose as towards
from tavus_mcp.tuning.goal_arguments import read_goals


def build_tuning_proposer(
    app: App, goals: Sequence[str], strength: str, languages: Sequence[str]
) -> ChangeProposer:
    """Return a proposal that moves each persona towards goals, from where it stands.

    Raises ``InvalidArgument`` when goals and languages make no sense together.
    """
    read_goals(goals, languages, app.catalog)

    async def propose(document: PersonaDocument) -> ProposedChange:
        found = towards(document, goals, strength, languages, app.catalog)
        return ProposedChange(found.change, found.findings)

    return propose


def build_field_proposer(
    app: App, values: Mapping[str, Any], unset: Sequence[str]
) -> ChangeProposer:
    """Return a proposal that sets the same places of every persona.

    Raises ``InvalidArgument`` with everything that is wrong with the places.
    """
    fields, gone = parse_field_values(values, unset)
    app.masker.add_secrets_from(fields)
    ready = {f"/{name}": value for name, value in resolve_references(app, fields).items()}
    proposed = ProposedChange(SetFields(ready, gone), literal_key_findings(fields))

    async def propose(_: PersonaDocument) -> ProposedChange:
        return proposed

    return propose
