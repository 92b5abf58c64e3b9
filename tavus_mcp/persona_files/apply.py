"""Apply YAML files to personas, on the one write path.

A file is applied in three steps, so that of several files none is written before all of them are
known to be right: ``parse`` sends nothing, ``check`` only reads, ``apply`` writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, InvalidArgument, NotFound, Refused
from tavus_mcp.history.accounts import require_own_persona
from tavus_mcp.history.record import NOT_READ_BACK
from tavus_mcp.history.states import find_state, is_at_revision
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import Operation, diff, is_within
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.persona_files.findings import build_finding
from tavus_mcp.persona_files.merge import (
    ApplyFile,
    literal_key_pointers,
    mask_paths,
    secret_findings,
)
from tavus_mcp.persona_files.persona_file import PersonaFile, parse_persona_file, with_identity
from tavus_mcp.persona_files.yaml_reader import BadFile
from tavus_mcp.personas import create, restore
from tavus_mcp.personas.conflicts import EDITED_MEANWHILE, build_revision_conflict
from tavus_mcp.personas.plans import refuse_stock_persona
from tavus_mcp.personas.reference_lookup import find_missing_references
from tavus_mcp.personas.update import UpdateRequest, compute_update, update
from tavus_mcp.text import quote_paths

TOOL = "apply_file"
"""The name of the tool in the journal when a file is applied."""


@dataclass(frozen=True)
class ApplyFileRequest:
    """The text of a file to apply; ``allow`` names checker rules that do not refuse it.

    ``allow_literal_key`` accepts keys that are written in the file itself.
    """

    text: str
    dry_run: bool = False
    allow: frozenset[str] = frozenset()
    allow_literal_key: bool = False


@dataclass(frozen=True)
class ParsedFile:
    """A file in which no mistake was found without a request; ``findings`` are remarks on it."""

    request: ApplyFileRequest
    file: PersonaFile
    change: ApplyFile
    findings: Sequence[RuleFinding] = field(default_factory=tuple)

    @property
    def persona_id(self) -> str | None:
        """The persona that the file names; None for a file that creates one."""
        return self.file.persona_id


@dataclass(frozen=True)
class ApplyFileResult:
    """The receipt of the write, and the file's new text with the revision that it names."""

    receipt: Receipt
    text: str
    revision: str | None = None


async def parse(app: App, request: ApplyFileRequest) -> ParsedFile:
    """Read a file and find its mistakes without a request.

    Raises ``InvalidArgument`` with line and column when the file cannot be read, or for a key in
    it that is written out or unknown, and ``Refused`` when Tavus would reject the new persona.
    """
    try:
        file = parse_persona_file(request.text)
    except BadFile as error:
        raise InvalidArgument(error.problems) from None
    app.masker.mask_during_call(file.fields)
    if not request.allow_literal_key:
        _refuse_literal_keys(file)
    findings = [build_finding("set-by-tavus", f"/{name}") for name in file.ignored_keys]
    parsed = ParsedFile(request, file, ApplyFile(app, file.fields), findings)
    if file.persona_id is None:
        _refuse_masks(file)
        await create.build_body(app, _build_creation(parsed))
    else:
        parsed.change.apply({})  # only to find references to keys that this server does not have
    return parsed


async def check(app: App, parsed: ParsedFile) -> str:
    """Compare a file with the account; only reads. Return the id of the persona, if it is there.

    A persona that was deleted and brought back has its new id.

    Raises ``Conflict`` when the persona is neither at the file's revision nor as the file says,
    ``Refused`` when Tavus would reject the change or the file names an object that does not exist.
    """
    if parsed.persona_id is None:
        body, _, _ = await create.build_body(app, _build_creation(parsed))
        persona_id, operations = "", diff({}, body)
    else:
        before, findings = await _read_persona(app, parsed)
        persona_id = before.persona_id
        operations = await _compute_operations(app, parsed, before, findings)
    missing = await find_missing_references(app, operations)
    if missing:
        raise Refused("Refused before anything was sent. " + " ".join(missing))
    return persona_id


async def apply(app: App, parsed: ParsedFile) -> ApplyFileResult:
    """Make a persona what a file says: the one it names, or a new one.

    Raises ``Conflict`` when the persona is neither at the file's revision nor as the file says, and
    the errors of ``update`` and ``create``.
    """
    if parsed.persona_id is None:
        receipt = await create.create(app, _build_creation(parsed))
    else:
        receipt = await _update(app, parsed)
    return build_result(parsed, receipt)


