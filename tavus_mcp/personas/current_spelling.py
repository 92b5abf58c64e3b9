"""The conversions that every write applies: older spellings with one certain meaning.

Each is reported. What is uncertain is sent as given, and the rules of the checker name its
successor.
"""

from __future__ import annotations

from tavus_mcp.catalog import Catalog
from tavus_mcp.deprecations import apply_operations
from tavus_mcp.deprecations.table import DOCUMENTS, PROVIDER_VOICE
from tavus_mcp.models.base import JsonObject, is_set
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, info, warning

_VOICE, _EXTERNAL_VOICE = "/layers/tts/voice_id", "/layers/tts/external_voice_id"
_DOCUMENT_FIELDS = ("document_ids", "document_tags")

AUDIO_ONLY = warning(
    "audio-only",
    "Not a field of a persona, so it was not sent.",
    path="/audio_only",
    hint="Give audio_only=true when a conversation is created; the persona stays in full mode.",
    source="J:changelog",
)
PLAIN_OBJECT = info(
    "plain-object-patch",
    "Tavus takes a JSON Patch, not a plain object; it was turned into one.",
    hint="update_persona and the configure_* tools set fields by name.",
    source="D:patch-persona",
)


def use_current_spelling(
    before: JsonObject, after: JsonObject, catalog: Catalog
) -> tuple[JsonObject, list[RuleFinding]]:
    """Return the written document with today's spelling, and a finding for each conversion.

    ``before`` is the stored document, empty for a new persona. Documents are moved out of layers
    by every write, a voice only by a write that changes it. What this write gives under the older
    name replaces what is stored under today's; of two values that it gives, today's name wins.
    """
    stored, written = PersonaDocument(before), PersonaDocument(after)
    findings: list[RuleFinding] = []
    if stored.value(_VOICE) != written.value(_VOICE):
        written, voice_findings = _move_provider_voice(stored, written, catalog)
        findings += voice_findings
    written, document_findings = _move_documents(stored, written, catalog)
    return written.data, findings + document_findings


def _move_provider_voice(
    stored: PersonaDocument, written: PersonaDocument, catalog: Catalog
) -> tuple[PersonaDocument, list[RuleFinding]]:
    written = _without_replaced(stored, written, _VOICE, _EXTERNAL_VOICE)
    operations = PROVIDER_VOICE.operations(written, catalog)
    if not operations:
        return written, []
    voice, result = written.text(_VOICE), apply_operations(written, operations)
    if result.text(_EXTERNAL_VOICE) != voice:
        message = "A provider's voice id belongs in external_voice_id, which is set; left out."
    else:
        message = (
            "This is a provider's voice id (Tavus voices are v and hex); sent as external_voice_id."
        )
    finding = info(
        "provider-voice-id",
        message,
        path=_VOICE,
        hint="external_voice_id is for Cartesia and ElevenLabs ids, voice_id for Tavus Voices.",
        source="P:voices",
    )
    return result, [finding]


def _move_documents(
    stored: PersonaDocument, written: PersonaDocument, catalog: Catalog
) -> tuple[PersonaDocument, list[RuleFinding]]:
    for name in _DOCUMENT_FIELDS:
        older = f"/layers/{name}"
        written = _without_replaced(stored, written, older, f"/{name}")
        value = written.value(older)
        if is_set(value) and not isinstance(value, list) and value != stored.value(older):
            # the check of the persona's field says what is wrong with it
            written = PersonaDocument(SetFields({f"/{name}": value}, (older,)).apply(written.data))
    operations = DOCUMENTS.operations(written, catalog)
    moved = {operation.path for operation in operations if operation.kind == "set"}
    findings = []
    for operation in operations:
        if operation.kind == "remove":
            name = operation.path.rpartition("/")[2]
            outcome = f"sent as /{name}." if f"/{name}" in moved else _left_out(written, name)
            finding = info(
                "misplaced-documents",
                f"{name} belongs to the persona, not to its layers; {outcome}",
                path=operation.path,
                source="D:create-persona",
            )
            findings.append(finding)
    return apply_operations(written, operations), findings


def _left_out(written: PersonaDocument, name: str) -> str:
    """Return the text that says why documents inside layers are not moved."""
    if written.is_set(f"/{name}"):
        reason = f"/{name} is set"
    elif written.is_set(f"/layers/{name}"):
        reason = "it is no list"
    else:
        reason = "it is empty"
    return f"{reason}, so it was left out."


def _without_replaced(
    stored: PersonaDocument, written: PersonaDocument, older: str, current: str
) -> PersonaDocument:
    """Return the written document without a stored value that this write gives an older name."""
    is_given = written.is_set(older) and written.value(older) != stored.value(older)
    if not is_given or written.value(current) != stored.value(current):
        return written
    return PersonaDocument(SetFields({}, (current,)).apply(written.data))
