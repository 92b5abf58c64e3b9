"""Which host receives a secret that a change sends, and whether the secret may go there.

``TAVUS_SECRET_<NAME>_HOST`` binds a secret to hosts. Without a binding the plan and the receipt
name the host, so that a person sees where a key goes before it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from tavus_mcp.app import App
from tavus_mcp.errors import Refused
from tavus_mcp.keys import HOST_SUFFIX, SECRET_PREFIX, without_bearer
from tavus_mcp.models.base import iter_texts
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.models.json_patch import Operation, get_at, pointer_of, pointer_tokens
from tavus_mcp.models.masking import is_masked
from tavus_mcp.personas.secret_references import KEY_FIELD
from tavus_mcp.text import quote_foreign, quote_path

SECRET_RECEIVER = "secret-receiver"  # noqa: S105 - the name of a rule
_ADDRESS_NAMES = ("base_url", "url", "server_url", "endpoint", "webhook_url", "callback_url", "uri")
_CREDENTIALS = "auth"
"""The member beside the address of a registry tool that holds its credentials."""
_ENGINE_PATH = "/layers/tts/tts_engine"
# The API hosts of the voice providers, from their own documentation (26 November 2026).
_ENGINE_HOSTS = {
    "cartesia": "api.cartesia.ai",
    "elevenlabs": "api.elevenlabs.io",
    "playht": "api.play.ht",
}
_AMBIGUOUS = re.compile(r"[\\\s\x00-\x1f\x7f]")
"""Characters in an address of which parsers make different hosts."""


def receiver_findings(
    app: App, before: Document, after: Document, operations: Sequence[Operation]
) -> list[RuleFinding]:
    """Return a finding for each secret that is sent and bound to no host, with its receiver.

    Raises ``Refused`` when a secret would go to a host that it is not bound to; a stored key whose
    address is changed counts as the secret that is bound to the address of before.
    """
    found: dict[tuple[str, str], str] = {}
    for tokens, text in _iter_sent_texts(after, operations):
        for name in _names_in(app, text):
            host = _find_receiver(app, after, tokens)
            if name in app.secret_hosts:
                _require_bound(app, name, host, tokens)
            else:
                found.setdefault((name, host), pointer_of(tokens))
    _require_same_receiver(app, before, after, operations)
    return [_receiver_finding(app, name, host, path) for (name, host), path in found.items()]


def _iter_sent_texts(
    after: Document, operations: Sequence[Operation]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield path and text of every leaf that is sent, or whose address is."""
    for operation in operations:
        tokens = pointer_tokens(operation.path)
        if tokens[-1:] and tokens[-1] in _ADDRESS_NAMES:
            tokens = tokens[:-1]
        yield from iter_texts(after.at(pointer_of(tokens)), tokens)


def _names_in(app: App, text: str) -> list[str]:
    """Return the names of the secrets that a text holds."""
    return [name for name, value in app.secrets.items() if without_bearer(value) in text]


def _find_receiver(app: App, document: Document, tokens: Sequence[str]) -> str:
    """Return the host that gets what stands at a path, or "" if nothing there says so."""
    if tuple(tokens[:2]) == ("layers", "tts"):
        engine = str(document.at(_ENGINE_PATH) or "").strip() or str(
            app.catalog.default_value(_ENGINE_PATH) or ""
        )
        return _ENGINE_HOSTS.get(engine, engine)
    for depth in range(len(tokens) - 1, 0, -1):
        holder = get_at(document.data, pointer_of(tokens[:depth]))
        if isinstance(holder, dict):
            for name in _ADDRESS_NAMES:
                if isinstance(holder.get(name), str) and holder[name]:
                    return _host_of(holder[name])
    return ""


def _host_of(url: str) -> str:
    if _AMBIGUOUS.search(url.strip()):
        return ""
    try:
        return (urlsplit(url.strip()).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_bound(app: App, name: str, host: str) -> bool:
    return any(
        host.endswith(bound[1:]) if bound.startswith("*.") else host == bound
        for bound in app.secret_hosts[name]
    )


def _require_bound(app: App, name: str, host: str, tokens: Sequence[str]) -> None:
    if _is_bound(app, name, host):
        return
    receiver = (
        f"{quote_foreign(host)} would receive it" if host else "no address names its receiver"
    )
    raise Refused(
        f"{quote_path(pointer_of(tokens))}: {_variable(app, name)} may go to "
        f"{', '.join(app.secret_hosts[name]) or 'no host'} only ({_binding_variable(name)}), and "
        f"{receiver}. Nothing was sent."
    )


def _require_same_receiver(
    app: App, before: Document, after: Document, operations: Sequence[Operation]
) -> None:
    """Refuse another address for a stored key that is bound to the address of before."""
    sent = {operation.path for operation in operations}
    reference = "api_key_ref" if before.kind == "persona" else "{secret:name}"
    for operation in operations:
        *holder, name = pointer_tokens(operation.path) or ("",)
        key = pointer_of((*holder, KEY_FIELD))
        is_key_unchanged = before.at(key) and key not in sent and after.at(key)
        is_key_unchanged = is_key_unchanged or _keeps_credentials(before, after, holder)
        if name not in _ADDRESS_NAMES or not is_key_unchanged or operation.op == "remove":
            continue
        old, new = (_find_receiver(app, it, (*holder, KEY_FIELD)) for it in (before, after))
        for secret in app.secret_hosts:
            if old and _is_bound(app, secret, old) and not _is_bound(app, secret, new):
                raise Refused(
                    f"{quote_path(operation.path)}: the stored key would be sent to "
                    f"{quote_foreign(new)}, and {_variable(app, secret)} may not go there "
                    f"({_binding_variable(secret)}). Give the key of the new address with it, "
                    f"by {reference}. Nothing was sent."
                )


def _keeps_credentials(before: Document, after: Document, holder: Sequence[str]) -> bool:
    """Tell whether credentials beside the address of a tool are sent on as they are stored."""
    old, new = (it.at(pointer_of((*holder, _CREDENTIALS))) for it in (before, after))
    return (
        isinstance(old, dict)
        and isinstance(new, dict)
        and any(is_masked(value) and new.get(name) == value for name, value in old.items())
    )


def _receiver_finding(app: App, name: str, host: str, path: str) -> RuleFinding:
    variable = _variable(app, name)
    if not host:
        message = f"{variable} is sent to Tavus. No address beside it says which host gets it."
        return info(SECRET_RECEIVER, message, path=path)
    return info(
        SECRET_RECEIVER,
        f"{variable} is sent to Tavus, which sends it to {quote_foreign(host)}.",
        path=path,
        hint=f"{_binding_variable(name)}={host} in the server's environment refuses other hosts.",
    )


def _variable(app: App, name: str) -> str:
    """Return the variable that holds a secret; an environment of a project may name another."""
    return app.secret_variables.get(name, SECRET_PREFIX + name.upper())


def _binding_variable(name: str) -> str:
    return SECRET_PREFIX + name.upper() + HOST_SUFFIX
