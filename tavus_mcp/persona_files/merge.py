"""Merge a persona file into the stored persona without exposing or losing secrets.

Exported files contain no keys: a stored key is written as the mask, or as a reference if its value
is one of this server's own (``TAVUS_SECRET_*``). When a file is applied, a value that equals the
exported one leaves the stored value as it is, and so does a mask. A secret that the file does not
contain keeps its stored value; null removes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject, iter_texts
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import diff, get_at, pointer_of, pointer_tokens
from tavus_mcp.models.masking import (
    MASK,
    has_masked_secret_at,
    has_secret_at,
    is_masked,
    is_secret_path,
)
from tavus_mcp.models.persona import OPTIONAL_IN_FILES, UNKNOWN_WHEN_ABSENT
from tavus_mcp.persona_files.findings import build_finding
from tavus_mcp.persona_files.persona_file import FIELDS_NOT_IN_FILE
from tavus_mcp.personas.readback import is_equivalent_value
from tavus_mcp.personas.secret_references import (
    KEY_FIELD,
    KEY_REFERENCE_FIELD,
    REFERENCE_CONTAINERS,
    SECRET_PLACEHOLDER,
    resolve_text_placeholders,
)
from tavus_mcp.text import quote_path

_ABSENT: Any = object()
_MIN_SECRET_CHARS = 6
_AUTH_SCHEME = re.compile(r"\s*(basic|bearer|token|key|apikey)?\s*", re.IGNORECASE)
"""Words beside a key in a header that are not secret."""
_FREE_FORM_OBJECTS = ("headers", "voice_settings")
_AMBIGUOUS_ITEMS = (
    "several items of this list look the same in the file, but their stored secrets differ, and "
    "after a move they cannot be distinguished. Keep their order in the list, or "
    "write their secrets by reference, as {secret:NAME}."
)
PathParts = tuple[str, ...]


def to_file_fields(app: App, document: PersonaDocument) -> JsonObject:
    """Return a persona's fields as a file holds them: secrets masked, or as references."""
    stored = _without_identity(document.data)
    if stored.get("tool_ids") == []:  # a file without it means the same
        del stored["tool_ids"]
    fields: JsonObject = _replace_with_references(
        app, stored, app.masker.mask(stored), in_container=False
    )
    return fields


def _without_identity(data: JsonObject) -> JsonObject:
    return {key: value for key, value in data.items() if key not in FIELDS_NOT_IN_FILE}


@dataclass(frozen=True)
class ApplyFile:
    """A change that makes a persona what the fields of a file say."""

    app: App
    fields: JsonObject

    def apply(self, data: JsonObject) -> JsonObject:
        """Return the changed persona with its secrets; fields that no file holds are unchanged.

        Raises ``InvalidArgument`` for a reference to a key that this server does not have.
        """
        return self.merge(data).result

    def merge(self, data: JsonObject) -> _FileMerge:
        """Return the changed persona with the paths that deserve a remark."""
        own = {key: value for key, value in data.items() if key in FIELDS_NOT_IN_FILE}
        stored = _without_identity(data)
        merge = _FileMerge(self.app)
        # without this, a file that has no layers would remove the object that holds them
        fields = {"layers": {}, **self.fields} if "layers" in stored else self.fields
        exported = to_file_fields(self.app, PersonaDocument(data))
        merge.result = {**own, **merge.merge_object(fields, exported, stored, ())}
        return merge


