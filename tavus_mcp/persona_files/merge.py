"""What a file shows of a persona, and what of the persona a file leaves as it is.

Keys never stand in a file. A stored one is shown as the mask, or as a reference when its value is
one of this server's own (``TAVUS_SECRET_*``). Whatever a file holds as it would be shown stays as
it is stored; a mask stays whatever stands there; a secret that the file does not hold is never
removed by its absence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import diff, pointer_of
from tavus_mcp.models.masking import MASK, has_masked_secret_at, is_masked, is_secret_name
from tavus_mcp.models.persona import WRITE_ONLY
from tavus_mcp.persona_files.persona_file import FIELDS_NOT_IN_FILE
from tavus_mcp.personas.readback import is_equivalent_value
from tavus_mcp.personas.secret_references import (
    KEY_FIELD,
    KEY_REFERENCE_FIELD,
    REFERENCE_CONTAINERS,
    SECRET_PLACEHOLDER,
    resolve_text_placeholders,
)

_NOTHING: Any = object()
_MIN_SECRET_CHARS = 6
_AUTH_SCHEME = re.compile(r"\s*(basic|bearer|token|key|apikey)?\s*", re.IGNORECASE)
"""What may stand beside a key in a header and is no secret."""
_FREE_FORM_OBJECTS = ("headers", "voice_settings")
PathParts = tuple[str, ...]


def to_file_fields(app: App, document: PersonaDocument) -> JsonObject:
    """Return a persona's fields as a file holds them: secrets masked, or as references."""
    stored = {key: value for key, value in document.data.items() if key not in FIELDS_NOT_IN_FILE}
    referred: JsonObject = _replace_with_references(
        app, stored, app.masker.mask(stored), in_container=False
    )
    return referred


@dataclass(frozen=True)
class ApplyFile:
    """Make the persona what the fields of a file say; what the file cannot hold stays."""

    app: App
    fields: JsonObject

    def apply(self, data: JsonObject) -> JsonObject:
        """Return the persona as it is to be, its secrets in place.

        Raises ``InvalidArgument`` for a reference to a key that this server does not have.
        """
        return self.merge(data).result

    def merge(self, data: JsonObject) -> _FileMerge:
        """Return the persona as it is to be, and what is to be said of the way there."""
        own = {key: value for key, value in data.items() if key in FIELDS_NOT_IN_FILE}
        stored = {key: value for key, value in data.items() if key not in FIELDS_NOT_IN_FILE}
        walk = _FileMerge(self.app)
        # a file without layers removes each of them, not the place where layers stand
        fields = {"layers": {}, **self.fields} if "layers" in stored else self.fields
        inner = walk.merge_object(
            fields, to_file_fields(self.app, PersonaDocument(data)), stored, ()
        )
        walk.result = {**own, **inner}
        return walk


