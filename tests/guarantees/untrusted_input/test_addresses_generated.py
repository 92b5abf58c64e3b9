"""Addresses by the thousand: none that leads inside passes, none that is public is refused.

Each example holds many addresses, so that ten thousand and more are tried in seconds.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.catalog import load_catalog
from tavus_mcp.checker.rule import Rule, collect_definitions
from tavus_mcp.checker.rules import llm_endpoint, llm_url
from tavus_mcp.models.document import PersonaDocument

CATALOG = load_catalog()
MANY, EXAMPLES = 20, 100
THOROUGH = settings(
    max_examples=examples(EXAMPLES),
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
INSIDE = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
    )
]
ROWS_OF_THEIR_OWN = [
    ipaddress.IPv6Network(text)
    for text in ("fec0::/10", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "::/96")
]
"""Site-local, and what holds an IPv4 address inside."""
FULL_WIDTH = str.maketrans("0123456789.", "０１２３４５６７８９．")


def list_blocking_rules(url: str) -> set[str]:
    llm = {"model": "m", "base_url": url, "api_key": "key-0123456"}
    document = PersonaDocument({"system_prompt": "x", "layers": {"llm": llm}})
    checks = collect_definitions(Rule, llm_endpoint, llm_url)
    found = (finding for rule in checks for finding in rule.findings(document, CATALOG))
    return {str(finding.rule) for finding in found if finding.blocks_write}


def format_number(value: int, base: int) -> str:
    return {8: f"0{value:o}", 10: str(value), 16: f"0x{value:x}"}[base]


@st.composite
def spelled_addresses(draw: st.DrawFn, networks: list[ipaddress.IPv4Network]) -> str:
    """Return an address of these networks in one of its spellings."""
    network = draw(st.sampled_from(networks))
    address = draw(st.integers(int(network[0]), int(network[-1])))
    parts = draw(st.integers(1, 4))  # a.b.c.d, a.b.c, a.b, a: the last holds the rest
    heads = [(address >> 24 - 8 * place) & 255 for place in range(parts - 1)]
    rest = address & (1 << 32 - 8 * len(heads)) - 1
    base = st.sampled_from((8, 10, 16))
    host = ".".join(format_number(value, draw(base)) for value in [*heads, rest])
    match draw(st.integers(0, 5)):
        case 0:
            return f"[::ffff:{ipaddress.IPv4Address(address)}]"
        case 1:
            return host + "."
        case 2 if "x" not in host:
            return host.translate(FULL_WIDTH)
        case 3:
            return host.upper().replace("X", "x")
    return host


def fixed_size_lists(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, min_size=MANY, max_size=MANY)


@THOROUGH
@given(fixed_size_lists(spelled_addresses(INSIDE)), st.sampled_from(["", ":443", ":8080"]))
def test_no_spelling_of_a_private_address_is_accepted(hosts: list[str], port: str) -> None:
    passed = [
        host
        for host in hosts
        if "llm-url-private" not in list_blocking_rules(f"https://{host}{port}/v")
    ]
    assert passed == []


@THOROUGH
@given(fixed_size_lists(st.ip_addresses()))
def test_an_address_is_accepted_if_and_only_if_it_is_public(
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    for address in addresses:
        inner = getattr(address, "ipv4_mapped", None) or address
        if inner.is_multicast or any(address in network for network in ROWS_OF_THEIR_OWN):
            continue
        host = f"[{address}]" if address.version == 6 else str(address)
        assert bool(list_blocking_rules(f"https://{host}/v1")) is not inner.is_global, address


LABEL = st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True)


@THOROUGH
@given(fixed_size_lists(st.lists(LABEL, min_size=1, max_size=4)))
def test_a_public_host_name_is_accepted_only_with_https(names: list[list[str]]) -> None:
    for labels in names:
        host = ".".join([*labels, "example", "com"])
        assert list_blocking_rules(f"https://{host}/v1") == set()
        assert list_blocking_rules(f"http://{host}/v1") == {"llm-url-not-https"}
        assert list_blocking_rules(f"https://u:p@{host}/v1") == {"llm-url-credentials"}


@THOROUGH
@given(
    fixed_size_lists(st.lists(LABEL, max_size=3)),
    st.sampled_from(["local", "internal", "lan", "localhost"]),
)
def test_a_private_host_name_is_never_accepted(names: list[list[str]], ending: str) -> None:
    for labels in names:
        host = ".".join([*labels, ending])
        for spelling in (host, host.upper(), host + ".", host.title()):
            assert "llm-url-private" in list_blocking_rules(f"https://{spelling}/v1")


ODD = st.text(st.sampled_from("htps:/\\@[]%.#?0123456789xabc.:-_ \t\n\0é。１"), max_size=30)


@THOROUGH
@given(
    fixed_size_lists(st.one_of(ODD, st.text(max_size=20), ODD.map(lambda text: "https://" + text)))
)
def test_arbitrary_url_texts_do_not_break_the_checker(texts: list[str]) -> None:
    for text in texts:
        if text.strip() and not list_blocking_rules(text):
            assert text.strip().lower().replace("\t", "").replace("\n", "").startswith("https://")
