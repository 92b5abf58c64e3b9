"""Find variables that are meant as settings, but have another name, so that they would not count.

A server that misses ``TAVUS_MCP_READ_ONLY`` can delete, and a secret whose binding is missed can go
to any host. So names are compared by their letters and digits alone, whatever stands between them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from tavus_mcp.keys import HOST_SUFFIX, SECRET_PREFIX
from tavus_mcp.text import find_nearest, quote_foreign, quote_path

_OWN_PREFIX, _PRODUCT = "TAVUS_MCP_", "TAVUS_"
_LIMITS = ("TAVUS_MCP_SANDBOX", "TAVUS_MCP_READ_ONLY", "TAVUS_MCP_PROTECTED", "TAVUS_MCP_TOOLSETS")
"""Settings that limit what a server may do; their names are recognised without ``MCP`` too."""
_ACCOUNT = ("TAVUS_API_KEY", "TAVUS_BASE_URL")
_SECRET_NAME = re.compile(r"[\w.-]+", re.ASCII)
_BINDING = re.compile(r"(.+?)[\W_]+HOST(S|NAME|NAMES)?[\W_]*", re.IGNORECASE)
_SERVICE_LINK = re.compile(
    r"TAVUS_MCP_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?"
    r"|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
"""Variables that Kubernetes sets in every pod beside a Service named ``tavus-mcp``.

Source: kubernetes.io/docs/concepts/services-networking/service, "Environment variables".
"""
_MAX_NAME_CHARS = 60


def find_misspelt_names(
    environ: Mapping[str, str], known: Collection[str], *, needs_account: bool
) -> Iterator[tuple[str, str]]:
    """Yield each misspelt name with a sentence about it.

    ``known`` are the names of all settings. Those of the account are looked for only if it is
    needed, and if the setting itself is not there: they may belong to another program.
    """
    own = {_letters(name): name for name in known if name.startswith(_OWN_PREFIX)}
    others = {_letters(name.replace(_OWN_PREFIX, _PRODUCT)): name for name in _LIMITS}
    if needs_account:
        others |= {_letters(name): name for name in _ACCOUNT if not environ.get(name)}
    for name in sorted(environ):
        letters = _letters(name)
        if name in known or _SERVICE_LINK.fullmatch(name):
            continue
        if letters.startswith(_letters(_OWN_PREFIX)):
            yield name, _describe(name, _find_meant_name(letters, own))
        elif letters in others:
            yield name, _describe(name, others[letters])
        elif name.startswith(SECRET_PREFIX):
            yield from _find_misspelt_secret(name, environ)


def _find_meant_name(letters: str, own: Mapping[str, str]) -> str | None:
    if "SECRET" in letters:
        return f"{SECRET_PREFIX}<NAME>"
    names = {**own, **{_letters(name): name for name in _ACCOUNT}}
    return names.get(find_nearest(letters, names) or "")


def _find_misspelt_secret(name: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield a name after the prefix of secrets that is no name, or almost that of a binding."""
    if not _SECRET_NAME.fullmatch(name.removeprefix(SECRET_PREFIX)):
        yield name, f"{_quote(name)}: a name of letters, digits and _ must follow {SECRET_PREFIX}."
    elif not name.endswith(HOST_SUFFIX) and (match := _BINDING.fullmatch(name)):
        secrets = {_letters(secret): secret for secret in environ if secret != name}
        if secret := secrets.get(_letters(match[1])):
            yield name, _describe(name, secret + HOST_SUFFIX)


def _describe(name: str, meant: str | None) -> str:
    end = f"; did you mean {quote_foreign(meant)}?" if meant else "."
    return f"{_quote(name)}: there is no such setting{end} Correct the name or remove it."


def _quote(name: str) -> str:
    return quote_path(name, _MAX_NAME_CHARS)


def _letters(name: str) -> str:
    return re.sub("[^A-Z0-9]", "", name.upper())
