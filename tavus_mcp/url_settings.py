"""Addresses in settings: of the API, of a proxy, of a journal.

No message repeats an address, which may hold a password.
"""

from __future__ import annotations

import ipaddress
import re
from importlib.util import find_spec
from urllib.parse import SplitResult, unquote, urlsplit

from tavus_mcp.addresses import is_loopback, is_valid_host
from tavus_mcp.keys import BRACED_NAME, BadSetting

DEFAULT_BASE_URL = "https://tavusapi.com/v2"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@]+)(:[0-9]*)?")
_BASE_PATH = re.compile(r"(/(?!\.\.?/)([\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*/v2/*", re.ASCII)
"""Segments of RFC 3986 without detours: the path of a gateway may hold a key."""
_UNFILLED = re.compile(r"\$\{[^}]*\}|\{\{[^}]*\}\}|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%")


def parse_base_url(url: str) -> str:
    """Return the base URL in its one spelling; raise ``BadSetting`` if it cannot be used.

    That is without a slash at its end, a default port and capitals in the host: the journal
    recognises an account by it, and every spelling is the same server.
    """
    refuse_placeholder(url)
    parts = _split_url(url)
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not is_secure or not parts.hostname:
        raise BadSetting("must be an https URL, or http on loopback (127.0.0.1, localhost).")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise BadSetting("must hold no user, password, query or fragment.")
    host = parts.hostname.rstrip(".")
    if not _AUTHORITY.fullmatch(parts.netloc) or not is_valid_host(host):
        raise BadSetting("the host in this address is not valid.")
    if not _BASE_PATH.fullmatch(parts.path):
        raise BadSetting(f"its path must end in /v2, as in {DEFAULT_BASE_URL}.")
    host = f"[{host}]" if ":" in host else host
    has_own_port = parts.port not in (None, _DEFAULT_PORTS[parts.scheme])
    authority = f"{host}:{parts.port}" if has_own_port else host
    return f"{parts.scheme}://{authority}{parts.path.rstrip('/')}"


def parse_journal_url(url: str) -> str:
    """Return the URL of a journal in PostgreSQL; raise ``BadSetting`` if it cannot be used."""
    refuse_placeholder(url, BRACED_NAME)  # a password may hold % and $
    parts = _split_url(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise BadSetting(
            "must be the URL of a database, postgresql://USER:PASSWORD@HOST/DATABASE. Leave it out "
            "to keep the journal in a file."
        )
    if find_spec("psycopg") is None:
        raise BadSetting("needs the extra postgres of this package; install it.")
    return url


def find_url_passwords(url: str) -> list[str]:
    """Return the passwords in a URL, as they are written and as they are meant."""
    parts = urlsplit(url)
    passwords = [parts.password or "", unquote(parts.password or "")]
    for option in parts.query.split("&"):
        name, _, value = option.partition("=")
        if "password" in name:
            passwords += [value, unquote(value)]
    return [password for password in dict.fromkeys(passwords) if password]


def _split_url(url: str) -> SplitResult:
    if any(char.isspace() or not char.isprintable() for char in url):
        raise BadSetting("the address contains a space or a character that is invisible.")
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("ascii" if ":" in parts.netloc else "idna")
    except ValueError:
        raise BadSetting("the host in this address is not valid.") from None
    try:
        is_valid_port = parts.port != 0
    except ValueError:
        is_valid_port = False
    if not is_valid_port:
        raise BadSetting("the port in this address must be a number from 1 to 65535.")
    return parts


def refuse_placeholder(text: str, pattern: re.Pattern[str] = _UNFILLED) -> None:
    """Raise ``BadSetting`` for a value that holds a variable which the host did not replace."""
    if pattern.search(text):
        raise BadSetting(
            "holds a placeholder that the host has not replaced. Write the value itself."
        )


def parse_proxy(text: str) -> str | None:
    """Return the URL of a proxy, with its scheme; raise ``BadSetting`` if it cannot be used."""
    refuse_placeholder(text, BRACED_NAME)  # a password may hold % and $
    url = text if "://" in text else f"http://{text}"
    if not set("/?#").isdisjoint(url.partition("://")[2].rstrip("/")):
        raise BadSetting(
            "must end with the port. In a user or a password write / ? and # as %2F, %3F and %23."
        )
    parts = _split_url(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadSetting("must be the http or https URL of a proxy, as in http://proxy:3128.")
    return url


def is_excluded(host: str, port: int, hosts_without: str) -> bool:
    """Return True if NO_PROXY names the host: ``*``, a domain, ``host:port``, or a network."""
    for entry in hosts_without.lower().replace(",", " ").split():
        name = entry.removesuffix(f":{port}").removeprefix("*").removeprefix(".").strip("[]")
        if entry == "*" or (name and f".{host}".endswith(f".{name}")):
            return True
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False):
                return True
        except ValueError:
            continue
    return False
