"""Personas as objects of a project, on the one write path."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from typing import Any, cast

from tavus_mcp.app import App
from tavus_mcp.history.effective_defaults import defaults_of_change
from tavus_mcp.history.revisions import load_revision
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.findings import Finding, warning
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.masking import is_masked
from tavus_mcp.models.persona import OPTIONAL_IN_FILES, UNKNOWN_WHEN_ABSENT
from tavus_mcp.models.receipt import FieldDefaults
from tavus_mcp.persona_files.merge import ApplyFile
from tavus_mcp.persona_files.persona_file import FIELDS_NOT_IN_FILE
from tavus_mcp.personas.create import CreateRequest, build_body, create
from tavus_mcp.personas.reference_lookup import Reference, list_references
from tavus_mcp.personas.revive import describe_loss
from tavus_mcp.personas.secret_references import (
    KEY_FIELD,
    KEY_REFERENCE_FIELD,
    REFERENCE_CONTAINERS,
)
from tavus_mcp.personas.update import UpdateRequest, compute_update, update
from tavus_mcp.personas.write_rules import PERSONA_RULES, WriteRules
from tavus_mcp.project.equivalence import FindDefault
from tavus_mcp.project.kinds import PERSONA, ProjectKind
from tavus_mcp.project.objects import (
    TOOL,
    AccountRow,
    ObjectAdapter,
    UndoOptions,
    WriteOptions,
    WriteResult,
    build_result,
)
from tavus_mcp.project.persona_skills import SKILLS, SkillsOfPersona
from tavus_mcp.tavus_api import pagination

_CONFERENCING = "conferencing"


class PersonaObjects(ObjectAdapter):
    """The operations on personas."""

    @property
    def rules(self) -> WriteRules:
        """The rules of the write path."""
        return PERSONA_RULES

    @property
    def kind(self) -> ProjectKind:
        """The kind of personas."""
        return PERSONA

    def find_default(self, app: App) -> FindDefault:
        """Return the defaults of the catalog."""
        return app.catalog.default_value

    def defaults_of_change(self, app: App, before: JsonObject, after: JsonObject) -> FieldDefaults:
        """Return the defaults that are in effect; the mode and the model decide which."""
        return defaults_of_change(PersonaDocument(before), PersonaDocument(after), app.catalog)

    async def list_rows(self, app: App) -> list[AccountRow]:
        """Return the personas of the user, without Tavus's stock personas."""
        return [
            AccountRow(str(row.get("persona_id") or ""), str(row.get("persona_name") or ""))
            async for row in app.api.iter_all(pagination.PERSONAS, persona_type="user")
        ]

    async def read(self, app: App, object_id: str) -> PersonaDocument:
        """Read a persona."""
        return await app.api.get_persona(object_id)

    def account_fields(self, app: App, document: Document) -> JsonObject:
        """Return the writable fields of a persona, with secrets masked."""
        fields = {
            key: value
            for key, value in _persona(document).data.items()
            if key not in FIELDS_NOT_IN_FILE
        }
        masked: JsonObject = rename_keys(app.masker.mask(fields), KEY_FIELD, KEY_REFERENCE_FIELD)
        return masked

    def unread_fields(self, document: Document) -> frozenset[str]:
        """Return the fields that Tavus left out although they may be set."""
        return UNKNOWN_WHEN_ABSENT - _persona(document).data.keys()

    def check_update(
        self, app: App, document: Document, fields: JsonObject, allow: Container[str]
    ) -> list[Finding]:
        """Check a change, each request of it."""
        before, findings = _persona(document), list[Finding]()
        for request in _build_updates(app, before, fields, WriteOptions(allow)):
            after, _, found = compute_update(app, before, request)
            before = PersonaDocument(after.data)
            findings += found
        return findings

    async def check_creation(
        self, app: App, fields: JsonObject, allow: Container[str]
    ) -> list[Finding]:
        """Check a new persona."""
        _, _, findings = await build_body(app, _build_creation(app, fields, WriteOptions(allow)))
        return list(findings)

    def list_references(
        self, app: App, document: Document | None, fields: JsonObject
    ) -> list[Reference]:
        """Return the ids that are new in a persona."""
        before = _persona(document).data if document is not None else {}
        after = ApplyFile(app, _to_wire(fields, before)).apply(before)
        return list_references(diff(before, after))

    def describe_loss(self, app: App, document: Document) -> Finding:
        """Return the finding on its id and secrets; an undo attaches its skills again."""
        persona = _persona(document)
        fields = {key: value for key, value in persona.data.items() if key != SKILLS}
        message = describe_loss(app, PersonaDocument(fields))
        return warning("lost-for-good", message)

    async def create(self, app: App, fields: JsonObject, options: WriteOptions) -> WriteResult:
        """Create a persona."""
        receipt = await create(app, _build_creation(app, fields, options))
        return await build_result(app, self.rules, receipt)

    async def update(
        self, app: App, document: Document, fields: JsonObject, options: WriteOptions
    ) -> WriteResult:
        """Write a persona; a change of the meeting identity is a request of its own."""
        result = WriteResult(document.object_id, document)
        for number, request in enumerate(_build_updates(app, _persona(document), fields, options)):
            if number and result.document is not None:
                request = replace(request, if_revision=result.document.digest)
            receipt = await update(app, request)
            if receipt.status == "planned" and options.accepts_unchecked:
                receipt = await update(app, replace(request, checks_edits=False))
            found = await build_result(app, self.rules, receipt)
            result = replace(found, findings=[*result.findings, *found.findings])
            if result.problem:
                break
        return result

    async def restore(
        self,
        app: App,
        intent: JournalEntry,
        outcome: JournalEntry,
        options: UndoOptions,
    ) -> WriteResult:
        """Restore the fields that a change touched, or a deleted persona with its skills."""
        result = await super().restore(app, intent, outcome, options)
        if intent.paths:
            return result
        before = await load_revision(app, intent.persona_id, intent.revision)
        skills = SkillsOfPersona(before.data.get(SKILLS), options.replaced_ids)
        attached = result.document.data.get(SKILLS) if result.document else None
        findings = await skills.attach(app, result.object_id, attached)
        others = [item for item in result.findings if item.path != f"/{SKILLS}"]
        return replace(result, findings=[*others, *findings])


