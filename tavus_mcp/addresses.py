"""Classify host names and IP addresses: loopback, private, reserved."""

from __future__ import annotations

import ipaddress
import re
import unicodedata

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_LEGACY_IPV4_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,8}|0[0-7]{0,11}|[1-9][0-9]{0,9}")
_LOCAL_NAMES = (".localhost", ".localdomain", ".local", ".internal", ".lan", ".home.arpa")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


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


def is_private_host(host: str) -> bool:
    """Return True if a host is this machine or in a private network, in any spelling."""
    plain = unicodedata.normalize("NFKC", host).lower().rstrip(".")
    if f".{plain}".endswith(_LOCAL_NAMES) or ("." not in plain.strip(":") and ":" not in plain):
        return True
    address = _parse_ip(plain)
    return address is not None and not _is_public(_effective_address(address))


def _is_public(address: _Address) -> bool:
    is_site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not is_site_local


def _effective_address(address: _Address) -> _Address:
    """Return the IPv4 address in an IPv6 one (mapped, 6to4, NAT64, compatible), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour
    if embedded is None and (address in _NAT64 or int(address) >> 32 == 0):
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
