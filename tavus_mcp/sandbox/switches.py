"""How the sandbox behaves where it is not known how Tavus does (tests/sandbox/fidelity)."""

from __future__ import annotations

from typing import Literal, cast

from starlette.requests import Request

from tavus_mcp.sandbox.http import Body


class Switches(Body):
    """A choice for each assumption about Tavus; the first value of each is the default.

    ``test_operations``: what a JSON Patch with ``test`` gets (docs: patch-persona allows them).
    ``include_settings``: whether a read with ``include_settings=true`` has ``tool_ids`` and
    ``skills`` (vendor client). ``patches``: whether a PATCH changes the persona or a draft of it
    (docs: draft-and-live). ``patch_answer``: whether a PATCH answers the persona or nothing.
    ``keys``: how reads show provider keys. ``defaults``: whether reads show default values.
    ``updated_at``: whether reads have the time of the last change. ``unknown_fields``: whether
    fields and values that the documents do not know are stored, nulls included.

    Of parts: ``objective_reads``: whether a set is read flat or in a list of one (docs:
    get-objective). ``set_patch_answer``: whether a PATCH of an objective or guardrail set answers
    a sentence or the set. ``tool_ids_at_creation``: whether a new persona gets its ``tool_ids``.
    ``guardrail_ids_patches``: whether a patch of ``guardrail_ids`` has an effect.
    ``guardrail_pages``: the first page of the list. ``documents``: whether a document is ready at
    once, or processed until the control route says otherwise. ``deleted_references``: whether
    personas keep the ids of deleted objective sets and documents.
    """

    test_operations: Literal["accepted", "refused"] = "accepted"
    include_settings: Literal["answered", "ignored"] = "answered"
    patches: Literal["live", "draft"] = "live"
    patch_answer: Literal["persona", "empty"] = "persona"
    keys: Literal["masked", "partial", "absent"] = "masked"
    defaults: Literal["omitted", "shown"] = "omitted"
    updated_at: Literal["shown", "absent"] = "shown"
    unknown_fields: Literal["refused", "accepted"] = "refused"
    objective_reads: Literal["flat", "wrapped"] = "flat"
    set_patch_answer: Literal["sentence", "document"] = "sentence"
    tool_ids_at_creation: Literal["attached", "ignored"] = "attached"
    guardrail_ids_patches: Literal["applied", "ignored"] = "applied"
    guardrail_pages: Literal["from_1", "from_0"] = "from_1"
    documents: Literal["ready", "processing"] = "ready"
    deleted_references: Literal["kept", "removed"] = "kept"


def switches_of(request: Request) -> Switches:
    """Return the switches of this sandbox."""
    return cast(Switches, request.app.state.switches)