@dataclass
class _FileMerge:
    """One way through a file beside the persona: as it is shown, and as it is stored.

    ``stays`` are the secrets that are not in the file; ``again`` what is sent without knowing
    whether it is there already.
    """

    app: App
    result: JsonObject = field(default_factory=dict)
    preserved_secrets: list[PathParts] = field(default_factory=list)
    resent: list[PathParts] = field(default_factory=list)

    def merge_object(
        self, file_value: JsonObject, exported_value: Any, stored: Any, path_parts: PathParts
    ) -> JsonObject:
        """Return an object as it is to be: what the file says, and the secrets it leaves out."""
        exported_value, stored = (
            one if isinstance(one, dict) else {} for one in (exported_value, stored)
        )
        result: JsonObject = {}
        for key, item in file_value.items():
            here, old = (*path_parts, key), stored.get(key, _NOTHING)
            if key == KEY_REFERENCE_FIELD and isinstance(item, str) and not _is_in_container(here):
                result[KEY_FIELD] = self._merge_key(file_value, exported_value, stored, here)
            elif item is not None or not self._is_removed_by_null(here, old):
                result[key] = self._merge_value(item, exported_value.get(key, _NOTHING), old, here)
        for key, old in stored.items():
            part = (
                _NOTHING
                if key in file_value or key in result
                else self._preserve_unlisted(old, (*path_parts, key))
            )
            if part is not _NOTHING:
                result[key] = part
        return result

    def _merge_key(
        self,
        file_value: JsonObject,
        exported_value: JsonObject,
        stored: JsonObject,
        path_parts: PathParts,
    ) -> str:
        if KEY_FIELD in file_value:
            where = pointer_of((*path_parts[:-1], KEY_FIELD))
            raise InvalidArgument([f"{where}: give api_key_ref or api_key, not both."])
        if exported_value.get(KEY_REFERENCE_FIELD) == file_value[KEY_REFERENCE_FIELD]:
            return str(stored[KEY_FIELD])
        if is_masked(stored.get(KEY_FIELD)):
            self.resent.append(path_parts)
        return self.app.secret(
            file_value[KEY_REFERENCE_FIELD], argument_path=pointer_of(path_parts)
        )

    def _merge_value(
        self, file_value: Any, exported_value: Any, stored: Any, path_parts: PathParts
    ) -> Any:
        if stored is not _NOTHING and not diff(file_value, exported_value):
            return stored
        if len(path_parts) == 1 and path_parts[0] in WRITE_ONLY:
            self.resent.append(path_parts)
        if isinstance(file_value, dict):
            return self.merge_object(file_value, exported_value, stored, path_parts)
        if isinstance(file_value, list):
            return self._merge_list(file_value, exported_value, stored, path_parts)
        if not isinstance(file_value, str):
            return file_value
        if is_masked(file_value) and _is_secret_at(self.app, path_parts, stored):
            return stored
        return self._merge_text(file_value, stored, path_parts)

    def _merge_text(self, file_text: str, stored: Any, path_parts: PathParts) -> str:
        if not _is_in_container(path_parts):
            return file_text
        if SECRET_PLACEHOLDER.search(file_text) and is_masked(stored):
            self.resent.append(path_parts)
        return resolve_text_placeholders(self.app, file_text, pointer_of(path_parts))

    def _merge_list(
        self, file_items: list[Any], exported_value: Any, stored: Any, path_parts: PathParts
    ) -> list[Any]:
        there = (
            list(zip(exported_value, stored, strict=True))
            if isinstance(exported_value, list)
            else []
        )
        found = _match_items(file_items, there, path_parts)
        used = {*found.values()}
        nothing = (_NOTHING, _NOTHING)
        result = []
        for index, item in enumerate(file_items):
            if index in found:
                result.append(there[found[index]][1])
                continue
            copied = any(not diff(item, seen) for seen, _ in there)  # whose key is another's
            free = len(there) == len(file_items) and index not in used and not copied
            beside = there[index] if free else nothing
            result.append(self._merge_value(item, *beside, (*path_parts, str(index))))
        return result

    def _is_removed_by_null(self, path_parts: PathParts, stored: Any) -> bool:
        """Tell whether null removes what stands here: a field or a secret; else it is a value."""
        if stored is None:
            return False
        typed = len(path_parts) <= 3 or path_parts[-2] in _FREE_FORM_OBJECTS
        return typed or _secret_part(self.app, stored, path_parts) is not _NOTHING

    def _preserve_unlisted(self, stored: Any, path_parts: PathParts) -> Any:
        """Return what stays of a value that the file does not hold: secrets, and mere defaults."""
        if path_parts[0] in WRITE_ONLY:
            return stored
        part = _secret_part(self.app, stored, path_parts)
        if part is not _NOTHING:
            self.preserved_secrets.append(path_parts)
        elif is_equivalent_value(None, stored, pointer_of(path_parts), self.app.catalog):
            return stored
        return part


