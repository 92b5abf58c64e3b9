"""Forms of values: whether what another product calls by a name can be a value of a field here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from tavus_mcp.catalog import Catalog, FieldFacts

PROVIDER_VOICES: Mapping[str, re.Pattern[str]] = {
    "cartesia": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE),
    "elevenlabs": re.compile(r"(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9]{20}"),
    "azure": re.compile(r"[a-z]{2,3}-[A-Za-z-]{2,12}-[\w:]+Neural"),
}
"""The form of the voice ids of each provider; ids of other forms may be valid as well."""
_ID_FORMS: Mapping[str, re.Pattern[str]] = {
    "/default_replica_id": re.compile(r"r[0-9a-f]{6,14}"),
    "/document_ids": re.compile(r"d[0-9a-f]+(?:-[0-9a-f]+)?"),
    "/guardrail_ids": re.compile(r"g[0-9a-f]{6,14}"),
    "/objectives_id": re.compile(r"o[0-9a-f]{6,14}"),
    "/tool_ids": re.compile(r"t[0-9a-f]{6,14}|end_call"),
}


def may_be_value(pointer: str, value: Any, catalog: Catalog) -> bool:
    """Return True if a value of another product can be meant for a field of a persona.

    Ids must have the form that Tavus gives them, and a value of a field with a list of known values
    must be one of these: an id of another account, and the engine of another product, name nothing.
    """
    if isinstance(value, list):
        return all(may_be_value(pointer, item, catalog) for item in value)
    if not isinstance(value, str):
        return True
    if form := _ID_FORMS.get(pointer):
        return form.fullmatch(value) is not None
    if pointer == "/layers/tts/external_voice_id":
        return any(form.fullmatch(value) for form in PROVIDER_VOICES.values())
    if pointer == "/layers/tts/tts_model_name":
        families = {find_model_family(m) for e in catalog.tts_engines for m in e.known_models}
        return find_model_family(value) in families
    facts = _value_fields().get(pointer)
    return facts is None or facts.value_named(value) is not None


def find_model_family(model: str) -> str:
    """Return the first word of a model's name, such as "sonic" or "eleven"."""
    return re.split(r"[-_]", model, maxsplit=1)[0].lower()


@cache
def _value_fields() -> Mapping[str, FieldFacts]:
    return dict(Catalog.value_fields())
