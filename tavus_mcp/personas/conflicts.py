"""Optimistic concurrency: ``test`` operations against edits by others, and conflict errors."""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.app import App
from tavus_mcp.catalog import Catalog
from tavus_mcp.errors import Conflict, RequestRejected, TavusError, ToolFailure
from tavus_mcp.history.record import record_observed
from tavus_mcp.history.states import find_state, is_at_revision
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, info, warning
from tavus_mcp.models.json_patch import Operation, diff, get_at, outermost_list, pointer_tokens
from tavus_mcp.models.masking import is_secret_value
from tavus_mcp.models.receipt import changes_of
from tavus_mcp.personas.readback import unexpected_differences

EDITED_MEANWHILE = "edited-meanwhile"
_UPDATED_AT = "/updated_at"
_MAX_CONFLICT_ITEMS = 8
"""Fields that a conflict names; the others are counted."""


def build_test_attempts(
    before: PersonaDocument, operations: Sequence[Operation]
) -> list[list[Operation]]:
    """Return the ``test`` operations of each attempt: all of them, then none if there were any.

    They require that the replaced values are still as they were read: a leaf, or the whole list
    that it is in. Secrets are read masked and cannot be tested. Where there was no value, the
    persona's ``updated_at`` is tested instead.
    """
    tests: dict[str, Operation] = {}
    for operation in operations:
        path = outermost_list(before.data, operation.path)
        if path in tests:  # a list is tested as a whole, once for all that changes in it
            continue
        old = get_at(before.data, path)
        if old is None:
            updated_at = before.data.get("updated_at")
            if updated_at is not None:
                tests[_UPDATED_AT] = Operation("test", _UPDATED_AT, updated_at)
        elif not is_secret_value(pointer_tokens(path)[-1], old):
            tests[path] = Operation("test", path, old)
    return [list(tests.values()), []] if tests else [[]]


def sent_without_tests_finding(error: ToolFailure) -> RuleFinding:
    """Return the finding for a change that was sent again without its tests."""
    return info(
        "sent-without-tests",
        "Tavus refused the change with its tests for edits of others, though nothing had been "
        f"edited; it was sent once more without them. It had said: {error}",
        source="D:patch-persona",
    )


def edited_meanwhile_findings(
    expected: PersonaDocument, actual: PersonaDocument, catalog: Catalog
) -> list[RuleFinding]:
    """Return a finding with the fields in which a persona just written is not as expected."""
    paths = unexpected_differences(expected, actual, catalog)
    if not paths:
        return []
    listed, omitted = paths[:_MAX_CONFLICT_ITEMS], len(paths[_MAX_CONFLICT_ITEMS:])
    more = f" and {omitted} more" if omitted else ""
    return [
        warning(
            EDITED_MEANWHILE,
            "The persona was written, but it reads otherwise than the file says at "
            f"{', '.join(listed)}{more}: someone edited it meanwhile, or Tavus did.",
            hint="The file does not name this revision, so the next apply is refused until the "
            "persona is brought into it: tavus-mcp export PERSONA_ID --into FILE.",
        )
    ]


def build_revision_conflict(
    app: App,
    expected: PersonaDocument | None,
    current: PersonaDocument,
    *,
    has_plan: bool = False,
    advice: str = "",
) -> Conflict:
    """Return the error for a persona that is not at the expected revision.

    ``expected`` is the document of that revision, None when it is not known. ``advice`` replaces
    the advice to call the tool again.
    """
    differences = "What changed is not known here; read it with get_persona."
    if expected is not None:
        differences = "Changed meanwhile: " + _describe_differences(app, expected, current)
    retry = f"call again with if_revision={current.revision!r} or without it"
    if has_plan:
        retry = "make the plan again"
    advice = advice or f"Look at it with get_persona, then {retry}."
    return Conflict(
        f"Persona {current.persona_id!r} is at revision {current.revision} now, not at the one "
        "this change was made for: someone edited it. Nothing was written. "
        f"{differences} {advice}"
    )


def _describe_differences(app: App, expected: PersonaDocument, current: PersonaDocument) -> str:
    operations = diff(
        app.masker.mask(expected.stable_fields()), app.masker.mask(current.stable_fields())
    )
    changes = changes_of(
        expected.stable_fields(), operations, app.masker, app.catalog.default_value
    )
    parts = [
        f"{item.path} from {_format_value(item.before)} to {_format_value(item.after)}"
        for item in changes[:_MAX_CONFLICT_ITEMS]
    ]
    omitted = len(changes[_MAX_CONFLICT_ITEMS:])
    return "; ".join(parts) + (f"; and {omitted} more." if omitted else ".")


def _format_value(value: object) -> str:
    return "nothing" if value is None else repr(value)


async def require_revision(
    app: App, document: PersonaDocument, revision: str | None, *, has_plan: bool = False
) -> None:
    """Raise ``Conflict``, with what changed, unless the persona is at the caller's revision."""
    if revision is not None and not await is_at_revision(app, document, revision):
        seen = await find_state(app, document.persona_id, revision)
        raise build_revision_conflict(app, seen, document, has_plan=has_plan)


async def require_retryable(
    app: App, before: PersonaDocument, refusal: RequestRejected, *, has_tests: bool
) -> None:
    """Return when a refusal may be due to the ``test`` operations alone; else raise.

    Tavus documents ``test``; that it is honoured has not been tried on the live service. Raises
    ``Conflict`` when the persona changed meanwhile, else the refusal: nothing was written.
    """
    if not has_tests or refusal.status not in (400, 422):
        raise refusal
    try:
        current = await app.api.get_persona(before.persona_id)
    except TavusError:
        raise refusal from None
    if (current.digest, current.updated_at) != (before.digest, before.updated_at):
        await record_observed(app, current)
        raise build_revision_conflict(app, before, current) from refusal
