"""A persona as a file: one YAML document, always in the same order, so that git shows changes.

``persona_id`` and ``revision`` stand first; the revision names the state the file was made of, so
that bringing it in can notice that somebody else changed the persona since. Then come the fields
that people write, in the order of the models, and what we do not know behind them, sorted. What
the server sets is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.models.persona import SERVER_FIELDS, Persona
from tavus_mcp.models.validation_errors import child_schema
from tavus_mcp.models.vocabularies import duplicate_names, to_persona_names
from tavus_mcp.persona_files import yaml_reader
from tavus_mcp.persona_files.yaml_reader import BadFile

IDENTITY_KEYS = ("persona_id", "revision")
"""The two keys by which a file names what it was made of."""
FIELDS_NOT_IN_FILE = SERVER_FIELDS | {*IDENTITY_KEYS}
"""Top-level fields of a persona that no file holds and no file changes."""
_LEADING_FIELDS = ("persona_name", "pipeline_mode")

_HEADER_COMMENT = """\
# A Tavus persona. Change this file, then: tavus-mcp apply FILE
# The file is the whole truth: a field that is not in it is removed. The line of the revision lets
# apply notice that somebody else changed the persona meanwhile.
# Keys never stand here. "********" is a stored secret that stays as it is; to set one, write
# api_key_ref: NAME, or {secret:NAME} in a header, for the variable TAVUS_SECRET_NAME.
"""


@dataclass(frozen=True)
class PersonaFile:
    """What a file says: which persona, made of which revision, and its fields."""

    fields: JsonObject
    persona_id: str | None = None
    revision: str | None = None
    ignored_keys: tuple[str, ...] = ()

    def data(self) -> JsonObject:
        """Return everything the file holds, in its order."""
        own = {"persona_id": self.persona_id, "revision": self.revision}
        named = {key: value for key, value in own.items() if value is not None}
        return {**named, **order_fields(self.fields)}

    def render(self) -> str:
        """Return the file as it is written from nothing; the same persona, the same text.

        Raises ``BadFile`` when the persona nests deeper than a file may.
        """
        from tavus_mcp.persona_files.yaml_writer import render_yaml

        try:
            return _HEADER_COMMENT + render_yaml(self.data())
        except ValueError as error:
            raise BadFile(f"this persona cannot be a file: {error}.") from None

    def merge_into_text(self, text: str) -> str:
        """Return an existing file changed so that it says the same, its comments kept."""
        from tavus_mcp.persona_files.yaml_editor import update_yaml

        return update_yaml(text, self.data())


def parse_persona_file(text: str) -> PersonaFile:
    """Read a file; raises ``BadFile`` with line and column of all that is wrong with its form."""
    root = yaml_reader.parse_yaml(text)
    members = root.members
    data: JsonObject = to_persona_names(root.to_data())
    problems = [
        f"{members[key][1].position if key in members else root.position}: {key} must be text, "
        f"or left "
        f"out{'' if key == 'persona_id' else '; digits alone need quotes'}."
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
    """Return a file with its two own keys set, and nothing else touched."""
    from tavus_mcp.persona_files.yaml_editor import update_yaml

    data = yaml_reader.parse_yaml(text).to_data()
    alias = "pal_id" if "pal_id" in data else "persona_id"
    own = {alias: persona_id} | ({} if revision is None else {"revision": revision})
    kept = {key: value for key, value in data.items() if key not in own}
    return update_yaml(text, {**own, **kept})


def order_fields(fields: JsonObject) -> JsonObject:
    """Return a persona's fields in the order in which a file holds them."""
    known = dict.fromkeys((*_LEADING_FIELDS, *Persona.model_fields))
    whole: JsonObject = _order_value(fields, _schema())
    first = {key: whole[key] for key in known if key in whole}
    return {**first, **whole}


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
    """Say where a field stands under both of its names, of which only one would count."""
    node, where = root, root.position
    for token in pair[0].split("/")[1:]:
        if token not in node.members:
            break
        key, node = node.members[token]
        where = key.position
    return f"{where}: {pair[0]} and {pair[1]} are two names of one field; keep one of them."


def _id_problems(persona_id: str, members: Mapping[str, Any]) -> list[str]:
    try:
        parse_id(persona_id)
    except ValueError as error:
        place = members.get("persona_id") or members["pal_id"]
        return [f"{place[1].position}: {error}."]
    return []
