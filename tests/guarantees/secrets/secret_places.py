"""Every place that may hold a secret, and every encoding in which a known secret may appear."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

SECRET_NAMES = (
    "api_key", "apiKey", "API-KEY", "apikey", "x-api-key", "xi-api-key", "accessToken", "authToken",
    "access_token", "secretKey", "clientSecret", "userPassword", "privateKey", "passphrase", "pwd",
    "jwt", "Authorization", "Cookie", "credentials", "livekit_room_token", "dbPass", "bearer",
    "OAuthToken", "api_key_1", "tokenValue", "sessiontoken", "Authorisation", "dbCreds",
    "PGPASSWORD", "connectionString", "passkey",
)  # fmt: skip
PLAIN_NAMES = (
    "model", "monkey", "author", "tokenizer", "token_count", "max_tokens_per_turn", "hotkey",
    "cache_key", "publicKey", "api_key_ref", "key_id", "persona_name", "keyboard", "passage",
)  # fmt: skip

PLACES: dict[str, Callable[[str], Any]] = {
    **{name: lambda secret, name=name: {name: secret} for name in SECRET_NAMES},
    "nested": lambda secret: {"a": [{"credentials": {"user": {"deep": secret}}}]},
    "a list": lambda secret: {"tokens": [secret, secret]},
    "properties as a value": lambda secret: {"properties": {"api_key": secret}},
    "default of a definition": lambda secret: {
        "properties": {"api_key": {"type": "string", "default": secret, "enum": [secret]}}
    },
    "an object in properties": lambda secret: {"properties": {"auth": {"user": "u", "x": secret}}},
    "headers": lambda secret: {"headers": {"X-Any": secret}},
    "Headers": lambda secret: {"Headers": {"X-Any": secret}},
    "custom_headers": lambda secret: {"custom_headers": {"X-Any": secret}},
    "extraHeaders": lambda secret: {"extraHeaders": {"X-Any": secret}},
    "a list of pairs": lambda secret: {"headers": [{"name": "X-Any", "value": secret}]},
    "a list of lists": lambda secret: {"headers": [["X-Any", secret]]},
    "a list of texts": lambda secret: {"headers": [f"X-Any: {secret}"]},
    "a text of headers": lambda secret: {"headers": f"Accept: a\nX-Any: Bearer {secret}\r\nB: c"},
    "headers as JSON": lambda secret: {"headers": json.dumps({"X-Any": secret})},
    "a pair": lambda secret: {"parameters": [{"key": "apiKey", "value": secret}]},
    "userinfo": lambda secret: {"url": f"https://user:{quote(secret, safe='')}@example.com/v1"},
    "a user alone": lambda secret: {"url": f"https://{quote(secret, safe='')}@example.com/v1"},
    "a query": lambda secret: {"url": f"https://example.com/v1?a=b&apiKey={quote(secret)}#c"},
    "a signature in a query": lambda secret: {"url": f"https://example.com/v1?sig={quote(secret)}"},
    "a signature in an object": lambda secret: {"default_query": {"sig": secret}},
    "a signature of a tool": lambda secret: {"query_params": {"X-Amz-Signature": secret}},
    "a fragment": lambda secret: {"url": f"https://example.com/v1#access_token={quote(secret)}"},
    "a URL in a text": lambda secret: {
        "note": f"Read https://u:{quote(secret, safe='')}@example.com and /x?token={quote(secret)}."
    },
    "a patch": lambda secret: [{"op": "add", "path": "/layers/tts/api_key", "value": secret}],
    "a patch of a parent": lambda secret: [
        {"op": "add", "path": "/layers", "value": {"tts": {"api_key": secret}}}
    ],
    "a change": lambda secret: {"path": "/layers/llm/headers/X-Any", "before": secret},
}
"""Values with a secret that is recognised by its place alone."""
REQUEST_PLACES = frozenset({"a patch", "a patch of a parent", "a change"})
"""Those that stand in requests and results, not in a persona."""


def _in_base64(prefix: str, *, url: bool = False) -> Callable[[str], str]:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    return lambda secret: encode(f"{prefix}{secret}-more".encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "upper case": str.upper,
    "lower case": str.lower,
    "without its last character": lambda secret: secret[:-1],
    "without its first character": lambda secret: secret[1:],
    "three quarters of it": lambda secret: secret[: -(-len(secret) * 3 // 4)],
    "its last three quarters": lambda secret: secret[len(secret) // 4 :],
    "zero-width characters in between": "\u200b".join,
    "escapes of JavaScript": lambda secret: "".join(f"\\u{{{ord(c):x}}}" for c in secret),
    "long escapes of Python": lambda secret: "".join(f"\\U{ord(c):08x}" for c in secret),
    "octal escapes": lambda secret: "".join(f"\\{ord(c):03o}" for c in secret),
    "quoted-printable": lambda secret: "".join(f"={ord(c):02X}" for c in secret),
    **{
        f"base32 after {n} bytes": lambda secret, n=n: base64.b32encode(
            f"{'x' * n}{secret}-more".encode()
        ).decode()
        for n in range(5)
    },
    "percent": lambda secret: quote(secret, safe=""),
    "percent, lower case": lambda secret: quote(secret, safe="").lower(),
    "every character in percent": lambda secret: "".join(f"%{ord(c):02X}" for c in secret),
    "percent twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "JSON": lambda secret: json.dumps(secret),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)),
    "JSON with escaped slashes": lambda secret: json.dumps(secret).replace("/", "\\/"),
    "escapes of JSON": lambda secret: "".join(f"\\u{ord(c):04x}" for c in secret),
    "escapes of Python": lambda secret: "".join(f"\\x{ord(c):02x}" for c in secret),
    "JSON Pointer": lambda secret: secret.replace("~", "~0").replace("/", "~1"),
    "HTML": lambda secret: "".join(f"&#{ord(c)};" for c in secret),
    "hexadecimal": lambda secret: secret.encode().hex(),
    **{f"base64 after {n} bytes": _in_base64("x" * n) for n in range(4)},
    **{f"base64 of URLs after {n} bytes": _in_base64("?" * n, url=True) for n in range(3)},
    "Basic": lambda secret: "Basic " + base64.b64encode(f"user:{secret}".encode()).decode(),
}


def find_traces(text: str, secret: str) -> list[str]:
    """Return the encodings in which most of a secret is in a text."""
    half = secret[: len(secret) * 2 // 3]
    spellings = {name: encode(half) for name, encode in ENCODINGS.items() if "base" not in name}
    return [name for name, spelling in spellings.items() if spelling.strip('"\\') in text]
