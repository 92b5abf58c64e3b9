"""A persona as plain JSON, with accessors and a revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol, get_args

from tavus_mcp.models.base import JsonObject, indexed_texts, is_set, number, text
from tavus_mcp.models.json_patch import get_at, pointer_of, pointer_tokens
from tavus_mcp.models.persona import SERVER_FIELDS, UNKNOWN_WHEN_ABSENT
from tavus_mcp.models.revision import compute_digest, is_name_of, shorten
from tavus_mcp.models.revision_v1 import ADDED_SINCE
from tavus_mcp.models.vocabularies import to_persona_names

# Tavus changes these by itself, so they are not part of the revision.
_VOLATILE = frozenset({"updated_at", "session_id", "is_draft"})
_DELETE_BLANKS = str.maketrans("", "", "\t\n\r")


MaskedPlaces = frozenset[tuple[str, ...]]
"""Paths, as tuples of names, at which a stored document holds a mask and not the value."""


PartKindName = Literal["tool", "objectives", "guardrail", "document", "dictionary", "skill"]
PART_KINDS: tuple[PartKindName, ...] = get_args(PartKindName)
ObjectKind = Literal[
    "persona", "tool", "objectives", "guardrail", "document", "dictionary", "skill"
]
Identity = dict[str, Any]
"""The members of a receipt that name the object."""


class Document(Protocol):
    """An object of a Tavus account as it was read: a persona, or a part of personas."""

    @property
    def kind(self) -> ObjectKind:
        """What it is."""

    @property
    def object_id(self) -> str:
        """Its id in the account, or an empty string."""

    @property
    def journal_id(self) -> str:
        """Its id in the journal: the bare id of a persona, else KIND/ID."""

    @property
    def noun(self) -> str:
        """What texts call it."""

    @property
    def read_call(self) -> str:
        """The call that reads it, as texts name it."""

    @property
    def data(self) -> JsonObject:
        """All its fields."""

    @property
    def masked(self) -> MaskedPlaces:
        """The places of masks in a stored document."""

    @property
    def name(self) -> str:
        """The name, or an empty string."""

    @property
    def updated_at(self) -> str:
        """The time of the last change."""

    @property
    def tests_time(self) -> bool:
        """True if a change can require ``updated_at`` where there is no value to require."""

    @property
    def digest(self) -> str:
        """The hash that identifies this state."""

    @property
    def revision(self) -> str:
        """The first digits of the digest, which people see."""

    def has_revision(self, text: str) -> bool:
        """Tell whether a text names this state."""

    def was_unread(self, pointer: str) -> bool:
        """Tell whether a field is absent because an older version did not read it."""

    def at(self, pointer: str, default: Any = None) -> Any:
        """Return the value at a JSON Pointer, or ``default``."""

    def stable_fields(self) -> JsonObject:
        """Return the fields of which the revision is made."""

    def writable_fields(self) -> JsonObject:
        """Return the fields that a request can hold."""

    def may_remove(self, name: str) -> bool:
        """Tell whether restoring an earlier state removes a field that it does not have."""

    def identify(self) -> Identity:
        """Return how a receipt names it."""

    def with_data(self, data: JsonObject) -> Document:
        """Return the same object with other fields, as one that is not recorded."""


@dataclass(frozen=True)
class PersonaDocument:
    """A persona as it was read, with the field names of ``/v2/personas`` and all unknown fields.

    ``recorded_revision`` and ``recorded_digest`` are those under which the journal holds it, empty
    for a document that was not loaded from there; ``masked`` are the places of masks in it.
    """

    data: JsonObject
    recorded_revision: str = ""
    recorded_digest: str = ""
    masked: MaskedPlaces = frozenset()
    kind: ClassVar[Literal["persona"]] = "persona"
    noun: ClassVar[str] = "persona"
    read_call: ClassVar[str] = "get_persona"
    tests_time: ClassVar[bool] = True

    @classmethod
    def parse(cls, raw: JsonObject) -> PersonaDocument:
        """Return the document of a response in either vocabulary, flat or wrapped in ``data``."""
        inner = raw.get("data", raw)
        if isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        document: JsonObject = to_persona_names(inner if isinstance(inner, dict) else raw)
        if "persona_id" not in document and isinstance(document.get("uuid"), str):
            document["persona_id"] = document["uuid"]
        return cls(document)

    @property
    def persona_id(self) -> str:
        """The id, or an empty string."""
        return str(self.data.get("persona_id") or "")

    @property
    def object_id(self) -> str:
        """The id, as every recorded object has one (``history.record``)."""
        return self.persona_id

    @property
    def journal_id(self) -> str:
        """The id in the journal."""
        return self.persona_id

    @property
    def name(self) -> str:
        """The name, or an empty string."""
        return str(self.data.get("persona_name") or "")

    @property
    def mode(self) -> str:
        """The pipeline mode, by default ``full`` (docs: create-persona)."""
        return str(self.data.get("pipeline_mode") or "full")

    @property
    def updated_at(self) -> str:
        """The time of the last change; also of one that is not part of the revision."""
        return str(self.data.get("updated_at") or "")

    @cached_property
    def digest(self) -> str:
        """A hash of 64 digits that identifies this state of the persona; see ``revision``."""
        return self.recorded_digest or compute_digest(self.stable_fields())

    @property
    def revision(self) -> str:
        """The first digits of the digest, which people see, or the recorded revision."""
        return self.recorded_revision or shorten(self.digest)

    def has_revision(self, text: str) -> bool:
        """Tell whether a text names this state, as a revision of this version or of 0.1."""
        is_recorded = text != "" and text == self.recorded_revision
        return is_recorded or is_name_of(text, self.digest, self.data)

    def was_unread(self, pointer: str) -> bool:
        """Tell whether a field is absent because version 0.1, which recorded this, did not read it.

        Then it is not known whether the persona had it.
        """
        name = pointer_tokens(pointer)[0]
        is_old = bool(self.recorded_revision) and not self.recorded_digest
        return is_old and name in ADDED_SINCE and name not in self.data

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """JSON Pointer and value of every text in a writable field."""
        return find_texts(self.writable_fields())

    @cached_property
    def texts_to_inspect(self) -> tuple[tuple[str, str], ...]:
        """The texts that can have invisible characters: those that are not printable ASCII."""
        return tuple(
            (path, text)
            for path, text in self.texts
            if not (text.isascii() and text.translate(_DELETE_BLANKS).isprintable())
        )

    @cached_property
    def values_by_pointer(self) -> Mapping[str, Any]:
        """Every member of every object by its JSON Pointer, but nothing inside of lists."""
        found: JsonObject = {}
        waiting: list[tuple[str, JsonObject]] = [("", self.data)]
        while waiting:
            path, node = waiting.pop()
            for key, value in node.items():
                pointer = path + _pointer_segment(key)
                found[pointer] = value
                if isinstance(value, dict):
                    waiting.append((pointer, value))
        return found

    def stable_fields(self) -> JsonObject:
        """Return the fields of which the revision is made."""
        return {key: value for key, value in self.data.items() if key not in _VOLATILE}

    def at(self, pointer: str, default: Any = None) -> Any:
        """Return the value at a JSON Pointer, list items included, or ``default``."""
        return get_at(self.data, pointer, default)

    def value(self, path: str) -> Any:
        """Return the member of an object at a JSON Pointer, or None.

        This and the accessors below look the path up in ``values_by_pointer``: they never raise,
        whatever the document holds, and do not enter lists.
        """
        return self.values_by_pointer.get(path)

    def is_set(self, path: str) -> bool:
        """Return True if a field holds more than null or an empty string, list or object."""
        return is_set(self.values_by_pointer.get(path))

    def text(self, path: str) -> str:
        """Return a text without surrounding blanks, or ""."""
        return text(self.values_by_pointer.get(path))

    def number(self, path: str) -> float | None:
        """Return a number, or None; a boolean is no number."""
        return number(self.value(path))

    def entries(self, path: str) -> Iterator[tuple[int, str]]:
        """Yield index and value of each string in a list."""
        return indexed_texts(self.value(path))

    def layer(self, name: str) -> JsonObject:
        """Return a layer, empty if the persona has none of that name."""
        layer = self.value(f"/layers/{name}")
        return layer if isinstance(layer, dict) else {}

    def may_remove(self, name: str) -> bool:
        """Tell whether restoring an earlier state removes a field that it does not have."""
        return name not in SERVER_FIELDS | UNKNOWN_WHEN_ABSENT

    def identify(self) -> Identity:
        """Return how a receipt names it."""
        return {"persona_id": self.persona_id or None, "persona_name": self.name or None}

    def with_data(self, data: JsonObject) -> PersonaDocument:
        """Return the same persona with other fields, as one that is not recorded."""
        return PersonaDocument(data, masked=self.masked)

    @property
    def languages(self) -> list[str]:
        """The language codes of the persona."""
        return [code for _, code in self.entries("/languages") if code]

    @property
    def has_custom_llm(self) -> bool:
        """True if an endpoint of the customer serves the LLM: limits of hosted models are off."""
        return bool(text(self.at("/layers/llm/base_url")))

    def writable_fields(self) -> JsonObject:
        """Return the document without the fields that Tavus sets."""
        return {key: value for key, value in self.data.items() if key not in SERVER_FIELDS}


def is_stock_persona(document: Document) -> bool:
    """Tell whether an object is a persona of Tavus itself (docs: get-personas)."""
    return document.data.get("persona_type") == "system"


def find_texts(data: JsonObject) -> tuple[tuple[str, str], ...]:
    """Return the JSON Pointer and the value of every text in a document."""
    found: list[tuple[str, str]] = []
    waiting: list[tuple[str, Any]] = [("", data)]
    while waiting:  # not recursive, because the depth of a document has no limit
        path, node = waiting.pop()
        if isinstance(node, str):
            found.append((path, node))
        elif isinstance(node, dict):
            waiting += [(path + _pointer_segment(key), item) for key, item in node.items()]
        elif isinstance(node, list):
            waiting += [(f"{path}/{index}", item) for index, item in enumerate(node)]
    return tuple(found)


def _pointer_segment(key: str) -> str:
    return pointer_of([key]) if "~" in key or "/" in key else f"/{key}"
