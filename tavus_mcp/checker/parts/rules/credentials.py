"""Rules about the authentication of a tool's calls, and where its secrets are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.parts.part_rule import CheckedPart, part_rule, remove_value, set_value
from tavus_mcp.checker.placeholders import is_placeholder_id
from tavus_mcp.checker.rule import Violation
from tavus_mcp.models.base import text
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.masking import is_masked, is_secret_name
from tavus_mcp.models.parts.tool import AUTH_FIELDS, AUTH_SECRETS

_API = "/delivery/api"
_AUTH = f"{_API}/auth"
_SOURCE = "P:update-tool, V:schemas/tool.py"
_SECRET_FIELDS = frozenset(AUTH_SECRETS.values())
_REFERENCE = re.compile(r"\{secret:[^{}]+\}")
_OPTIONAL = {"api_key": ("location",), "oauth2_client_credentials": ("scope",)}


def _type_of(part: CheckedPart) -> str:
    """Return the known type of authentication, or ""."""
    kind = part.text(f"{_AUTH}/type")
    return kind if kind in AUTH_FIELDS else ""


@part_rule("tool-auth-incomplete", "error", "tool", source=_SOURCE, blocks_write=True)
def auth_incomplete(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Each type of authentication has fields that it needs; reads mask its secret."""
    auth, kind = part.object_at(_AUTH), _type_of(part)
    for name in AUTH_FIELDS.get(kind, ()):
        is_masked_here = part.is_stored and name in _SECRET_FIELDS
        if is_masked_here or text(auth.get(name)):
            continue
        yield Violation(
            f"{_AUTH}/{name}", f"Authentication of type {kind} needs {name}.", f"Give {name}."
        )


@part_rule("tool-auth-field-unused", "warning", "tool", source=_SOURCE)
def auth_field_unused(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A field of another type of authentication has no effect."""
    auth, kind = part.object_at(_AUTH), _type_of(part)
    if not kind:
        return
    used = {*AUTH_FIELDS[kind], *_OPTIONAL.get(kind, ()), "type"}
    others = {name for fields in (*AUTH_FIELDS.values(), *_OPTIONAL.values()) for name in fields}
    for name in auth:
        if name in others - used and auth[name]:
            path = f"{_AUTH}{pointer_of([str(name)])}"
            message = f"{name} has no effect: authentication of type {kind} does not use it."
            yield Violation(path, message, remove_value(path))


@part_rule("tool-secret-masked", "error", "tool", source=_SOURCE, blocks_write=True)
def secret_masked(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Reads show asterisks in the place of a secret; sending them back is refused."""
    for name, value in part.object_at(_AUTH).items():
        if not part.is_stored and name in _SECRET_FIELDS and is_masked(value):
            yield Violation(
                f"{_AUTH}/{name}",
                "This is the mask of a secret, not the secret; Tavus refuses it.",
                "To keep the stored secret, leave the field out: ",
                remove_value(f"{_AUTH}/{name}"),
            )


@part_rule("tool-secret-not-filled", "error", "tool", source=_SOURCE, blocks_write=True)
def secret_not_filled(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A blank of a template is no secret, and Tavus would send it as one."""
    for name, value in part.object_at(_AUTH).items():
        if name in _SECRET_FIELDS and _is_blank(text(value)):
            yield Violation(
                f"{_AUTH}/{name}",
                "This stands for a secret that is to be filled in; Tavus would send it as it is.",
                "Set TAVUS_SECRET_<NAME> in the environment of the server, and give {secret:name}.",
            )


def _is_blank(value: str) -> bool:
    is_reference = _REFERENCE.search(value) is not None
    return bool(value) and not is_reference and is_placeholder_id(value)


@part_rule("tool-secret-in-clear", "warning", "tool", source="P:get-tool")
def secret_in_clear(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A secret in a file or a conversation is read by others; a reference is not."""
    for name, value in part.object_at(_AUTH).items():
        secret = text(value)
        is_clear = secret and not is_masked(value) and not _REFERENCE.search(secret)
        if not part.is_stored and name in _SECRET_FIELDS and is_clear and not _is_blank(secret):
            yield Violation(
                f"{_AUTH}/{name}",
                "The secret is written out here, where files, logs and models can see it.",
                "Set TAVUS_SECRET_<NAME> in the environment of the server, and give {secret:name}.",
            )


@part_rule("tool-secret-in-header", "warning", "tool", source="P:get-tool")
def secret_in_header(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Reads mask the secrets of auth, and show headers and the query as they are."""
    for place in ("headers", "query_params"):
        for name, value in part.object_at(f"{_API}/{place}").items():
            is_reference = _REFERENCE.search(text(value)) or text(value).startswith("{")
            if text(value) and is_secret_name(str(name)) and not is_reference:
                yield Violation(
                    f"{_API}/{place}{pointer_of([str(name)])}",
                    "Every read shows this in clear; only the secrets of auth are masked.",
                    "Give it as auth, of type bearer or api_key.",
                )


@part_rule("tool-signature-refuses", "error", "tool", source=_SOURCE, blocks_write=True)
def signature_refuses(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A signed call has the body that Tavus makes, and nothing else that varies."""
    if _type_of(part) != "hmac":
        return
    for name in ("body_template", "query_params"):
        if part.is_set(f"{_API}/{name}"):
            yield Violation(
                f"{_API}/{name}",
                f"{name} cannot be used with authentication of type hmac.",
                remove_value(f"{_API}/{name}"),
            )
    if re.search(r"\{[A-Za-z_]\w*\}", part.text(f"{_API}/url")):
        yield Violation(
            f"{_API}/url",
            "Arguments cannot be part of the address with authentication of type hmac.",
            "Give a fixed address; the arguments are in the body.",
        )


@part_rule("tool-token-url", "error", "tool", source=_SOURCE, blocks_write=True)
def token_url(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Credentials are sent to the token's address, over https only."""
    path = f"{_AUTH}/token_url"
    url = part.text(path)
    if _type_of(part) in AUTH_SECRETS and url and not url.startswith("https://"):
        fix = set_value(path, f"https{url[4:]}") if url.startswith("http://") else "Give it."
        yield Violation(path, "token_url must begin with https://.", fix)