def _match_items(
    file_items: list[Any], existing_items: list[tuple[Any, Any]], path_parts: PathParts
) -> dict[int, int]:
    """Return which stored item each item of a list is, by index; each is one only, or none.

    Raises ``InvalidArgument`` when items that moved look alike and their secrets differ.
    """
    found: dict[int, int] = {}
    for index, item in enumerate(file_items):
        alike = [at for at, (seen, _) in enumerate(existing_items) if not diff(item, seen)]
        if any(diff(existing_items[alike[0]][1], existing_items[at][1]) for at in alike[1:]):
            here = [at for at, other in enumerate(file_items) if not diff(item, other)]
            if here != alike:
                raise InvalidArgument([_ambiguous_items_message(path_parts)])
        free = [at for at in alike if at not in found.values()]
        if free:
            found[index] = index if index in free else free[0]
    return found


def _ambiguous_items_message(path_parts: PathParts) -> str:
    return (
        f"{pointer_of(path_parts)}: items of this list look alike in the file, but the stored "
        f"ones hold "
        "different secrets, and which is which cannot be told once they move. Leave them where "
        "they stand in the list, or write their secrets by reference, as {secret:NAME}."
    )


def secret_findings(change: ApplyFile, before: PersonaDocument) -> list[RuleFinding]:
    """Say what there is to know about the keys in a file, and about those that are not in it."""
    walk = change.merge(before.data)
    return [
        *(_literal_key_finding(place) for place in _literal_key_paths(change.fields)),
        *(_resent_finding(place) for place in walk.resent),
        *(_preserved_secret_finding(place) for place in walk.preserved_secrets),
    ]


def mask_paths(fields: JsonObject) -> list[str]:
    """Return the paths at which a mask stands for a secret."""
    return [pointer_of(place) for place, text in _iter_texts(fields) if _is_mask(place, text)]


def embedded_secret_paths(app: App, document: PersonaDocument, fields: JsonObject) -> list[str]:
    """Return the paths of texts that hold a secret in the midst of other words."""
    return [
        pointer_of(place)
        for place, text in _iter_texts(fields)
        if MASK in text
        and not _is_mask(place, text)
        and MASK not in str(document.at(pointer_of(place)))
    ]


def with_references(fields: Any, existing: Any) -> Any:
    """Return fields with what another file says of keys where these show only the mask."""
    if not isinstance(fields, dict) or not isinstance(existing, dict):
        named = (
            isinstance(existing, str) and SECRET_PLACEHOLDER.search(existing) and is_masked(fields)
        )
        return existing if named else fields
    result: JsonObject = {}
    for key, value in fields.items():
        if (
            key == KEY_FIELD
            and is_masked(value)
            and isinstance(existing.get(KEY_REFERENCE_FIELD), str)
        ):
            result[KEY_REFERENCE_FIELD] = existing[KEY_REFERENCE_FIELD]
        else:
            result[key] = with_references(value, existing.get(key))
    return result


def _replace_with_references(app: App, stored: Any, masked: Any, *, in_container: bool) -> Any:
    """Return what masking leaves of a value, with references where they are read back."""
    if isinstance(stored, dict):
        result = {}
        for key, item in stored.items():
            name = (
                None
                if in_container or key != KEY_FIELD or KEY_REFERENCE_FIELD in stored
                else _find_secret_name(app, item)
            )
            if name is not None:
                result[KEY_REFERENCE_FIELD] = name
            else:
                inside, shown = (
                    in_container or key in REFERENCE_CONTAINERS,
                    app.masker.mask_text(key),
                )
                result[shown] = _replace_with_references(
                    app, item, masked[shown], in_container=inside
                )
        return result
    if isinstance(stored, list):
        both = zip(stored, masked, strict=True)
        return [
            _replace_with_references(app, item, shown_item, in_container=in_container)
            for item, shown_item in both
        ]
    named = in_container and isinstance(stored, str) and stored != masked
    return _name_secrets_in(app, stored, masked) if named else masked