def _persona(document: Document) -> PersonaDocument:
    return cast(PersonaDocument, document)


def _build_creation(app: App, fields: JsonObject, options: WriteOptions) -> CreateRequest:
    return CreateRequest(
        ApplyFile(app, _to_wire(fields, {})).apply({}),
        tool=TOOL,
        allow=options.allow,
        verify_all_fields=True,
        origin=options.origin,
    )


def _build_updates(
    app: App, before: PersonaDocument, fields: JsonObject, options: WriteOptions
) -> list[UpdateRequest]:
    """Return one request, or two where the conferencing layer changes with other fields."""
    wanted = _to_wire(fields, before.data)
    for name in OPTIONAL_IN_FILES & before.data.keys() - wanted.keys():
        wanted[name] = [] if isinstance(before.data[name], list) else None
    request = UpdateRequest(
        TOOL,
        before.persona_id,
        ApplyFile(app, wanted),
        if_revision=before.digest,
        allow=options.allow,
        verify_all_fields=True,
        origin=options.origin,
    )
    if not _mixes_conferencing(before.data, request.change.apply(before.data)):
        return [request]
    layers = dict(wanted.get("layers") or {})
    layers.pop(_CONFERENCING, None)
    stored = (before.data.get("layers") or {}).get(_CONFERENCING)
    if stored is not None:
        layers[_CONFERENCING] = app.masker.mask(stored)
    first = replace(request, change=ApplyFile(app, {**wanted, "layers": layers}))
    return [first, request]


def _mixes_conferencing(before: JsonObject, after: JsonObject) -> bool:
    """Tell whether the conferencing layer changes together with something else."""
    (meeting_before, rest_before), (meeting_after, rest_after) = map(_split, (before, after))
    return meeting_before != meeting_after and rest_before != rest_after


def _split(data: JsonObject) -> tuple[object, JsonObject]:
    layers = data.get("layers")
    if not isinstance(layers, dict):
        return None, data
    rest = {key: value for key, value in layers.items() if key != _CONFERENCING}
    return layers.get(_CONFERENCING), {**data, "layers": rest}


def rename_keys(value: Any, name: str, new_name: str) -> Any:
    """Return fields in which the masks of keys have another name; other values stay.

    Files name a key by ``api_key_ref``, so that its mask is compared under this name too.
    """
    if not isinstance(value, dict):
        return value
    return {
        (new_name if key == name and is_masked(item) and new_name not in value else key): (
            item if key in REFERENCE_CONTAINERS else rename_keys(item, name, new_name)
        )
        for key, item in value.items()
    }


def _to_wire(fields: JsonObject, before: JsonObject) -> JsonObject:
    """Return the fields of a file for ``ApplyFile``: masks under their own name, null for none.

    A key that is stored and not in the file any more is removed, which null says.
    """
    renamed: JsonObject = rename_keys(fields, KEY_REFERENCE_FIELD, KEY_FIELD)
    return _remove_keys(renamed, before)


def _remove_keys(fields: JsonObject, before: Any) -> JsonObject:
    stored = before if isinstance(before, dict) else {}
    result = {
        key: _remove_keys(value, stored.get(key)) if isinstance(value, dict) else value
        for key, value in fields.items()
    }
    for key, value in stored.items():
        is_gone = key not in fields and not (key == KEY_FIELD and KEY_REFERENCE_FIELD in fields)
        if is_gone and (_holds_key(value) or (key == KEY_FIELD and value)):
            result[key] = None
    return result


def _holds_key(value: Any) -> bool:
    return isinstance(value, dict) and (
        bool(value.get(KEY_FIELD)) or any(map(_holds_key, value.values()))
    )
