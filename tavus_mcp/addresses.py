"""Classify host names and IP addresses: loopback, private, reserved."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name or address is this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_LEGACY_IPV4_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,8}|0[0-7]{0,11}|[1-9][0-9]{0,9}")


_LOCAL_NAMES = (".localhost", ".localdomain", ".local", ".internal", ".lan", ".home.arpa")


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_private_host(host: str) -> bool:
    """Tell whether a host is this machine or a private network, in any of its spellings."""
    plain = unicodedata.normalize("NFKC", host).lower().rstrip(".")
    if f".{plain}".endswith(_LOCAL_NAMES) or ("." not in plain.strip(":") and ":" not in plain):
        return True
    address = _parse_ip(plain)
    return address is not None and not all(_is_public(one) for one in _embedded_addresses(address))


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    site = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not site


def _embedded_addresses(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Yield an address and the IPv4 address inside it: mapped, compatible, 6to4, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    inside = address.ipv4_mapped or address.sixtofour
    low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inside is not None:
        yield inside
    elif address in _NAT64 or int(address) >> 32 == 0:
        yield low
    else:
        yield address


def _parse_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
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
    """Read the older spellings of an address: 127.1, 0x7f.1, 0177.0.0.1, 2130706433."""
    if not 1 <= len(parts) <= 4 or not all(_LEGACY_IPV4_NUMBER.fullmatch(part) for part in parts):
        return None
    *above, last = (_parse_legacy_number(part) for part in parts)
    room = 256 ** (4 - len(above))
    if last >= room or any(part > 255 for part in above):
        return None
    value = sum(part << (24 - 8 * index) for index, part in enumerate(above))
    return ipaddress.IPv4Address(value + last)