def _name_secrets_in(app: App, stored: str, masked: str) -> str:
    """Return a text with the names of its secrets, or masked when there is more to hide in it."""
    text = stored
    for name, secret in sorted(_nameable_secrets(app).items(), key=lambda pair: -len(pair[1])):
        text = text.replace(secret, f"{{secret:{name}}}")
    if text == stored or (
        masked == MASK and not _AUTH_SCHEME.fullmatch(SECRET_PLACEHOLDER.sub("", text))
    ):
        return masked
    return app.masker.mask_text(text)


def _find_secret_name(app: App, value: object) -> str | None:
    return next(
        (name for name, secret in sorted(_nameable_secrets(app).items()) if secret == value), None
    )


def _nameable_secrets(app: App) -> Mapping[str, str]:
    """Return the secrets that a reference can name, but those too short to be told from words."""
    return {
        name: secret
        for name, secret in app.secrets.items()
        if len(secret) >= _MIN_SECRET_CHARS and SECRET_PLACEHOLDER.fullmatch(f"{{secret:{name}}}")
    }


def _is_in_container(path_parts: PathParts) -> bool:
    return not REFERENCE_CONTAINERS.isdisjoint(path_parts[:-1])


def _is_mask(path_parts: PathParts, text: str) -> bool:
    return has_masked_secret_at(path_parts, text)


def _is_secret_at(app: App, path_parts: PathParts, value: Any) -> bool:
    """Tell whether what stands at a place is secret, wholly or in part."""
    if isinstance(value, dict) or value is _NOTHING:
        return False
    if has_masked_secret_at(path_parts, value):
        return True
    return bool(app.masker.mask_at(path_parts, value) != value)


def _secret_part(app: App, value: Any, path_parts: PathParts) -> Any:
    """Return what of a value is secret, and nothing else of it."""
    if isinstance(value, dict):
        inner = {key: _secret_part(app, item, (*path_parts, key)) for key, item in value.items()}
        return {key: part for key, part in inner.items() if part is not _NOTHING} or _NOTHING
    return value if _is_secret_at(app, path_parts, value) else _NOTHING


def _iter_texts(value: Any, path_parts: PathParts = ()) -> Iterator[tuple[PathParts, str]]:
    if isinstance(value, str):
        yield path_parts, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _iter_texts(item, (*path_parts, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _iter_texts(item, (*path_parts, str(index)))


def _literal_key_paths(fields: JsonObject) -> list[PathParts]:
    return [
        place
        for place, text in _iter_texts(fields)
        if text
        and is_secret_name(place[-1])
        and "properties" not in place
        and not is_masked(text)
        and not (_is_in_container(place) and SECRET_PLACEHOLDER.search(text))
    ]


def _literal_key_finding(path_parts: PathParts) -> RuleFinding:
    return RuleFinding(
        severity="warning",
        path=pointer_of(path_parts),
        message="This key stands in the file itself, and with it in every copy and in git.",
        hint="Set TAVUS_SECRET_<NAME>, write api_key_ref: NAME ({secret:NAME} in a header) "
        "instead, and replace the key: it was seen.",
        rule="literal-key",
    )


def _resent_finding(path_parts: PathParts) -> RuleFinding:
    return RuleFinding(
        severity="info",
        path=pointer_of(path_parts),
        message="Tavus never shows what is stored here, so it is sent with every apply.",
        hint='In place of a reference, "********" leaves the stored one as it is.',
        rule="sent-again",
    )


def _preserved_secret_finding(path_parts: PathParts) -> RuleFinding:
    return RuleFinding(
        severity="info",
        path=pointer_of(path_parts),
        message="A secret is stored here and not in the file; it stays, its absence removes none.",
        hint="null in the file removes it.",
        rule="secret-stays",
    )
