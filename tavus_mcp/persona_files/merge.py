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
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.json_patch import diff, pointer_of
from tavus_mcp.models.masking import MASK, is_masked, is_secret_name, masks_in
from tavus_mcp.models.persona import WRITE_ONLY
from tavus_mcp.persona_files.persona_file import NOT_HELD
from tavus_mcp.personas.readback import reads_as
from tavus_mcp.personas.secret_references import HOLDERS, KEY, NAMED, REFERENCE, filled_text

_NOTHING: Any = object()
_SHORTEST = 6
_SCHEME = re.compile(r"\s*(basic|bearer|token|key|apikey)?\s*", re.IGNORECASE)
"""What may stand beside a key in a header and is no secret."""
_NAMED_TOO = ("headers", "voice_settings")
Place = tuple[str, ...]


def shown(app: App, document: Document) -> JsonObject:
    """Return a persona's fields as a file holds them: secrets masked, or as references."""
    stored = {key: value for key, value in document.data.items() if key not in NOT_HELD}
    referred: JsonObject = _referred(app, stored, app.masker.mask(stored), held=False)
    return referred


@dataclass(frozen=True)
class Kept:
    """Make the persona what the fields of a file say; what the file cannot hold stays."""

    app: App
    fields: JsonObject

    def apply(self, data: JsonObject) -> JsonObject:
        """Return the persona as it is to be, its secrets in place.

        Raises ``InvalidArgument`` for a reference to a key that this server does not have.
        """
        return self.walked(data).result

    def walked(self, data: JsonObject) -> Walk:
        """Return the persona as it is to be, and what is to be said of the way there."""
        own = {key: value for key, value in data.items() if key in NOT_HELD}
        stored = {key: value for key, value in data.items() if key not in NOT_HELD}
        walk = Walk(self.app)
        # a file without layers removes each of them, not the place where layers stand
        fields = {"layers": {}, **self.fields} if "layers" in stored else self.fields
        inner = walk.object(fields, shown(self.app, Document(data)), stored, ())
        walk.result = {**own, **inner}
        return walk


@dataclass
class Walk:
    """One way through a file beside the persona: as it is shown, and as it is stored.

    ``stays`` are the secrets that are not in the file; ``again`` what is sent without knowing
    whether it is there already.
    """

    app: App
    result: JsonObject = field(default_factory=dict)
    stays: list[Place] = field(default_factory=list)
    again: list[Place] = field(default_factory=list)

    def object(self, said: JsonObject, seen: Any, stored: Any, place: Place) -> JsonObject:
        """Return an object as it is to be: what the file says, and the secrets it leaves out."""
        seen, stored = (one if isinstance(one, dict) else {} for one in (seen, stored))
        result: JsonObject = {}
        for key, item in said.items():
            here, old = (*place, key), stored.get(key, _NOTHING)
            if key == REFERENCE and isinstance(item, str) and not _is_held(here):
                result[KEY] = self._key(said, seen, stored, here)
            elif item is not None or not self._removes(here, old):
                result[key] = self._value(item, seen.get(key, _NOTHING), old, here)
        for key, old in stored.items():
            part = _NOTHING if key in said or key in result else self._stays(old, (*place, key))
            if part is not _NOTHING:
                result[key] = part
        return result

    def _key(self, said: JsonObject, seen: JsonObject, stored: JsonObject, place: Place) -> str:
        if KEY in said:
            where = pointer_of((*place[:-1], KEY))
            raise InvalidArgument([f"{where}: give api_key_ref or api_key, not both."])
        if seen.get(REFERENCE) == said[REFERENCE]:
            return str(stored[KEY])
        if is_masked(stored.get(KEY)):
            self.again.append(place)
        return self.app.secret(said[REFERENCE], where=pointer_of(place))

    def _value(self, said: Any, seen: Any, stored: Any, place: Place) -> Any:
        if stored is not _NOTHING and not diff(said, seen):
            return stored
        if len(place) == 1 and place[0] in WRITE_ONLY:
            self.again.append(place)
        if isinstance(said, dict):
            return self.object(said, seen, stored, place)
        if isinstance(said, list):
            return self._list(said, seen, stored, place)
        if not isinstance(said, str):
            return said
        if is_masked(said) and _hides(self.app, place, stored):
            return stored
        return self._text(said, stored, place)

    def _text(self, said: str, stored: Any, place: Place) -> str:
        if not _is_held(place):
            return said
        if NAMED.search(said) and is_masked(stored):
            self.again.append(place)
        return filled_text(self.app, said, pointer_of(place))

    def _list(self, said: list[Any], seen: Any, stored: Any, place: Place) -> list[Any]:
        there = list(zip(seen, stored, strict=True)) if isinstance(seen, list) else []
        found = _places(said, there, place)
        used = {*found.values()}
        nothing = (_NOTHING, _NOTHING)
        result = []
        for index, item in enumerate(said):
            if index in found:
                result.append(there[found[index]][1])
                continue
            copied = any(not diff(item, seen) for seen, _ in there)  # whose key is another's
            free = len(there) == len(said) and index not in used and not copied
            beside = there[index] if free else nothing
            result.append(self._value(item, *beside, (*place, str(index))))
        return result

    def _removes(self, place: Place, stored: Any) -> bool:
        """Tell whether null removes what stands here: a field or a secret; else it is a value."""
        if stored is None:
            return False
        typed = len(place) <= 3 or place[-2] in _NAMED_TOO
        return typed or _hidden_part(self.app, stored, place) is not _NOTHING

    def _stays(self, stored: Any, place: Place) -> Any:
        """Return what stays of a value that the file does not hold: secrets, and mere defaults."""
        if place[0] in WRITE_ONLY:
            return stored
        part = _hidden_part(self.app, stored, place)
        if part is not _NOTHING:
            self.stays.append(place)
        elif reads_as(None, stored, pointer_of(place), self.app.catalog):
            return stored
        return part


