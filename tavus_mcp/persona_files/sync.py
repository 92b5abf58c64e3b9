"""Export personas to YAML files and apply files to personas, on the one write path."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, InvalidArgument, NotFound, Refused
from tavus_mcp.history import revisions
from tavus_mcp.history.record import NOT_READ_BACK, record_observed
from tavus_mcp.history.states import find_state, is_at_revision
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.persona import UNKNOWN_WHEN_ABSENT, Persona, is_unread
from tavus_mcp.models.receipt import FieldChange, Receipt, changes_of
from tavus_mcp.persona_files.findings import build_finding
from tavus_mcp.persona_files.merge import (
    ApplyFile,
    embedded_secret_paths,
    mask_paths,
    secret_findings,
    to_file_fields,
    with_references,
)
from tavus_mcp.persona_files.persona_file import PersonaFile, parse_persona_file, with_identity
from tavus_mcp.persona_files.yaml_reader import BadFile
from tavus_mcp.personas import create
from tavus_mcp.personas.conflicts import EDITED_MEANWHILE, build_revision_conflict
from tavus_mcp.personas.update import UpdateRequest, update

TOOL = "apply_file"
"""The name of the tool in the journal when a file is applied."""


@dataclass(frozen=True)
class PersonaExport:
    """An exported persona: as stored, as a file, as the text of the file, and remarks on it."""

    document: PersonaDocument
    file: PersonaFile
    text: str
    findings: list[RuleFinding]


async def export(app: App, reference: str) -> PersonaExport:
    """Return the persona that ``ID`` or ``ID@REVISION`` names as a file without its keys.

    Raises ``Refused`` when the journal does not hold the revision, or no file can hold the persona.
    """
    persona_id, document = await revisions.load_referenced_persona(app, reference, "persona_id")
    fields = to_file_fields(app, document)
    file = PersonaFile(fields, persona_id, document.revision)
    try:
        text = file.render()
    except BadFile as error:
        raise Refused(f"{error} Read it with get_persona.") from None
    masked = embedded_secret_paths(app, document, fields)
    findings = [build_finding("masked-text", path) for path in masked]
    return PersonaExport(document, file, text, findings)


async def record_exported(app: App, persona_export: PersonaExport) -> None:
    """Record an exported persona, so that a later conflict can say what changed since.

    Raises ``JournalUnavailable`` when the journal cannot be written.
    """
    await record_observed(app, persona_export.document)


@dataclass(frozen=True)
class ApplyFileRequest:
    """The text of a file to apply; ``allow`` names checker rules that do not refuse it."""

    text: str
    dry_run: bool = False
    allow: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ApplyFileResult:
    """The receipt of the write, and the file's new text with the revision that it names."""

    receipt: Receipt
    text: str
    revision: str | None = None


async def apply(app: App, request: ApplyFileRequest) -> ApplyFileResult:
    """Make a persona what a file says: the one it names, or a new one.

    Raises ``InvalidArgument`` with line and column when the file cannot be read, ``Conflict`` when
    the persona is not at the file's revision, and the errors of ``update`` and ``create``.
    """
    try:
        file = parse_persona_file(request.text)
    except BadFile as error:
        raise InvalidArgument(error.problems) from None
    app.masker.add_secrets_from(file.fields)
    ignored = [build_finding("set-by-tavus", f"/{name}") for name in file.ignored_keys]
    if file.persona_id is None:
        receipt = await _create(app, request, file, ignored)
        known_revision = PersonaDocument(file.fields).revision
    else:
        receipt = await _update(app, request, file.persona_id, file, ignored)
        known_revision = file.revision or receipt.previous_revision or ""
    if receipt.status == "planned" or receipt.persona_id is None:
        return ApplyFileResult(receipt, request.text)
    rules = {getattr(item, "rule", None) for item in receipt.findings}
    revision = None if NOT_READ_BACK in rules else receipt.revision
    if EDITED_MEANWHILE in rules:  # what the file does not hold must not be removed unseen
        revision = known_revision
    text = with_identity(request.text, receipt.persona_id, revision)
    return ApplyFileResult(receipt, text, revision)


def merge_into_text(
    app: App, persona_export: PersonaExport, text: str
) -> tuple[str, list[FieldChange]]:
    """Return an existing file with an exported persona merged into it, and the changed fields.

    Comments stay, and so do references to keys that Tavus returns masked. Raises
    ``InvalidArgument`` when the file cannot be read, ``Refused`` when it is another persona's.
    """
    try:
        existing = parse_persona_file(text)
    except BadFile as error:
        raise InvalidArgument(error.problems) from None
    if existing.persona_id not in (None, persona_export.file.persona_id):
        raise Refused(
            f"The file holds persona {existing.persona_id!r}, not "
            f"{persona_export.file.persona_id!r}; give another file. Nothing was written."
        )
    if (
        existing.persona_id is None
        and existing.fields
        and not Persona.model_fields.keys() & existing.fields
    ):
        raise Refused(
            "The file holds no field of a persona: it is something else, and bringing a persona "
            "into it would replace all of it. Give another file. Nothing was written."
        )
    fields = with_references(persona_export.file.fields, existing.fields)
    unseen = {
        key: existing.fields[key]
        for key in UNKNOWN_WHEN_ABSENT & existing.fields.keys()
        if is_unread(persona_export.document.data, f"/{key}")
    }
    file = replace(persona_export.file, fields={**fields, **unseen})
    old = existing.data()
    operations = diff(old, file.data())
    changes = changes_of(old, operations, app.masker, app.catalog.default_value)
    return file.merge_into_text(text), changes


async def _create(
    app: App, request: ApplyFileRequest, file: PersonaFile, findings: list[RuleFinding]
) -> Receipt:
    change = ApplyFile(app, file.fields)
    if masked := mask_paths(file.fields):
        raise Refused(
            f"{', '.join(masked)}: a new persona has no stored key that could stay. Write "
            "api_key_ref: NAME (in a header {secret:NAME}) instead of the mask; the key is then "
            "read from TAVUS_SECRET_<NAME>. Nothing was sent."
        )
    create_request = create.CreateRequest(
        change.apply({}),
        dry_run=request.dry_run,
        findings=[*findings, *secret_findings(change, PersonaDocument({}))],
        tool=TOOL,
        allow=request.allow,
        verify_all_fields=True,
    )
    return await create.create(app, create_request)


async def _update(
    app: App,
    request: ApplyFileRequest,
    persona_id: str,
    file: PersonaFile,
    findings: list[RuleFinding],
) -> Receipt:
    try:
        before = await app.api.get_persona(persona_id)
    except NotFound as error:
        raise NotFound(
            f"{error} To create the persona anew, remove the lines persona_id and revision from "
            "the file and apply it again.",
            status=error.status,
        ) from None
    if file.revision is not None and not await is_at_revision(app, before, file.revision):
        raise await _build_conflict(app, file.revision, before)
    change = ApplyFile(app, file.fields)
    return await update(
        app,
        UpdateRequest(
            TOOL,
            persona_id,
            change,
            dry_run=request.dry_run,
            if_revision=before.digest,
            allow=request.allow,
            findings=[*findings, *secret_findings(change, before)],
            verify_all_fields=True,
        ),
    )


async def _build_conflict(app: App, revision: str, current: PersonaDocument) -> Conflict:
    recorded = await find_state(app, current.persona_id, revision)
    advice = (
        f"Commit or copy your file, then bring the changes into it with: tavus-mcp export "
        f"{current.persona_id} --into FILE. To make the persona what the file says all the same, "
        "remove the line of the revision."
    )
    return await build_revision_conflict(app, recorded, current, advice=advice)
