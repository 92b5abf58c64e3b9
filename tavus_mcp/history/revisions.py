"""The revisions of a persona: load one, and compare two."""

from __future__ import annotations

from typing import cast

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument, NotFound, Refused
from tavus_mcp.history.accounts import require_own_persona
from tavus_mcp.history.cancelled_writes import explain_missing
from tavus_mcp.history.deleted_personas import describe_deletion
from tavus_mcp.history.effective_defaults import defaults_of_change
from tavus_mcp.history.revivals import describe_former_id, find_former_id
from tavus_mcp.history.states import find_state
from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.receipt import changes_of
from tavus_mcp.text import render_json_line, suggestion_or_period


async def load_referenced_persona(
    app: App, reference: str, argument: str
) -> tuple[str, PersonaDocument]:
    """Return the persona that ``ID`` or ``ID@REVISION`` names, and its id.

    Raises ``Refused``, naming the closest, when the journal does not hold the revision, and
    ``InvalidArgument``, naming ``argument``, when the reference is malformed.
    """
    persona_id, revision = split_reference(reference, argument)
    if not revision:
        try:
            return persona_id, await app.api.get_persona(persona_id)
        except NotFound as error:
            raise await _explain(app, persona_id, error) from error
    stored = await load_revision(app, persona_id, revision)
    return persona_id, cast("PersonaDocument", stored)


async def load_persona(app: App, persona_id: str) -> PersonaDocument:
    """Read a persona; the error for a missing one says where it is, if the journal knows."""
    try:
        return await app.api.get_persona(persona_id)
    except NotFound as error:
        raise await _explain(app, persona_id, error) from error


async def _explain(app: App, persona_id: str, error: NotFound) -> NotFound:
    missing = await explain_missing(app, persona_id, error)
    deletion = await describe_deletion(app, persona_id)
    return NotFound(f"{missing} {deletion}".rstrip(), status=missing.status)


def split_reference(reference: str, argument: str) -> tuple[str, str]:
    """Return the id and the revision in ``ID@REVISION``; an empty revision for a bare ``ID``.

    Raises ``InvalidArgument``, naming ``argument``, when one of them is malformed.
    """
    persona_id, _, revision = reference.partition("@")
    try:
        return parse_id(persona_id), parse_id(revision) if revision else ""
    except ValueError as error:
        raise InvalidArgument([f"/{argument}: must be ID or ID@REVISION: {error}."]) from None


async def load_revision(app: App, persona_id: str, revision: str) -> Document:
    """Return a revision from the journal; raise ``Refused``, naming the closest, if absent."""
    document = await find_state(app, persona_id, revision)
    if document is None:
        await require_own_persona(app, persona_id)
        entries = await app.journal.entries_of_persona(persona_id)
        names = list(dict.fromkeys(entry.revision for entry in entries if entry.revision))
        erased_at = max((entry.at for entry in entries if entry.kind == "erase"), default="")
        former_id = await find_former_id(app, persona_id)
        raise Refused(
            f"The journal holds no such revision of persona {persona_id!r}"
            f"{suggestion_or_period(revision, names)} "
            f"list_revisions(persona_id={render_json_line(persona_id)}) shows those it holds."
            + (f" {describe_former_id(former_id, revision)}" if former_id else "")
            + (f" What it held before {erased_at} was erased." if erased_at else "")
        )
    return document


def differences(app: App, first: Document, second: Document) -> list[JsonObject]:
    """Return the writable fields in which two personas differ, with secrets masked."""
    left, right = (app.masker.mask(document.writable_fields()) for document in (first, second))
    changes = changes_of(
        left, diff(left, right), app.masker, defaults_of_change(first, second, app.catalog)
    )
    return [
        {
            "path": item.path,
            "first": item.before,
            "second": item.after,
            "default": item.default,
        }
        for item in changes
    ]