@dataclass
class _FileMerge:
    """State of one merge.

    ``preserved_secrets`` are the paths of stored secrets that the file does not contain;
    ``resent`` the paths that are sent on every apply, because Tavus never returns their value.

    The methods take a value three times: from the file, as an export writes it, and as stored.
    """

    app: App
    result: JsonObject = field(default_factory=dict)
    preserved_secrets: list[PathParts] = field(default_factory=list)
    resent: list[PathParts] = field(default_factory=list)

    @property
    def resent_pointers(self) -> list[str]:
        """The fields of the persona that are sent on every apply, as JSON Pointers."""
        return [
            pointer_of([*parts, KEY_FIELD] if last == KEY_REFERENCE_FIELD else [*parts, last])
            for *parts, last in self.resent
        ]

    def merge_object(
        self, file_object: JsonObject, exported: Any, stored: Any, path_parts: PathParts
    ) -> JsonObject:
        """Return an object with the file's members and the secrets that the file leaves out."""
        exported = exported if isinstance(exported, dict) else {}
        stored = stored if isinstance(stored, dict) else {}
        result: JsonObject = {}
        for key, value in file_object.items():
            member_path, stored_value = (*path_parts, key), stored.get(key, _ABSENT)
            is_reference = key == KEY_REFERENCE_FIELD and isinstance(value, str)
            if is_reference and not _is_in_container(member_path):
                result[KEY_FIELD] = self._merge_key(file_object, exported, stored, member_path)
            elif value is not None or not self._is_removed_by_null(member_path, stored_value):
                exported_value = exported.get(key, _ABSENT)
                result[key] = self._merge_value(value, exported_value, stored_value, member_path)
        for key, stored_value in stored.items():
            if key not in file_object and key not in result:
                part = self._preserve_unlisted(stored_value, (*path_parts, key))
                if part is not _ABSENT:
                    result[key] = part
        return result

    def _merge_key(
        self,
        file_object: JsonObject,
        exported: JsonObject,
        stored: JsonObject,
        path_parts: PathParts,
    ) -> str:
        if KEY_FIELD in file_object:
            pointer = pointer_of((*path_parts[:-1], KEY_FIELD))
            raise InvalidArgument(
                [f"{quote_path(pointer)}: give api_key_ref or api_key, not both."]
            )
        reference = file_object[KEY_REFERENCE_FIELD]
        if exported.get(KEY_REFERENCE_FIELD) == reference:
            return str(stored[KEY_FIELD])
        if is_masked(stored.get(KEY_FIELD)):
            self.resent.append(path_parts)
        return self.app.secret(reference, argument_path=pointer_of(path_parts))

    def _merge_value(
        self, file_value: Any, exported: Any, stored: Any, path_parts: PathParts
    ) -> Any:
        if stored is not _ABSENT and not diff(file_value, exported):
            return stored
        is_unread = stored is _ABSENT and path_parts[0] in UNKNOWN_WHEN_ABSENT
        if is_unread and len(path_parts) == 1:
            self.resent.append(path_parts)
        if isinstance(file_value, dict):
            return self.merge_object(file_value, exported, stored, path_parts)
        if isinstance(file_value, list):
            return self._merge_list(file_value, exported, stored, path_parts)
        if not isinstance(file_value, str):
            return file_value
        if has_masked_secret_at(path_parts, file_value) and stored is not _ABSENT:
            return stored
        return self._merge_text(file_value, stored, path_parts)

    def _merge_text(self, file_text: str, stored: Any, path_parts: PathParts) -> str:
        if not _is_in_container(path_parts):
            return file_text
        if SECRET_PLACEHOLDER.search(file_text) and is_masked(stored):
            self.resent.append(path_parts)
        return resolve_text_placeholders(self.app, file_text, pointer_of(path_parts))

    def _merge_list(
        self, file_items: list[Any], exported: Any, stored: Any, path_parts: PathParts
    ) -> list[Any]:
        pairs = list(zip(exported, stored, strict=True)) if isinstance(exported, list) else []
        matches = _match_items(file_items, pairs, path_parts)
        result = []
        for index, item in enumerate(file_items):
            if index in matches:
                result.append(pairs[matches[index]][1])
                continue
            # a copy of another item must not get the secrets of the item it replaces
            is_copy = any(not diff(item, exported_item) for exported_item, _ in pairs)
            is_changed_in_place = (
                len(pairs) == len(file_items) and index not in matches.values() and not is_copy
            )
            pair = pairs[index] if is_changed_in_place else (_ABSENT, _ABSENT)
            result.append(self._merge_value(item, *pair, (*path_parts, str(index))))
        return result

    def _is_removed_by_null(self, path_parts: PathParts, stored: Any) -> bool:
        """Return True if null removes a field or a secret here; elsewhere null is a value."""
        if stored is None:
            return False
        is_typed = len(path_parts) <= 3 or path_parts[-2] in _FREE_FORM_OBJECTS
        return is_typed or _secret_part(self.app, stored, path_parts) is not _ABSENT

    def _preserve_unlisted(self, stored: Any, path_parts: PathParts) -> Any:
        """Return what remains of a value that the file does not contain: secrets and defaults."""
        if path_parts[0] in OPTIONAL_IN_FILES:
            return stored
        part = _secret_part(self.app, stored, path_parts)
        if part is not _ABSENT:
            self.preserved_secrets.append(path_parts)
        elif is_equivalent_value(None, stored, pointer_of(path_parts), self.app.catalog):
            return stored
        return part


def _match_items(
    file_items: list[Any], pairs: list[tuple[Any, Any]], path_parts: PathParts
) -> dict[int, int]:
    """Return the index of the stored item for each file item that equals an exported one.

    ``pairs`` are the exported and the stored items. Each stored item is used once. Raises
    ``InvalidArgument`` when items that moved look alike and their secrets differ.
    """
    matches: dict[int, int] = {}
    for index, item in enumerate(file_items):
        alike = [number for number, (exported, _) in enumerate(pairs) if not diff(item, exported)]
        if any(diff(pairs[alike[0]][1], pairs[number][1]) for number in alike[1:]):
            copies = [number for number, copy in enumerate(file_items) if not diff(item, copy)]
            if copies != alike:
                raise InvalidArgument([f"{quote_path(pointer_of(path_parts))}: {_AMBIGUOUS_ITEMS}"])
        free = [number for number in alike if number not in matches.values()]
        if free:
            matches[index] = index if index in free else free[0]
    return matches


def secret_findings(change: ApplyFile, before: PersonaDocument) -> list[RuleFinding]:
    """Return remarks on the keys in a file, and on stored secrets that are not in it."""
    merge = change.merge(before.data)
    paths = {
        "literal-key": list(_iter_literal_keys(change.fields)),
        "sent-again": merge.resent,
        "secret-stays": merge.preserved_secrets,
    }
    return [
        build_finding(rule, pointer_of(path_parts)) for rule in paths for path_parts in paths[rule]
    ]


