"""A part as plain JSON: what Tavus stores, with its id, name and revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel

from tavus_mcp.models.base import JsonObject, is_set, parse_id
from tavus_mcp.models.document import Identity, MaskedPlaces, PartKindName
from tavus_mcp.models.json_patch import get_at, is_changed
from tavus_mcp.models.parts.dictionary import Dictionary
from tavus_mcp.models.parts.document import KnowledgeDocument
from tavus_mcp.models.parts.guardrail import Guardrail, GuardrailSet
from tavus_mcp.models.parts.objectives import ObjectiveSet
from tavus_mcp.models.parts.skill import ATTACHED, SkillAttachment
from tavus_mcp.models.parts.tool import Tool
from tavus_mcp.models.revision import SHORT_CHARS, compute_digest, shorten

CREATE_MODELS: Mapping[PartKindName, type[BaseModel]] = {
    "tool": Tool,
    "objectives": ObjectiveSet,
    "guardrail": Guardrail,
    "document": KnowledgeDocument,
    "dictionary": Dictionary,
    "skill": SkillAttachment,
}
"""The model of the request that creates a part of each kind."""
ID_FIELDS: Mapping[PartKindName, tuple[str, ...]] = {
    "tool": ("tool_id", "uuid", "id"),
    "objectives": ("objectives_id", "uuid", "id"),
    "guardrail": ("guardrails_id", "uuid", "id"),
    "document": ("document_id", "uuid", "id"),
    "dictionary": ("pronunciation_dictionary_id", "uuid", "id"),
    "skill": ("skill_id", "id"),
}
"""The fields that hold an id in what Tavus answers, the first that is there."""


def parse_object_id(value: str) -> str:
    """Return a validated id of a persona, or KIND/ID of a part; raise ``ValueError`` otherwise."""
    kind, slash, object_id = value.rpartition("/")
    if slash and kind not in CREATE_MODELS:
        raise ValueError(f"not a kind of part: {', '.join(CREATE_MODELS)}")
    ids = [parse_id(item) for item in object_id.split(":")]
    if len(ids) != (2 if kind == "skill" else 1):
        raise ValueError(
            "not an id: only that of a skill, skill/PERSONA_ID:SKILL_ID, has two parts"
        )
    return value


ObjectId = Annotated[str, AfterValidator(parse_object_id)]
"""The id of a persona, or KIND/ID of a part, as an argument."""
NOUNS: Mapping[PartKindName, str] = {
    "tool": "registry tool",
    "objectives": "objective set",
    "guardrail": "guardrail",
    "document": "document",
    "dictionary": "dictionary",
    "skill": "skill",
}
NAME_FIELDS: Mapping[PartKindName, str] = {
    "tool": "name",
    "objectives": "name",
    "guardrail": "guardrail_name",
    "document": "document_name",
    "dictionary": "name",
    "skill": "skill_id",
}
_READ_NAMES = {"crawl_config": "crawl", "guardrails_name": "name", "objectives_name": "name"}
"""Names of fields in reads, with the names that they have in requests."""
DEFAULTS: Mapping[str, Any] = {
    "allow_loops": False,
    "app_message": True,
    "case_sensitive": False,
    "confirmation_mode": "auto",
    "modality": "verbal",
    "word_boundaries": True,
}
"""What Tavus stores where a request leaves a field out (docs: create-objectives, guardrails,
pronunciation-dictionaries)."""
OPAQUE_FIELDS = frozenset({"parameters", "body_template", "tool_call", "config"})
"""Fields in which an empty value means something."""


def find_part_default(pointer: str) -> Any:
    """Return what Tavus stores in the field of a part if a request leaves it out, or None."""
    return DEFAULTS.get(pointer.rpartition("/")[2])


@dataclass(frozen=True)
class PartDocument:
    """A part as it was read, with all unknown fields.

    ``object_id`` of a skill is ``PERSONA_ID:SKILL_ID``. ``recorded_revision``,
    ``recorded_digest`` and ``masked`` are as in ``PersonaDocument``.
    """

    kind: PartKindName
    object_id: str
    data: JsonObject
    recorded_revision: str = ""
    recorded_digest: str = ""
    masked: MaskedPlaces = frozenset()

    @classmethod
    def parse(cls, kind: PartKindName, raw: JsonObject, object_id: str = "") -> PartDocument:
        """Return the document of a response, flat or wrapped in ``data``.

        An objective set and a guardrail set have a ``data`` array of their own, which is no
        wrapper: only a response that has nothing else of a part is unwrapped.
        """
        document = dict(unwrap(kind, raw))
        for read_name, name in _READ_NAMES.items():
            if read_name in document and name not in document:
                document[name] = document[read_name]
        if kind == "skill":
            document[ATTACHED] = True
        return cls(kind, object_id or find_id(kind, document), document)

    @property
    def identity(self) -> tuple[PartKindName, JsonObject]:
        """The kind and the fields, of which ``find_id`` finds the id."""
        return self.kind, self.data

    @property
    def journal_id(self) -> str:
        """The id in the journal and in arguments: KIND/ID."""
        return f"{self.kind}/{self.object_id}"

    @property
    def noun(self) -> str:
        """What texts call it."""
        return NOUNS[self.kind]

    @property
    def read_call(self) -> str:
        """The call that reads it, as texts name it."""
        return f"get_part({self.kind!r}, {self.object_id!r})"

    @property
    def name(self) -> str:
        """The name, or an empty string."""
        field = "name" if self.is_set_of_guardrails else NAME_FIELDS[self.kind]
        return str(self.data.get(field) or "")

    @property
    def is_set_of_guardrails(self) -> bool:
        """True for a legacy set, which shares its path and its form of ids with guardrails."""
        return self.kind == "guardrail" and isinstance(self.data.get("data"), list)

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that a request can hold."""
        model = GuardrailSet if self.is_set_of_guardrails else CREATE_MODELS[self.kind]
        return frozenset({*model.model_fields, *([ATTACHED] if self.kind == "skill" else [])})

    @property
    def updated_at(self) -> str:
        """The time of the last change; its form differs between kinds, so it is only displayed."""
        return str(self.data.get("updated_at") or "")

    @property
    def tests_time(self) -> bool:
        """False: no source says that a change can require the time of the last one."""
        return False

    @cached_property
    def digest(self) -> str:
        """A hash of 64 digits that identifies this state; unset and empty fields are the same."""
        return self.recorded_digest or compute_digest(without_empty(self.writable_fields()))

    @property
    def revision(self) -> str:
        """The first digits of the digest, which people see."""
        return self.recorded_revision or shorten(self.digest)

    def has_revision(self, text: str) -> bool:
        """Tell whether a text names this state: its revision, or a longer part of its digest."""
        return len(text) >= SHORT_CHARS and self.digest.startswith(text)

    def was_unread(self, pointer: str) -> bool:
        """Return False: no version has read parts otherwise."""
        return False

    def identify(self) -> Identity:
        """Return how a receipt names it."""
        return {"part": {"kind": self.kind, "id": self.object_id, "name": self.name}}

    def with_data(self, data: JsonObject) -> PartDocument:
        """Return the same part with other fields, as one that is not recorded."""
        return PartDocument(self.kind, self.object_id, data, masked=self.masked)

    def may_remove(self, name: str) -> bool:
        """Tell whether restoring an earlier state removes a field that it does not have."""
        return name in self.fields

    def at(self, pointer: str, default: Any = None) -> Any:
        """Return the value at a JSON Pointer, list items included, or ``default``."""
        return get_at(self.data, pointer, default)

    def writable_fields(self) -> JsonObject:
        """Return the fields that a request can hold."""
        return {key: value for key, value in self.data.items() if key in self.fields}

    def creatable_fields(self) -> JsonObject:
        """Return the fields with which it can be created again: no ids of items, nothing unset."""
        fields = without_empty(self.writable_fields())
        fields.pop(ATTACHED, None)
        if self.is_set_of_guardrails:
            names = Guardrail.model_fields
            items = [item for item in fields.get("data", []) if isinstance(item, dict)]
            fields["data"] = [
                {key: value for key, value in item.items() if key in names} for item in items
            ]
        return dict(fields)

    def stable_fields(self) -> JsonObject:
        """Return the fields of which the revision is made, as the journal stores them."""
        return self.writable_fields()


