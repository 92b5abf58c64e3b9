"""Personas as files: out of Tavus or the journal as YAML, and in again by the one write path."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, InvalidArgument, NotFound, Refused
from tavus_mcp.history import record, revisions
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.persona import WRITE_ONLY, Persona
from tavus_mcp.models.receipt import Changed, Receipt, changes_of
from tavus_mcp.persona_files.merge import Kept, holes, masks_of, remarks, shown, with_references
from tavus_mcp.persona_files.persona_file import PersonaFile, parsed, stamped
from tavus_mcp.persona_files.yaml_reader import BadFile
from tavus_mcp.personas import create
from tavus_mcp.personas.conflicts import EDITED_MEANWHILE, changed_meanwhile
from tavus_mcp.personas.update import NOT_READ_BACK, Edit, edit

TOOL = "apply_file"
"""What the journal names as the tool of a file that was brought in."""


@dataclass(frozen=True)
class Exported:
    """A persona, the same as a file and as its text, and what to know about it."""

    document: Document
    file: PersonaFile
    text: str
    findings: list[Finding]


async def export(app: App, reference: str) -> Exported:
    """Return the persona that ``ID`` or ``ID@REVISION`` names as a file; keys are not in it.

    Raises ``Refused`` when the journal does not hold the revision, or no file can hold the persona.
    """
    persona_id, document = await revisions.at(app, reference, "persona_id")
    fields = shown(app, document)
    file = PersonaFile(fields, persona_id, document.revision)
    try:
        text = file.render()
    except BadFile as error:
        raise Refused(f"{error} Read it with get_persona.") from None
    return Exported(document, file, text, _holes(app, document, fields))


async def remember(app: App, exported: Exported) -> None:
    """Write an exported persona down, so that a later conflict can say what changed since.

    Raises ``NotRecorded`` when the journal cannot be written.
    """
    await record.seen(app, exported.document)


@dataclass(frozen=True)
class Incoming:
    """A file to bring in, and how carefully."""

    text: str
    dry_run: bool = False
    allow: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Applied:
    """What was done, and the file as it is to be afterwards, with the revision that it names."""

    receipt: Receipt
    text: str
    revision: str | None = None


async def apply(app: App, asked: Incoming) -> Applied:
    """Make a persona what a file says: the one it names, or a new one.

    Raises ``InvalidArgument`` with line and column when the file cannot be read, ``Conflict`` when
    the persona is not at the file's revision, and the errors of ``edit`` and ``create``.
    """
    try:
        file = parsed(asked.text)
    except BadFile as error:
        raise InvalidArgument(error.problems) from None
    app.masker.learn_from(file.fields)
    ignored = [_set_by_tavus(name) for name in file.ignored]
    if file.persona_id is None:
        receipt = await _create(app, asked, file, ignored)
        known = Document(file.fields).revision
    else:
        receipt = await _update(app, asked, file.persona_id, file, ignored)
        known = file.revision or receipt.previous_revision or ""
    if receipt.status == "planned" or receipt.persona_id is None:
        return Applied(receipt, asked.text)
    rules = {getattr(item, "rule", None) for item in receipt.findings}
    revision = None if NOT_READ_BACK in rules else receipt.revision
    if EDITED_MEANWHILE in rules:  # what the file does not hold must not be removed unseen
        revision = known
    text = stamped(asked.text, receipt.persona_id, revision)
    return Applied(receipt, text, revision)


def brought_into(app: App, exported: Exported, text: str) -> tuple[str, list[Changed]]:
    """Return an existing file with a persona brought into it, and what changed in the file.

    Comments stay, and so do references to keys that Tavus shows masked. Raises ``InvalidArgument``
    when the file cannot be read, ``Refused`` when it is another persona's.
    """
    try:
        there = parsed(text)
    except BadFile as error:
        raise InvalidArgument(error.problems) from None
    if there.persona_id not in (None, exported.file.persona_id):
        raise Refused(
            f"The file holds persona {there.persona_id!r}, not {exported.file.persona_id!r}; give "
            "another file. Nothing was written."
        )
    if there.persona_id is None and there.fields and not Persona.model_fields.keys() & there.fields:
        raise Refused(
            "The file holds no field of a persona: it is something else, and bringing a persona "
            "into it would replace all of it. Give another file. Nothing was written."
        )
    fields = with_references(exported.file.fields, there.fields)
    unseen = {key: there.fields[key] for key in WRITE_ONLY & there.fields.keys() - fields.keys()}
    file = replace(exported.file, fields={**fields, **unseen})
    old = there.data()
    return file.brought_into(text), changes_of(old, diff(old, file.data()), app.masker)


async def _create(app: App, asked: Incoming, file: PersonaFile, found: list[Finding]) -> Receipt:
    kept = Kept(app, file.fields)
    if masked := masks_of(file.fields):
        raise Refused(
            f"{', '.join(masked)}: a new persona has no stored key that could stay. Write "
            "api_key_ref: NAME (in a header {secret:NAME}) instead of the mask; the key is then "
            "read from TAVUS_SECRET_<NAME>. Nothing was sent."
        )
    new = create.NewPersona(
        kept.apply({}),
        dry_run=asked.dry_run,
        remarks=[*found, *remarks(kept, Document({}))],
        tool=TOOL,
        allow=asked.allow,
        whole=True,
    )
    return await create.create(app, new)


async def _update(
    app: App, asked: Incoming, persona_id: str, file: PersonaFile, found: list[Finding]
) -> Receipt:
    try:
        before = await app.api.get_persona(persona_id)
    except NotFound as error:
        raise NotFound(
            f"{error} To create the persona anew, remove the lines persona_id and revision from "
            "the file and apply it again.",
            status=error.status,
        ) from None
    if file.revision not in (None, before.revision):
        raise await _changed_since(app, file.revision or "", before)
    change = Kept(app, file.fields)
    return await edit(
        app,
        Edit(
            TOOL,
            persona_id,
            change,
            dry_run=asked.dry_run,
            if_revision=before.revision,
            allow=asked.allow,
            remarks=[*found, *remarks(change, before)],
            whole=True,
        ),
    )


async def _changed_since(app: App, revision: str, now: Document) -> Conflict:
    known = await app.diary.document(now.persona_id, revision)
    advice = (
        f"Commit or copy your file, then bring the changes into it with: tavus-mcp export "
        f"{now.persona_id} --into FILE. To make the persona what the file says all the same, "
        "remove the line of the revision."
    )
    return changed_meanwhile(app, Document(known) if known else None, now, advice=advice)


def _holes(app: App, document: Document, fields: JsonObject) -> list[Finding]:
    """Say where a text of the persona holds a secret, which no file may hold."""
    return [
        Finding(
            severity="warning",
            path=path,
            message="This text holds a secret, which is masked in the file.",
            hint="As long as the text stays as it is, apply leaves the stored one alone.",
            rule="masked-text",
        )
        for path in holes(app, document, fields)
    ]


def _set_by_tavus(name: str) -> Finding:
    return Finding(
        severity="info",
        path=f"/{name}",
        message="Tavus sets this field itself; what the file says of it was not sent.",
        hint="Leave it out of the file.",
        rule="set-by-tavus",
    )
