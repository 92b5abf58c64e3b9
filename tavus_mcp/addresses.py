"""Classify host names and IP addresses: loopback, private, reserved."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_LEGACY_IPV4_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,8}|0[0-7]{0,11}|[1-9][0-9]{0,9}")
_LOCAL_NAMES = (".localhost", ".localdomain", ".local", ".internal", ".lan", ".home.arpa")
_LOOPBACK_NAMES = (".localtest.me", ".lvh.me", ".lacolhost.com", ".vcap.me")
"""Public names whose addresses are those of the machine that asks."""
_NAMES_OF_ADDRESSES = (".nip.io", ".sslip.io", ".xip.io")
"""Public names that resolve to the address that is written in them."""
_IPV4_IN_IPV6 = tuple(
    ipaddress.IPv6Network(network) for network in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")
)
"""Networks whose last 32 bits are an IPv4 address: NAT64, translated, compatible."""
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
"""NAT64 inside a network (RFC 8215), which decides where the IPv4 address stands in it."""
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?|_[\w-]{1,62}")
_NUMBER_LABEL = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def is_loopback(host: str | None) -> bool:
    """Return True if a host name or IP address is this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_valid_host(host: str) -> bool:
    """Return True for an IP address or a host name of valid labels.

    A name whose last label is a number must be an IPv4 address (WHATWG URL standard).
    """
    plain = _normalize(host)
    if ":" in plain:
        return _parse_ip(plain) is not None
    labels = plain.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return False
    return not _NUMBER_LABEL.fullmatch(labels[-1]) or _parse_legacy_ipv4(labels) is not None


def is_private_host(host: str) -> bool:
    """Return True if a host is this machine or in a private network, in any spelling.

    A number with a leading zero is octal to some resolvers and decimal to others; both count.
    """
    plain = _normalize(host)
    if f".{plain}".endswith(_LOCAL_NAMES + _LOOPBACK_NAMES):
        return True
    if "." not in plain.strip(":") and ":" not in plain:
        return True
    return any(map(_is_private_ip, _possible_ips(plain)))


def _normalize(host: str) -> str:
    """Return a host in lower case with ASCII digits and dots, without invisible characters."""
    visible = (char for char in host if unicodedata.category(char) != "Cf")
    plain = unicodedata.normalize("NFKC", "".join(visible)).replace("\u3002", ".")
    digits = (str(unicodedata.decimal(char)) if char.isdecimal() else char for char in plain)
    return "".join(digits).lower().rstrip(".")


def _possible_ips(plain: str) -> Iterator[_Address]:
    """Yield the addresses that a host is or stands for, in each way in which it is read."""
    if address := _parse_ip(plain):
        yield address
    decimal = ".".join(part.lstrip("0") or "0" for part in plain.split("."))
    if address := _parse_ip(decimal):
        yield address
    if plain.endswith(_NAMES_OF_ADDRESSES):
        name = plain.rpartition(".")[0].rpartition(".")[0]
        for written in (name.split("-")[-4:], name.replace("-", ".").split(".")[-4:]):
            if address := _parse_ip(".".join(written)):
                yield address


def _is_private_ip(address: _Address) -> bool:
    return address in _LOCAL_NAT64 or not _is_public(_effective_address(address))


def _is_public(address: _Address) -> bool:
    is_site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not is_site_local


def _effective_address(address: _Address) -> _Address:
    """Return the IPv4 address in an IPv6 one (mapped, 6to4, NAT64 and others), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour
    if embedded is None and any(address in network for network in _IPV4_IN_IPV6):
        embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return embedded or address


def _parse_ip(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    return _parse_legacy_ipv4(host.split("."))


def _parse_legacy_number(part: str) -> int:
    if part[:2].lower() == "0x":
        return int(part, 16)
    return int(part, 8 if part[0] == "0" else 10)


def _parse_legacy_ipv4(parts: list[str]) -> ipaddress.IPv4Address | None:
    """Parse the forms that inet_aton accepts: 127.1, 0x7f.1, 0177.0.0.1, 2130706433."""
    if not 1 <= len(parts) <= 4 or not all(_LEGACY_IPV4_NUMBER.fullmatch(part) for part in parts):
        return None
    *high_bytes, last = (_parse_legacy_number(part) for part in parts)
    if last >= 256 ** (4 - len(high_bytes)) or any(byte > 255 for byte in high_bytes):
        return None
    value = sum(byte << (24 - 8 * index) for index, byte in enumerate(high_bytes))
    return ipaddress.IPv4Address(value + last)