def find_id(kind: PartKindName, data: JsonObject) -> str:
    """Return the id in what Tavus answered, or an empty string."""
    return next((data[key] for key in ID_FIELDS[kind] if isinstance(data.get(key), str)), "")


def unwrap(kind: PartKindName, raw: JsonObject) -> JsonObject:
    """Return the part in a response; ``data`` is a wrapper only beside nothing of the part."""
    own = {*ID_FIELDS[kind], NAME_FIELDS[kind], "name", "allow_loops"}
    inner = raw.get("data")
    if isinstance(inner, list) and len(inner) == 1:
        inner = inner[0]
    return raw if own & raw.keys() or not isinstance(inner, dict) else inner


def without_empty(value: Any) -> Any:
    """Return a value without the members that are null, "", [] or {}, at any depth.

    The content of fields that others define, such as a JSON Schema, stays as it is.
    """
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    if not isinstance(value, dict):
        return value
    members = {
        key: item if key in OPAQUE_FIELDS else without_empty(item) for key, item in value.items()
    }
    return {key: item for key, item in members.items() if is_set(item)}


def is_equivalent(left: Any, right: Any) -> bool:
    """Tell whether two values are equal, where unset and empty are the same."""
    return not is_changed(without_empty({"": left}), without_empty({"": right}))
