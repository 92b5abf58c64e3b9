"""Guarding a write against edits of others: what is tested, and what is said of a conflict."""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, Failure
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.json_patch import Operation, diff, find, outermost_list, tokens
from tavus_mcp.models.masking import hides
from tavus_mcp.models.receipt import changes_of

EDITED_MEANWHILE = "edited-meanwhile"
_STAMP = "/updated_at"
_MOST = 8


def guards(before: Document, operations: Sequence[Operation]) -> list[list[Operation]]:
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
        old = find(before.data, path)
        if old is None:
            stamp = before.data.get("updated_at")
            if stamp is not None:
                tests[_STAMP] = Operation("test", _STAMP, stamp)
        elif not hides(tokens(path)[-1], old):
            tests[path] = Operation("test", path, old)
    return [list(tests.values()), []] if tests else [[]]


def unguarded(refused: Failure) -> Finding:
    """Tell that a change was sent without its tests."""
    return Finding(
        severity="info",
        path="",
        message=(
            "Tavus refused the change with its tests for edits of others, though nothing had been "
            f"edited; it was sent once more without them. It had said: {refused}"
        ),
        rule="sent-without-tests",
        source="D:patch-persona",
    )


def edited_meanwhile(paths: Sequence[str]) -> list[Finding]:
    """Tell where a persona that was just written reads otherwise than it was to be."""
    if not paths:
        return []
    more = f" and {len(paths) - _MOST} more" if len(paths) > _MOST else ""
    return [
        Finding(
            severity="warning",
            path="",
            message="The persona was written, but it reads otherwise than the file says at "
            f"{', '.join(paths[:_MOST])}{more}: someone edited it meanwhile, or Tavus did.",
            hint="The file does not name this revision, so the next apply is refused until the "
            "persona is brought into it: tavus-mcp export PERSONA_ID --into FILE.",
            rule=EDITED_MEANWHILE,
        )
    ]


def changed_meanwhile(
    app: App, known: Document | None, now: Document, *, planned: bool = False, advice: str = ""
) -> Conflict:
    """Return the conflict, with what changed since the known state when that is known.

    ``advice`` says what to do next, where calling a tool again is not what helps.
    """
    told = "What changed is not known here; read it with get_persona."
    if known is not None:
        told = "Changed meanwhile: " + _differences(app, known, now)
    again = f"call again with if_revision={now.revision!r} or without it"
    again = "make the plan again" if planned else again
    advice = advice or f"Look at it with get_persona, then {again}."
    return Conflict(
        f"Persona {now.persona_id!r} is at revision {now.revision} now, not at the one this change "
        f"was made for: someone edited it. Nothing was written. {told} {advice}"
    )


def _differences(app: App, known: Document, now: Document) -> str:
    operations = diff(app.masker.mask(known.kept()), app.masker.mask(now.kept()))
    changes = changes_of(known.kept(), operations, app.masker)
    told = [
        f"{item.path} from {_written(item.before)} to {_written(item.after)}"
        for item in changes[:_MOST]
    ]
    more = len(changes) - _MOST
    return "; ".join(told) + (f"; and {more} more." if more > 0 else ".")


def _written(value: object) -> str:
    return "nothing" if value is None else repr(value)
