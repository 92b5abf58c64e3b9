"""Find a known secret in a text in every encoding that can be computed.

These are: any case, three quarters of it without the rest (unless these are words),
percent-encoding, escapes of JSON, JSON Pointer, HTML, programming languages and quoted-printable,
invisible characters in between, hexadecimal digits, base32, and base64 in both alphabets, in all
alignments (so that ``user:secret`` of Basic authentication is found as well).

A search takes one pass of ``in`` for each spelling, which is fast; patterns are used only in a text
where one was found.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from urllib.parse import unquote

from tavus_mcp.models.field_names import field_names

_PERCENT_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&(?:#|amp|lt|gt|quot|apos)")
_UNICODE_ESCAPE = re.compile(
    r"&#x0*([0-9A-Fa-f]{2});|\\+u\{0*([0-9A-Fa-f]{2})\}"
    r"|(?:\\+(?:u00|x|U000000)|=(?=[0-9A-F]{2}))([0-9A-Fa-f]{2})"
)
_OCTAL_ESCAPE = re.compile(r"\\+([0-3][0-7]{2})")
_QUOTED_PRINTABLE = re.compile(r"=[0-9A-F]{2}")
_INVISIBLE_CHARS = "\u00ad\u200b-\u200f\u2060\ufeff"
_INVISIBLE = re.compile(f"[{_INVISIBLE_CHARS}]")
_DECIMAL_ENTITY = re.compile(r"&#0*(\d{2,3});")
_NAMED_ENTITIES = (
    ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"),
)  # fmt: skip
_ESCAPED_CHARACTERS = {
    "/": ("~1",), "~": ("~0",), "&": ("&amp;",), "<": ("&lt;",), ">": ("&gt;",),
    '"': ("&quot;",), "'": ("&apos;",),
}  # fmt: skip
_MAX_DECODING_ROUNDS = 3
_MIN_RUN_CHARS = 7
"""A shorter part of a secret is not masked: it may be a word."""
_WORD = "(?![a-z]*[bcdfghjklmnpqrstvwxz]{5})[a-z]{2,16}"
_WORDS = re.compile(rf"[ _-]*{_WORD}(?:[ _-](?:{_WORD}|[0-9]{{1,2}}))*[ _-]*", re.IGNORECASE)
"""Words, the name of a field or that of a model. Random letters have many consonants in a row."""
_URL_ALPHABET = str.maketrans("+/", "-_")


class KnownSecret:
    """A value that must not be shown, with the spellings in which it is searched for."""

    def __init__(self, value: str) -> None:
        self.value = value
        # a word that is a secret but for one character is masked with that character only
        self._min_beginning = len(value) - (not self._is_wording(0, len(value) - 1))
        self._beginning = value[: self._min_beginning].lower().replace("\\", "")
        self._hexadecimal = value[:-1].encode("utf-8", "surrogatepass").hex()
        self._min_run = min(max(_MIN_RUN_CHARS, -(-len(value) * 3 // 4)), len(value))
        # every run of that length contains one of these blocks
        size = (self._min_run + 1) // 2
        starts = range(0, len(value) - size + 1, size)
        self._blocks = {value[start : start + size].lower(): start for start in reversed(starts)}
        self.lower_needles = (*self._blocks, self._hexadecimal)
        self.exact_needles = (*_iter_base64(value[:-1]), *_iter_base32(value[:-1]))
        self.number = int(value) if value.isascii() and value.isdecimal() else None

    def mask(self, text: str, mask: str) -> str:
        """Return a text with this secret replaced."""
        text = self._plain_pattern.sub(mask, text)
        text = self._mask_runs(text, mask)
        text = self._hexadecimal_pattern.sub(mask, text)
        for needle in self.exact_needles:
            if needle in text:
                text = _base64_pattern(needle).sub(mask, text)
        return text

    def _mask_runs(self, text: str, mask: str) -> str:
        """Return a text with each long part of this secret replaced, as a text cut in two has."""
        parts, end = [], 0
        for match in self._block_pattern.finditer(text):
            if match.start() < end:
                continue
            offset = self._blocks.get(match[0].lower(), 0)
            earlier = text[max(end, match.start() - offset) : match.start()]
            before = _count_equal(earlier[::-1], self.value[:offset][::-1])
            start = match.start() - before
            later = text[start : start + len(self.value)]
            length = _count_equal(later, self.value[offset - before :])
            if length >= self._min_run and not self._is_wording(offset - before, length):
                parts += [text[end:start], mask]
                end = start + length
        return "".join([*parts, text[end:]]) if parts else text

    def _is_wording(self, start: int, length: int) -> bool:
        """Tell whether a part of this secret is a text of its own: words that are not cut."""
        end = start + length
        part = self.value[start:end]
        if not is_wording(part):
            return False
        ends = (self.value[max(0, start - 1) : start + 1], self.value[end - 1 : end + 1])
        is_cut = any(len(pair) == 2 and pair.isalpha() for pair in ends)
        return part.isalpha() or not is_cut or part.lower() in field_names()

    def mask_escaped(self, text: str, decoded: Iterable[str], mask: str) -> str:
        """Return a text with this secret replaced where characters of it are escaped.

        ``decoded`` are the stages of the text without escapes, in lower case.
        """
        is_found = any(self._beginning in stage for stage in decoded)
        return self._escaped_pattern.sub(mask, text) if is_found else text

    @cached_property
    def _plain_pattern(self) -> re.Pattern[str]:
        start = re.escape(self.value[: self._min_beginning])
        end = re.escape(self.value[self._min_beginning :])
        return re.compile(f"{start}(?:{end})?", re.IGNORECASE)

    @cached_property
    def _block_pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self._blocks)), re.IGNORECASE)

    @cached_property
    def _hexadecimal_pattern(self) -> re.Pattern[str]:
        return re.compile(f"{self._hexadecimal}(?:[0-9a-f]{{2}})?", re.IGNORECASE)

    @cached_property
    def _escaped_pattern(self) -> re.Pattern[str]:
        spellings = list(map(_spellings_of_character, self.value))
        between = f"[{_INVISIBLE_CHARS}]*"
        start = between.join(spellings[: self._min_beginning])
        end = "".join(spellings[self._min_beginning :])
        return re.compile(f"{start}(?:{between}{end})?", re.IGNORECASE)


class KnownSecrets:
    """Values that must not be shown, the longest first: one may be part of another."""

    def __init__(self, secrets: Iterable[KnownSecret] = ()) -> None:
        self._secrets = tuple(sorted(secrets, key=lambda secret: len(secret.value), reverse=True))
        self._lower_needles = tuple(
            needle for secret in self._secrets for needle in secret.lower_needles
        )
        self._exact_needles = tuple(
            needle for secret in self._secrets for needle in secret.exact_needles
        )
        lengths = map(len, (*self._lower_needles, *self._exact_needles))
        self._min_chars = min(lengths, default=0)
        numbers = (secret.number for secret in self._secrets)
        self.numbers = frozenset(number for number in numbers if number is not None)

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def extend(self, values: Iterable[str]) -> KnownSecrets:
        """Return these and further values."""
        new = list(dict.fromkeys(values))
        if self._secrets and new:
            known = {secret.value for secret in self._secrets}
            new = [value for value in new if value not in known]
        return KnownSecrets((*self._secrets, *map(KnownSecret, new))) if new else self

    def mask(self, text: str, mask: str) -> str:
        """Return a text with each of the values replaced, in every encoding."""
        if not self._secrets or len(text) < self._min_chars:
            return text
        if self._is_in(text):
            for secret in self._secrets:
                text = secret.mask(text, mask)
        if _has_escape(text):
            stages = (text, *_iterate_decoded(text))
            decoded = tuple(stage.replace("\\", "").lower() for stage in stages)
            for secret in self._secrets:
                text = secret.mask_escaped(text, decoded, mask)
        return text

    def _is_in(self, text: str) -> bool:
        lowered = text.lower()
        for needle in self._lower_needles:  # a loop, as most time of masking is spent here
            if needle in lowered:
                return True
        for needle in self._exact_needles:  # noqa: SIM110 - as above
            if needle in text:
                return True
        return False


NO_SECRETS = KnownSecrets()
"""What is known before any secret is."""


def is_wording(text: str) -> bool:
    """Tell whether a part of a secret may as well be words, which would be masked everywhere."""
    return _WORDS.fullmatch(text) is not None


def _has_escape(text: str) -> bool:
    # each of these begins with a search for one character, which is faster than one pattern
    return (
        "\\" in text
        or "~1" in text
        or "~0" in text
        or ("%" in text and _PERCENT_ESCAPE.search(text) is not None)
        or ("&" in text and _ENTITY.search(text) is not None)
        or ("=" in text and _QUOTED_PRINTABLE.search(text) is not None)
        or (not text.isascii() and _INVISIBLE.search(text) is not None)
    )


def _iterate_decoded(text: str) -> Iterator[str]:
    """Yield each text that removing escapes makes of a text, in any order and several times.

    Every order counts, as the secret itself may look like an escape of another kind.
    """
    found = {text}
    latest = [text]
    for _ in range(_MAX_DECODING_ROUNDS):
        decoded = {decode(stage) for stage in latest for decode in _DECODERS}
        latest = list(decoded - found)
        found |= decoded
        yield from latest


def _decode_unicode(text: str) -> str:
    text = _OCTAL_ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
    return _UNICODE_ESCAPE.sub(_decode_match, _INVISIBLE.sub("", text))


def _decode_match(match: re.Match[str]) -> str:
    return chr(int(match[match.lastindex or 0], 16))


def _decode_entities(text: str) -> str:
    text = _DECIMAL_ENTITY.sub(lambda match: chr(int(match[1])), text)
    for escape, character in _NAMED_ENTITIES:
        text = text.replace(escape, character)
    return text


def _decode_pointer(text: str) -> str:
    return text.replace("~1", "/").replace("~0", "~")


_DECODERS = (unquote, _decode_unicode, _decode_entities, _decode_pointer)


def _spellings_of_character(character: str) -> str:
    """Return a pattern for a character in either case, plain or in any escape."""
    spellings = [r"\\*" + re.escape(character)]
    for either in dict.fromkeys((character.lower(), character.upper())):
        octets = either.encode("utf-8", "surrogatepass")
        spellings.append("".join(f"%(?:25)*{octet:02x}" for octet in octets))
        if len(either) == 1 and ord(either) < 256:
            code = ord(either)
            spellings += [rf"\\+(?:u00|x|U000000){code:02x}", rf"\\+u\{{0*{code:02x}\}}"]
            spellings += [rf"\\+{code:03o}", f"={code:02x}"]
            spellings += [f"&#x0*{code:02x};", f"&#0*{code};"]
    spellings += map(re.escape, _ESCAPED_CHARACTERS.get(character, ()))
    return f"(?:{'|'.join(spellings)})"


def _iter_base64(value: str) -> Iterable[str]:
    """Yield what is certain of the base64 of every text that contains the value."""
    octets = value.encode("utf-8", "surrogatepass")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + octets).decode()
        certain = encoded[(0, 2, 3)[offset] : (offset + len(octets)) * 8 // 6]
        yield certain
        if "+" in certain or "/" in certain:
            yield certain.translate(_URL_ALPHABET)


def _iter_base32(value: str) -> Iterable[str]:
    """Yield what is certain of the base32 of every text that contains the value."""
    octets = value.encode("utf-8", "surrogatepass")
    for offset in range(5):
        encoded = base64.b32encode(b"\0" * offset + octets).decode()
        yield encoded[-(-offset * 8 // 5) : (offset + len(octets)) * 8 // 5]


def _count_equal(text: str, value: str) -> int:
    """Return how many characters two texts begin with alike, in either case."""
    pairs = enumerate(zip(text, value, strict=False))
    different = (at for at, (char, own) in pairs if char != own and char.lower() != own.lower())
    return next(different, min(len(text), len(value)))


def _base64_pattern(spelling: str) -> re.Pattern[str]:
    """Return a pattern for the whole run of base64 around a spelling."""
    return re.compile(rf"[A-Za-z0-9+/_-]*{re.escape(spelling)}[A-Za-z0-9+/_-]*={{0,2}}")