def _places(said: list[Any], there: list[tuple[Any, Any]], place: Place) -> dict[int, int]:
    """Return which stored item each item of a list is, by index; each is one only, or none.

    Raises ``InvalidArgument`` when items that moved look alike and their secrets differ.
    """
    found: dict[int, int] = {}
    for index, item in enumerate(said):
        alike = [at for at, (seen, _) in enumerate(there) if not diff(item, seen)]
        if any(diff(there[alike[0]][1], there[at][1]) for at in alike[1:]):
            here = [at for at, other in enumerate(said) if not diff(item, other)]
            if here != alike:
                raise InvalidArgument([_crossed(place)])
        free = [at for at in alike if at not in found.values()]
        if free:
            found[index] = index if index in free else free[0]
    return found


def _crossed(place: Place) -> str:
    return (
        f"{pointer_of(place)}: items of this list look alike in the file, but the stored ones hold "
        "different secrets, and which is which cannot be told once they move. Leave them where "
        "they stand in the list, or write their secrets by reference, as {secret:NAME}."
    )


def remarks(change: Kept, before: Document) -> list[Finding]:
    """Say what there is to know about the keys in a file, and about those that are not in it."""
    walk = change.walked(before.data)
    return [
        *(_literal(place) for place in _literal_keys(change.fields)),
        *(_again(place) for place in walk.again),
        *(_stays(place) for place in walk.stays),
    ]


def masks_of(fields: JsonObject) -> list[str]:
    """Return the paths at which a mask stands for a secret."""
    return [pointer_of(place) for place, text in _texts(fields) if _is_mask(place, text)]


def holes(app: App, document: Document, fields: JsonObject) -> list[str]:
    """Return the paths of texts that hold a secret in the midst of other words."""
    return [
        pointer_of(place)
        for place, text in _texts(fields)
        if MASK in text
        and not _is_mask(place, text)
        and MASK not in str(document.at(pointer_of(place)))
    ]


def with_references(fields: Any, there: Any) -> Any:
    """Return fields with what another file says of keys where these show only the mask."""
    if not isinstance(fields, dict) or not isinstance(there, dict):
        named = isinstance(there, str) and NAMED.search(there) and is_masked(fields)
        return there if named else fields
    result: JsonObject = {}
    for key, value in fields.items():
        if key == KEY and is_masked(value) and isinstance(there.get(REFERENCE), str):
            result[REFERENCE] = there[REFERENCE]
        else:
            result[key] = with_references(value, there.get(key))
    return result


