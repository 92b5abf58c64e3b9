"""Guarding a write against edits of others: what is tested, and what is said of a conflict."""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.app import App
from tavus_mcp.catalog import Catalog
from tavus_mcp.errors import Conflict, ToolFailure
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import Operation, diff, get_at, outermost_list, pointer_tokens
from tavus_mcp.models.masking import is_secret_value
from tavus_mcp.models.receipt import changes_of
from tavus_mcp.personas.readback import unexpected_differences

EDITED_MEANWHILE = "edited-meanwhile"
_UPDATED_AT = "/updated_at"
_MAX_CONFLICT_ITEMS = 8


def build_test_attempts(
    before: PersonaDocument, operations: Sequence[Operation]
) -> list[list[Operation]]:
    """Return the tests for a first try, and none for a second one where there are any.

    They say that what the change replaces is still as it was read: a leaf, or the whole list that
    it stands in. Secrets are read masked and cannot be tested. Where nothing stood, the persona's
    own time of change stands in for it.
    """
    tests: dict[str, Operation] = {}
    for operation in operations:
        path = outermost_list(before.data, operation.path)
        if path in tests:  # a list is tested as a whole, once for all that changes in it
            continue
        old = get_at(before.data, path)
        if old is None:
            stamp = before.data.get("updated_at")
            if stamp is not None:
                tests[_UPDATED_AT] = Operation("test", _UPDATED_AT, stamp)
        elif not is_secret_value(pointer_tokens(path)[-1], old):
            tests[path] = Operation("test", path, old)
    return [list(tests.values()), []] if tests else [[]]


def sent_without_tests_finding(error: ToolFailure) -> RuleFinding:
    """Tell that a change was sent without its tests."""
    return RuleFinding(
        severity="info",
        path="",
        message=(
            "Tavus refused the change with its tests for edits of others, though nothing had been "
            f"edited; it was sent once more without them. It had said: {error}"
        ),
        rule="sent-without-tests",
        source="D:patch-persona",
    )


def edited_meanwhile_findings(
    expected: PersonaDocument, actual: PersonaDocument, catalog: Catalog
) -> list[RuleFinding]:
    """Return a finding with the fields in which a persona just written is not as expected."""
    paths = unexpected_differences(expected, actual, catalog)
    if not paths:
        return []
    more = (
        f" and {len(paths) - _MAX_CONFLICT_ITEMS} more" if len(paths) > _MAX_CONFLICT_ITEMS else ""
    )
    return [
        RuleFinding(
            severity="warning",
            path="",
            message="The persona was written, but it reads otherwise than the file says at "
            f"{', '.join(paths[:_MAX_CONFLICT_ITEMS])}{more}: someone edited it meanwhile, or "
            f"Tavus did.",
            hint="The file does not name this revision, so the next apply is refused until the "
            "persona is brought into it: tavus-mcp export PERSONA_ID --into FILE.",
            rule=EDITED_MEANWHILE,
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
    """Return the conflict, with what changed since the known state when that is known.

    ``advice`` says what to do next, where calling a tool again is not what helps.
    """
    told = "What changed is not known here; read it with get_persona."
    if expected is not None:
        told = "Changed meanwhile: " + _describe_differences(app, expected, current)
    again = f"call again with if_revision={current.revision!r} or without it"
    again = "make the plan again" if has_plan else again
    advice = advice or f"Look at it with get_persona, then {again}."
    return Conflict(
        f"Persona {current.persona_id!r} is at revision {current.revision} now, not at the one "
        f"this change "
        f"was made for: someone edited it. Nothing was written. {told} {advice}"
    )


def _describe_differences(app: App, expected: PersonaDocument, current: PersonaDocument) -> str:
    operations = diff(
        app.masker.mask(expected.stable_fields()), app.masker.mask(current.stable_fields())
    )
    changes = changes_of(expected.stable_fields(), operations, app.masker)
    told = [
        f"{item.path} from {_format_value(item.before)} to {_format_value(item.after)}"
        for item in changes[:_MAX_CONFLICT_ITEMS]
    ]
    more = len(changes) - _MAX_CONFLICT_ITEMS
    return "; ".join(told) + (f"; and {more} more." if more > 0 else ".")


def _format_value(value: object) -> str:
    return "nothing" if value is None else repr(value)
