"""What the write path needs to know of one kind of object; ``PERSONA_RULES`` are those of personas.

The path itself (``update``, ``create``, ``delete``, ``restore``) is the same for every kind.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import cast

from tavus_mcp.app import App
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import Change
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import Operation
from tavus_mcp.models.receipt import Undo
from tavus_mcp.personas.current_spelling import use_current_spelling
from tavus_mcp.personas.patch_input import apply_or_refuse
from tavus_mcp.personas.persona_check import check_persona_change
from tavus_mcp.tavus_api.endpoints import PERSONA_ENDPOINT, ObjectEndpoint

ApplyChange = Callable[
    [App, Change, Document, Container[str], bool], tuple[JsonObject, list[RuleFinding]]
]
"""Returns the fields after a change, and findings on their spelling.

The arguments after the object are the rules that may be violated, and whether older spellings are
sent as they are. Raises ``Refused`` if the change does not fit.
"""
CheckChange = Callable[
    [App, Document, Document, Sequence[Operation], Container[str]], list[RuleFinding]
]
"""Returns the findings on a change from one state to another; raises ``Refused``."""


@dataclass(frozen=True)
class WriteRules:
    """How objects of one kind are changed and checked.

    ``whole_lists`` are the pointers of lists that a request can only replace as a whole.
    ``build_creation_undo`` returns the call that undoes a creation. ``verify`` returns findings on
    what else changed between the object before and as it was read back.
    """

    endpoint: ObjectEndpoint
    apply_change: ApplyChange
    check_change: CheckChange
    build_creation_undo: Callable[[Document], Undo]
    verify: Callable[[Document, Document, Sequence[Operation]], list[RuleFinding]]
    whole_lists: Sequence[str] = ()


def _apply_to_persona(
    app: App,
    change: Change,
    before: Document,
    allow: Container[str],
    keep_legacy_spelling: bool,
) -> tuple[JsonObject, list[RuleFinding]]:
    data = apply_or_refuse(change, cast("PersonaDocument", before), app.catalog, allow)
    if keep_legacy_spelling:
        return data, []
    return use_current_spelling(before.data, data, app.catalog)


PERSONA_RULES = WriteRules(
    PERSONA_ENDPOINT,
    _apply_to_persona,
    cast("CheckChange", check_persona_change),
    lambda persona: Undo(tool="delete_persona", arguments={"persona_id": persona.object_id}),
    lambda *_: [],
)
