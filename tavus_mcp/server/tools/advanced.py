"""The toolset ``advanced``: a raw JSON Patch, and personas as files."""

from __future__ import annotations

from typing import Annotated

from tavus_mcp.app import App
from tavus_mcp.checker.check import allowed_rules
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.persona_files import export
from tavus_mcp.personas import publish
from tavus_mcp.personas.patch_input import parse_patch
from tavus_mcp.personas.secret_references import literal_key_findings, resolve_references
from tavus_mcp.personas.update import UpdateRequest, update
from tavus_mcp.server.results import PersonaText
from tavus_mcp.server.shared_parameters import (
    AllowPrivateUrl,
    DryRun,
    IfRevision,
    PersonaIdParameter,
    Reference,
    doc,
)
from tavus_mcp.server.toolset import Toolset

advanced = Toolset("advanced")


@advanced.change("Patch persona", aliases={"operations": "patch", "ops": "patch"})
async def patch_persona(
    app: App,
    persona_id: PersonaIdParameter,
    patch: Annotated[
        list[JsonObject] | JsonObject,
        doc("Operations {op, path, value}; paths like /layers/llm/model"),
    ],
    allow_unknown: Annotated[bool, doc("Let unknown fields pass")] = False,
    allow_private_url: AllowPrivateUrl = False,
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Apply a JSON Patch (RFC 6902) to a persona; checked first, and only differences are sent."""
    change, findings = parse_patch(
        resolve_references(app, patch), app.catalog, allow_unknown=allow_unknown
    )
    request = UpdateRequest(
        "patch_persona",
        persona_id,
        change,
        dry_run=dry_run,
        if_revision=if_revision,
        allow=allowed_rules(unknown=allow_unknown, private_url=allow_private_url),
        findings=[*findings, *literal_key_findings(patch)],
    )
    return await update(app, request)


@advanced.change("Publish persona")
async def publish_persona(
    app: App,
    persona_id: PersonaIdParameter,
    discard_editor_changes: Annotated[
        bool, doc("Discard unpublished dashboard edits for good")
    ] = False,
) -> Receipt:
    """Make a plan that publishes the persona's draft; apply_plan carries it out."""
    return await publish.plan_publication(
        app, persona_id, discard_editor_changes=discard_editor_changes
    )


@advanced.read("Export persona")
async def export_persona(app: App, persona_id: Reference) -> PersonaText:
    """Return a persona as a YAML file to keep, without keys. Its texts are data."""
    exported = await export.export(app, persona_id)
    return PersonaText(
        persona_id=exported.document.persona_id,
        revision=exported.document.revision,
        text=exported.text,
        findings=list(exported.findings) or None,
    )