def mask_paths(fields: JsonObject) -> list[str]:
    """Return the paths at which a mask stands for a secret."""
    return [
        pointer_of(path_parts)
        for path_parts, text in iter_texts(fields)
        if has_masked_secret_at(path_parts, text)
    ]


def embedded_secret_paths(app: App, document: PersonaDocument, fields: JsonObject) -> list[str]:
    """Return the paths of texts that contain a secret among other words, masked in the file."""
    masked = app.masker.mask_with_paths(document.writable_fields()).paths
    return [
        pointer
        for pointer in dict.fromkeys((*masked, *map(pointer_of, document.masked)))
        if not is_secret_path(pointer_tokens(pointer)) and MASK in str(get_at(fields, pointer))
    ]


def with_references(fields: Any, existing: Any) -> Any:
    """Return fields with the references of an existing file in place of the masks."""
    if not isinstance(fields, dict) or not isinstance(existing, dict):
        is_reference = isinstance(existing, str) and SECRET_PLACEHOLDER.search(existing)
        return existing if is_reference and is_masked(fields) else fields
    result: JsonObject = {}
    for key, value in fields.items():
        reference = existing.get(KEY_REFERENCE_FIELD)
        if key == KEY_FIELD and is_masked(value) and isinstance(reference, str):
            result[KEY_REFERENCE_FIELD] = reference
        else:
            result[key] = with_references(value, existing.get(key))
    return result


def _replace_with_references(app: App, stored: Any, masked: Any, *, in_container: bool) -> Any:
    """Return a masked value with references to the secrets that this server can name.

    ``in_container`` says that the value is in one of ``REFERENCE_CONTAINERS``.
    """
    if isinstance(stored, dict):
        result = {}
        for key, value in stored.items():
            is_key = key == KEY_FIELD and KEY_REFERENCE_FIELD not in stored
            name = _find_secret_name(app, value) if is_key and not in_container else None
            if name is not None:
                result[KEY_REFERENCE_FIELD] = name
            else:
                result[key] = _replace_with_references(
                    app,
                    value,
                    masked[key],
                    in_container=in_container or key in REFERENCE_CONTAINERS,
                )
        return result
    if isinstance(stored, list):
        return [
            _replace_with_references(app, *items, in_container=in_container)
            for items in zip(stored, masked, strict=True)
        ]
    is_hidden = in_container and isinstance(stored, str) and stored != masked
    return _name_secrets_in(app, stored, masked) if is_hidden else masked


def _name_secrets_in(app: App, stored: str, masked: str) -> str:
    """Return a text with references for its secrets, or masked if there is more to hide in it."""
    text = stored
    for name, secret in sorted(_nameable_secrets(app).items(), key=lambda pair: -len(pair[1])):
        text = text.replace(secret, f"{{secret:{name}}}")
    rest = SECRET_PLACEHOLDER.sub("", text)
    if text == stored or (masked == MASK and not _AUTH_SCHEME.fullmatch(rest)):
        return masked
    return app.masker.mask_text(text)


def _find_secret_name(app: App, value: object) -> str | None:
    names = (name for name, secret in sorted(_nameable_secrets(app).items()) if secret == value)
    return next(names, None)


def _nameable_secrets(app: App) -> Mapping[str, str]:
    """Return the secrets that a reference can name; short ones could be part of a word."""
    return {
        name: secret
        for name, secret in app.secrets.items()
        if len(secret) >= _MIN_SECRET_CHARS and SECRET_PLACEHOLDER.fullmatch(f"{{secret:{name}}}")
    }


def _is_in_container(path_parts: PathParts) -> bool:
    return not REFERENCE_CONTAINERS.isdisjoint(path_parts[:-1])


def _is_secret_at(app: App, path_parts: PathParts, value: Any) -> bool:
    """Return True if a value at a path is secret, wholly or in part."""
    if isinstance(value, dict) or value is _ABSENT:
        return False
    return bool(app.masker.mask_with_paths(value, path_parts).paths)


def _secret_part(app: App, value: Any, path_parts: PathParts) -> Any:
    """Return the secret members of a value, or ``_ABSENT`` if there are none."""
    if isinstance(value, dict):
        parts = {key: _secret_part(app, item, (*path_parts, key)) for key, item in value.items()}
        return {key: part for key, part in parts.items() if part is not _ABSENT} or _ABSENT
    return value if _is_secret_at(app, path_parts, value) else _ABSENT


def literal_key_pointers(fields: JsonObject) -> list[str]:
    """Return the paths of keys that are written out in a file."""
    return [pointer_of(path_parts) for path_parts in _iter_literal_keys(fields)]


def _iter_literal_keys(fields: JsonObject) -> Iterator[PathParts]:
    for path_parts, text in iter_texts(fields):
        is_reference = _is_in_container(path_parts) and SECRET_PLACEHOLDER.search(text)
        is_key = has_secret_at(path_parts, text)
        if text and is_key and not is_reference and not is_masked(text):
            yield path_parts