def build_result(parsed: ParsedFile, receipt: Receipt) -> ApplyFileResult:
    """Return the result of a write, or of applying its plan, with the new text of the file."""
    request, file = parsed.request, parsed.file
    known_revision = file.revision or receipt.previous_revision or ""
    if file.persona_id is None:
        known_revision = PersonaDocument(file.fields).revision
    if receipt.status == "planned" or receipt.persona_id is None:
        return ApplyFileResult(receipt, request.text)
    rules = {getattr(item, "rule", None) for item in receipt.findings}
    revision = None if NOT_READ_BACK in rules else receipt.revision
    if EDITED_MEANWHILE in rules:  # what the file does not hold must not be removed unseen
        revision = known_revision
    text = with_identity(request.text, receipt.persona_id, revision)
    return ApplyFileResult(receipt, text, revision)


def _refuse_literal_keys(file: PersonaFile) -> None:
    pointers = literal_key_pointers(file.fields)
    if pointers:
        raise InvalidArgument(
            [
                f"{quote_paths(pointers)}: the file contains a key, and with it every copy and "
                "git. Write api_key_ref: NAME ({secret:NAME} in a header) and set "
                "TAVUS_SECRET_<NAME>; replace the key, because it was seen. --allow-literal-key "
                "applies it as it is."
            ]
        )


def _refuse_masks(file: PersonaFile) -> None:
    if masked := mask_paths(file.fields):
        raise Refused(
            f"{quote_paths(masked)}: a new persona has no stored key that a mask could stand "
            "for. Write api_key_ref: NAME (in a header {secret:NAME}) instead of the mask; the key "
            "is then read from TAVUS_SECRET_<NAME>. Nothing was sent."
        )


def _build_creation(parsed: ParsedFile) -> create.CreateRequest:
    return create.CreateRequest(
        parsed.change.apply({}),
        dry_run=parsed.request.dry_run,
        findings=[*parsed.findings, *secret_findings(parsed.change, PersonaDocument({}))],
        tool=TOOL,
        allow=parsed.request.allow,
        verify_all_fields=True,
    )


def _build_update(
    parsed: ParsedFile, before: PersonaDocument, findings: Sequence[RuleFinding]
) -> UpdateRequest:
    return UpdateRequest(
        TOOL,
        before.persona_id,
        parsed.change,
        dry_run=parsed.request.dry_run,
        if_revision=before.digest,
        allow=parsed.request.allow,
        findings=[*parsed.findings, *findings, *secret_findings(parsed.change, before)],
        verify_all_fields=True,
    )


async def _update(app: App, parsed: ParsedFile) -> Receipt:
    before, findings = await _read_persona(app, parsed)
    await _compute_operations(app, parsed, before, findings)
    return await update(app, _build_update(parsed, before, findings))


async def _read_persona(app: App, parsed: ParsedFile) -> tuple[PersonaDocument, list[RuleFinding]]:
    """Return the persona that a file names, also if it was deleted and restored under a new id."""
    persona_id = parsed.file.persona_id or ""
    current = await restore.find_current(app, persona_id)
    if current is None:
        await require_own_persona(app, persona_id)
        raise NotFound(
            f"There is no persona {persona_id!r} in this account. To create it again, remove the "
            "lines persona_id and revision from the file and apply it again.",
            status=404,
        )
    return cast("PersonaDocument", current), restore.renamed_findings(persona_id, current)


async def _compute_operations(
    app: App, parsed: ParsedFile, before: PersonaDocument, findings: Sequence[RuleFinding]
) -> list[Operation]:
    """Return the patch that makes the persona what the file says.

    Raises ``Conflict`` when that is not empty and the persona was edited since the file's revision.
    Keys that are sent with every apply, because Tavus never returns them, are not a difference.
    """
    refuse_stock_persona(before)
    _, operations, _ = compute_update(app, before, _build_update(parsed, before, findings))
    file = parsed.file
    if file.revision is None or await is_at_revision(app, before, file.revision):
        return operations
    resent = parsed.change.merge(before.data).resent_pointers
    if all(is_within(item.path, resent) for item in operations):
        return operations
    expected = await find_state(app, file.persona_id or "", file.revision)
    if expected is None or not _is_restored_copy(app, expected, before):
        raise await _build_conflict(app, expected, before)
    return operations


def _is_restored_copy(app: App, original: Document, current: Document) -> bool:
    """Return True if a persona with another id is as the deleted original was."""
    if original.object_id == current.object_id:
        return False
    stored, actual = (app.masker.mask(item.writable_fields()) for item in (original, current))
    return not diff(stored, actual)


async def _build_conflict(
    app: App, expected: Document | None, current: PersonaDocument
) -> Conflict:
    advice = (
        "Commit or copy your file. This command replaces its content with the persona as it is "
        f"now; then make your changes again: tavus-mcp export {current.persona_id} --into FILE. To "
        "overwrite the persona with the file instead, remove the revision line from the file."
    )
    return await build_revision_conflict(app, expected, current, advice=advice)
