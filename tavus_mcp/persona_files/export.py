"""Export personas to YAML files: as a new file, or merged into an existing one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument, Refused
from tavus_mcp.history import revisions
from tavus_mcp.history.effective_defaults import defaults_of_change
from tavus_mcp.history.record import record_observed
from tavus_mcp.history.revivals import latest_id
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.persona import UNKNOWN_WHEN_ABSENT, Persona, is_unread
from tavus_mcp.models.receipt import FieldChange, changes_of
from tavus_mcp.persona_files.findings import build_finding
from tavus_mcp.persona_files.merge import embedded_secret_paths, to_file_fields, with_references
from tavus_mcp.persona_files.persona_file import PersonaFile, parse_persona_file
from tavus_mcp.persona_files.yaml_reader import BadFile
from tavus_mcp.personas.summary import describe_defaults


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
        text = file.render(describe_defaults(document, app.catalog))
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


async def merge_into_text(
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
    new_id = persona_export.file.persona_id
    if existing.persona_id is not None and await latest_id(app, existing.persona_id) != new_id:
        raise Refused(
            f"The file is about persona {existing.persona_id!r}, not "
            f"{new_id!r}; give another file. Nothing was written."
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
    old, new = existing.data(), file.data()
    defaults = defaults_of_change(PersonaDocument(old), PersonaDocument(new), app.catalog)
    changes = changes_of(old, diff(old, new), app.masker, defaults)
    return file.merge_into_text(text), changes