def _referred(app: App, stored: Any, masked: Any, *, held: bool) -> Any:
    """Return what masking leaves of a value, with references where they are read back."""
    if isinstance(stored, dict):
        result = {}
        for key, item in stored.items():
            name = None if held or key != KEY or REFERENCE in stored else _name_of(app, item)
            if name is not None:
                result[REFERENCE] = name
            else:
                inside, shown = held or key in HOLDERS, app.masker.mask_text(key)
                result[shown] = _referred(app, item, masked[shown], held=inside)
        return result
    if isinstance(stored, list):
        both = zip(stored, masked, strict=True)
        return [_referred(app, item, shown_item, held=held) for item, shown_item in both]
    named = held and isinstance(stored, str) and stored != masked
    return _named(app, stored, masked) if named else masked


def _named(app: App, stored: str, masked: str) -> str:
    """Return a text with the names of its secrets, or masked when there is more to hide in it."""
    text = stored
    for name, secret in sorted(_nameable(app).items(), key=lambda pair: -len(pair[1])):
        text = text.replace(secret, f"{{secret:{name}}}")
    if text == stored or (masked == MASK and not _SCHEME.fullmatch(NAMED.sub("", text))):
        return masked
    return app.masker.mask_text(text)


def _name_of(app: App, value: object) -> str | None:
    return next((name for name, secret in sorted(_nameable(app).items()) if secret == value), None)


def _nameable(app: App) -> Mapping[str, str]:
    """Return the secrets that a reference can name, but those too short to be told from words."""
    return {
        name: secret
        for name, secret in app.secrets.items()
        if len(secret) >= _SHORTEST and NAMED.fullmatch(f"{{secret:{name}}}")
    }


def _is_held(place: Place) -> bool:
    return not HOLDERS.isdisjoint(place[:-1])


def _is_header(place: Place) -> bool:
    return place[-2:-1] == ("headers",)


def _is_mask(place: Place, text: str) -> bool:
    return masks_in(text, place[-1], header=_is_header(place))


def _hides(app: App, place: Place, value: Any) -> bool:
    """Tell whether what stands at a place is secret, wholly or in part."""
    if isinstance(value, dict) or value is _NOTHING:
        return False
    if masks_in(value, place[-1], header=_is_header(place)):
        return True
    return bool(app.masker.mask_at(place, value) != value)


def _hidden_part(app: App, value: Any, place: Place) -> Any:
    """Return what of a value is secret, and nothing else of it."""
    if isinstance(value, dict):
        inner = {key: _hidden_part(app, item, (*place, key)) for key, item in value.items()}
        return {key: part for key, part in inner.items() if part is not _NOTHING} or _NOTHING
    return value if _hides(app, place, value) else _NOTHING


def _texts(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*place, str(index)))


def _literal_keys(fields: JsonObject) -> list[Place]:
    return [
        place
        for place, text in _texts(fields)
        if text
        and is_secret_name(place[-1])
        and "properties" not in place
        and not is_masked(text)
        and not (_is_held(place) and NAMED.search(text))
    ]


def _literal(place: Place) -> Finding:
    return Finding(
        severity="warning",
        path=pointer_of(place),
        message="This key stands in the file itself, and with it in every copy and in git.",
        hint="Set TAVUS_SECRET_<NAME>, write api_key_ref: NAME ({secret:NAME} in a header) "
        "instead, and replace the key: it was seen.",
        rule="literal-key",
    )


def _again(place: Place) -> Finding:
    return Finding(
        severity="info",
        path=pointer_of(place),
        message="Tavus never shows what is stored here, so it is sent with every apply.",
        hint='In place of a reference, "********" leaves the stored one as it is.',
        rule="sent-again",
    )


def _stays(place: Place) -> Finding:
    return Finding(
        severity="info",
        path=pointer_of(place),
        message="A secret is stored here and not in the file; it stays, its absence removes none.",
        hint="null in the file removes it.",
        rule="secret-stays",
    )
