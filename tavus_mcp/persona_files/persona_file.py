"""The format of a persona file: one YAML document with a fixed order, so that git shows changes.

``persona_id`` and ``revision`` come first; the revision names the state that the file was exported
from, so that applying it can detect that the persona was changed since. The writable fields follow
in the order of the models, then unknown fields in alphabetical order. Fields that the server sets
are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.models.persona import SERVER_FIELDS, Persona
from tavus_mcp.models.validation_errors import child_schema
from tavus_mcp.models.vocabularies import duplicate_names, to_persona_names
from tavus_mcp.persona_files import yaml_reader
from tavus_mcp.persona_files.yaml_reader import BadFile
from tavus_mcp.text import quote_path

IDENTITY_KEYS = ("persona_id", "revision")
"""The keys that name the persona and the state that a file was exported from."""
FIELDS_NOT_IN_FILE = SERVER_FIELDS | {*IDENTITY_KEYS}
"""Top-level fields of a persona that no file contains and no file changes."""
_LEADING_FIELDS = ("persona_name", "pipeline_mode")

HEADER_COMMENT = """\
# A Tavus persona. Change this file, then: tavus-mcp apply FILE
# Fields missing from the file are removed from the persona. The revision line lets apply detect
# edits that others made since.
# Exports contain no keys: "********" keeps the stored one. To set a key, write api_key_ref: NAME,
# or {secret:NAME} in a header, and set the variable TAVUS_SECRET_NAME.
"""
_DEFAULTS_COMMENT = "# Not set when this was exported, so that Tavus used its defaults:\n"


@dataclass(frozen=True)
class PersonaFile:
    """The content of a file; ``ignored_keys`` are fields in it that only the server sets."""

    fields: JsonObject
    persona_id: str | None = None
    revision: str | None = None
    ignored_keys: tuple[str, ...] = ()

    def data(self) -> JsonObject:
        """Return the whole content of the file in its order."""
        identity = {"persona_id": self.persona_id, "revision": self.revision}
        present = {key: value for key, value in identity.items() if value is not None}
        return {**present, **order_fields(self.fields)}

    def render(self, defaults: Mapping[str, str] = MappingProxyType({})) -> str:
        """Return the text of a new file; the same persona gives the same text.

        ``defaults`` are what Tavus uses for fields that are not set, by JSON Pointer; a comment
        lists them. Raises ``BadFile`` when the persona nests deeper than a file may.
        """
        from tavus_mcp.persona_files.yaml_writer import render_yaml

        try:
            return _render_header(defaults) + render_yaml(self.data())
        except ValueError as error:
            raise BadFile(f"this persona cannot be a file: {error}.") from None

    def merge_into_text(self, text: str) -> str:
        """Return the text of an existing file changed to this content; its comments are kept."""
        from tavus_mcp.persona_files.yaml_editor import update_yaml

        return update_yaml(text, self.data())


def _render_header(defaults: Mapping[str, str]) -> str:
    if not defaults:
        return HEADER_COMMENT
    lines = (f"#   {path}: {value}\n" for path, value in defaults.items())
    return HEADER_COMMENT + _DEFAULTS_COMMENT + "".join(lines)


def parse_persona_file(text: str) -> PersonaFile:
    """Parse a file; raises ``BadFile`` with line and column of every mistake in its form."""
    root = yaml_reader.parse_yaml(text)
    members = root.members
    data: JsonObject = to_persona_names(root.to_data())
    problems = [
        f"{members[key][1].position if key in members else root.position}: {key} must be text, "
        f"or left out{'' if key == 'persona_id' else '; digits alone need quotes'}."
        for key in IDENTITY_KEYS
        if not isinstance(data.get(key), str | None)
    ]
    problems += [_duplicate_name_message(root, pair) for pair in duplicate_names(root.to_data())]
    if not problems and data.get("persona_id") is not None:
        problems = _id_problems(data["persona_id"], members)
    if problems:
        raise BadFile(*problems)
    fields = {key: value for key, value in data.items() if key not in FIELDS_NOT_IN_FILE}
    ignored = tuple(key for key in data if key in SERVER_FIELDS and key not in IDENTITY_KEYS)
    return PersonaFile(fields, data.get("persona_id"), data.get("revision"), ignored)


def with_identity(text: str, persona_id: str, revision: str | None) -> str:
    """Return the text of a file with its id and revision set and nothing else changed."""
    from tavus_mcp.persona_files.yaml_editor import update_yaml

    data = yaml_reader.parse_yaml(text).to_data()
    alias = "pal_id" if "pal_id" in data else "persona_id"
    identity = {alias: persona_id} | ({} if revision is None else {"revision": revision})
    fields = {key: value for key, value in data.items() if key not in identity}
    return update_yaml(text, {**identity, **fields})


def order_fields(fields: JsonObject) -> JsonObject:
    """Return a persona's fields in the order in which a file holds them."""
    known = dict.fromkeys((*_LEADING_FIELDS, *Persona.model_fields))
    ordered: JsonObject = _order_value(fields, _schema())
    first = {key: ordered[key] for key in known if key in ordered}
    return {**first, **ordered}


def _order_value(value: Any, schema: JsonObject) -> Any:
    if isinstance(value, list):
        return [_order_value(item, child_schema(schema, 0, _schema()) or {}) for item in value]
    if not isinstance(value, dict):
        return value
    known = [key for key in schema.get("properties", {}) if key in value]
    rest = sorted(value.keys() - {*known})
    return {
        key: _order_value(value[key], child_schema(schema, key, _schema()) or {})
        for key in known + rest
    }


@cache
def _schema() -> JsonObject:
    return Persona.model_json_schema()


def _duplicate_name_message(root: yaml_reader.Node, pair: tuple[str, str]) -> str:
    """Return the problem of a field that is given under both of its names."""
    node, position = root, root.position
    for token in pair[0].split("/")[1:]:
        if token not in node.members:
            break
        key, node = node.members[token]
        position = key.position
    return (
        f"{position}: {quote_path(pair[0])} and {quote_path(pair[1])} are two names of one "
        f"field; keep one of them."
    )


def _id_problems(
    persona_id: str, members: Mapping[str, tuple[yaml_reader.Node, yaml_reader.Node]]
) -> list[str]:
    try:
        parse_id(persona_id)
    except ValueError as error:
        _, value = members.get("persona_id") or members["pal_id"]
        return [f"{value.position}: {error}."]
    return []
