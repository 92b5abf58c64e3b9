"""A persona as plain JSON: everything it came with, named by a revision."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from tavus_mcp.models.base import JsonObject, indexed_texts, is_set, number, text
from tavus_mcp.models.json_patch import get_at, pointer_of
from tavus_mcp.models.masking import Masker
from tavus_mcp.models.persona import SERVER_FIELDS
from tavus_mcp.models.vocabularies import to_persona_names

# These change without anyone having changed the persona, so they name no revision.
_VOLATILE = frozenset({"updated_at", "session_id", "is_draft"})
_DELETE_BLANKS = str.maketrans("", "", "\t\n\r")


@dataclass(frozen=True)
class PersonaDocument:
    """A persona as it was read, in the names of ``/v2/personas``; unknown fields are kept."""

    data: JsonObject
    kind: ClassVar[Literal["persona"]] = "persona"

    @classmethod
    def parse(cls, raw: JsonObject) -> PersonaDocument:
        """Return the document of a reply in either vocabulary, flat or wrapped in ``data``."""
        inner = raw.get("data", raw)
        if isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        document: JsonObject = to_persona_names(inner if isinstance(inner, dict) else raw)
        if "persona_id" not in document and isinstance(document.get("uuid"), str):
            document["persona_id"] = document["uuid"]
        return cls(document)

    @property
    def persona_id(self) -> str:
        """The id, or an empty string when the reply had none."""
        return str(self.data.get("persona_id") or "")

    @property
    def object_id(self) -> str:
        """The id, as every recorded object has one (``history.record``)."""
        return self.persona_id

    @property
    def name(self) -> str:
        """The persona's name, or an empty string."""
        return str(self.data.get("persona_name") or "")

    @property
    def mode(self) -> str:
        """The pipeline mode; ``full`` when none is stored (docs: create-persona)."""
        return str(self.data.get("pipeline_mode") or "full")

    @property
    def updated_at(self) -> str:
        """When Tavus says it was changed last; moves also with what no revision shows."""
        return str(self.data.get("updated_at") or "")

    @cached_property
    def revision(self) -> str:
        """The short hash that names this state of the persona; secrets do not enter it."""
        canonical = json.dumps(
            Masker().mask(self.stable_fields()),
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Every text that people wrote, each behind its JSON Pointer."""
        found: list[tuple[str, str]] = []
        waiting: list[tuple[str, Any]] = [("", self.writable_fields())]
        while waiting:  # not recursive: nobody promises how deep a document is
            path, node = waiting.pop()
            if isinstance(node, str):
                found.append((path, node))
            elif isinstance(node, dict):
                waiting += [(path + _pointer_segment(key), item) for key, item in node.items()]
            elif isinstance(node, list):
                waiting += [(f"{path}/{index}", item) for index, item in enumerate(node)]
        return tuple(found)

    @cached_property
    def texts_to_inspect(self) -> tuple[tuple[str, str], ...]:
        """The texts that are not all plain ASCII: in others nothing stands that nobody sees."""
        return tuple(
            (path, text)
            for path, text in self.texts
            if not (text.isascii() and text.translate(_DELETE_BLANKS).isprintable())
        )

    @cached_property
    def values_by_pointer(self) -> Mapping[str, Any]:
        """Every member of every object by its JSON Pointer; lists are not entered."""
        found: JsonObject = {}
        waiting: list[tuple[str, JsonObject]] = [("", self.data)]
        while waiting:
            path, node = waiting.pop()
            for key, value in node.items():
                place = path + _pointer_segment(key)
                found[place] = value
                if isinstance(value, dict):
                    waiting.append((place, value))
        return found

    def stable_fields(self) -> JsonObject:
        """Return the document without what changes by itself."""
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
        return is_set(self.value(path))

    def text(self, path: str) -> str:
        """Return a text without surrounding blanks, or ""."""
        return text(self.value(path))

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

    @property
    def languages(self) -> list[str]:
        """The language codes of the persona."""
        return [code for _, code in self.entries("/languages") if code]

    @property
    def has_custom_llm(self) -> bool:
        """True if an endpoint of the customer serves the LLM: limits of hosted models are off."""
        return bool(self.text("/layers/llm/base_url"))

    def writable_fields(self) -> JsonObject:
        """Return the part that people write: the document without what the server sets."""
        return {key: value for key, value in self.data.items() if key not in SERVER_FIELDS}


def _pointer_segment(key: str) -> str:
    return pointer_of([key]) if "~" in key or "/" in key else f"/{key}"
