"""Where a custom LLM may be: a public https address, unless the caller says otherwise.

Required by us (design, section 6): checked before anything is sent, in every spelling.
"""

from __future__ import annotations

from typing import Any

import pytest
from addresses import (
    CREDENTIALS,
    LOOPBACK,
    METADATA,
    NO_ADDRESS,
    PLAIN,
    PRIVATE,
    PUBLIC,
)
from mcp_client import Desk

from tavus_mcp.catalog import Catalog, load_catalog
from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument

pytestmark = pytest.mark.anyio
HOSTS = (*LOOPBACK, *PRIVATE, *METADATA)
KEY = {"model": "m", "api_key": "key-0123456"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def refusals(catalog: Catalog, url: str) -> set[str | None]:
    """Return the rules by which an address is refused."""
    llm = {**KEY, "base_url": url}
    document = PersonaDocument({"system_prompt": "x", "layers": {"llm": llm}})
    return {finding.rule for finding in check(document, catalog) if finding.blocks_write}


def listed(names: tuple[str, ...]) -> list[Any]:
    """Return the names as parameters, those that pass and should not marked."""
    return [pytest.param(name, id=ascii(name)[1:-1]) for name in names]


@pytest.mark.parametrize("host", listed(HOSTS))
@pytest.mark.parametrize("form", ["https://{}/v1", "https://{}:8443", "http://{}/v1?a=b"])
def test_an_address_inside_is_refused_in_every_spelling(
    catalog: Catalog, form: str, host: str
) -> None:
    assert {"llm-url-private", "llm-url-unusable"} & refusals(catalog, form.format(host))


@pytest.mark.parametrize("url", listed(CREDENTIALS))
def test_credentials_in_an_address_are_refused(catalog: Catalog, url: str) -> None:
    assert refusals(catalog, url) == {"llm-url-credentials"}


@pytest.mark.parametrize("url", listed(PLAIN))
def test_an_address_without_tls_is_refused(catalog: Catalog, url: str) -> None:
    assert refusals(catalog, url) == {"llm-url-not-https"}


@pytest.mark.parametrize("url", listed(NO_ADDRESS))
def test_what_is_no_address_is_refused(catalog: Catalog, url: str) -> None:
    assert refusals(catalog, url)


@pytest.mark.parametrize("url", listed(PUBLIC))
def test_a_public_https_address_passes(catalog: Catalog, url: str) -> None:
    assert refusals(catalog, url) == set()


async def refused(desk: Desk, tool: str, **arguments: Any) -> bool:
    """Tell whether a call is refused before anything is sent."""
    requests = len(desk.wire.writes)
    result = await desk.call(tool, **arguments)
    return bool(result.is_error) and len(desk.wire.writes) == requests


async def test_no_tool_sends_an_address_that_is_inside(desk: Desk) -> None:
    persona_id = await desk.create()
    one = {"persona_id": persona_id}
    sent = []
    for host in HOSTS:
        llm = {**KEY, "base_url": f"https://{host}/v1"}
        add = [{"op": "add", "path": "/layers/llm", "value": llm}]
        calls: list[tuple[str, dict[str, Any]]] = [
            ("configure_llm", {**one, **llm}),
            ("configure_llm", {**one, **llm, "dry_run": True}),
            ("create_persona", {"system_prompt": "x", "layers": {"llm": llm}}),
            ("create_persona", {"based_on": persona_id, "layers": {"llm": llm}, "dry_run": True}),
            ("patch_persona", {**one, "patch": add}),
            ("patch_persona", {**one, "patch": {"layers": {"llm": llm}}, "allow_unknown": True}),
        ]
        sent += [(host, tool) for tool, given in calls if not await refused(desk, tool, **given)]
    assert sent == []


@pytest.mark.parametrize("url", [*CREDENTIALS[:2], *PLAIN[:2], *NO_ADDRESS[:4]])
async def test_no_tool_sends_an_address_that_is_unfit(desk: Desk, url: str) -> None:
    persona_id = await desk.create()
    assert await refused(desk, "configure_llm", persona_id=persona_id, **KEY, base_url=url)
    llm = {**KEY, "base_url": url}
    assert await refused(desk, "create_persona", system_prompt="x", layers={"llm": llm})


async def test_an_address_is_not_brought_in_by_moving_it_there(desk: Desk) -> None:
    persona_id = await desk.create(greeting="http://169.254.169.254/latest")
    patch = [
        {"op": "add", "path": "/layers/llm", "value": {**KEY}},
        {"op": "copy", "from": "/greeting", "path": "/layers/llm/base_url"},
    ]
    assert await refused(desk, "patch_persona", persona_id=persona_id, patch=patch)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "http://api.example.com/v1"])
@pytest.mark.parametrize("tool", ["configure_llm", "create_persona", "patch_persona"])
async def test_the_caller_can_say_that_it_is_meant(desk: Desk, tool: str, url: str) -> None:
    llm = {**KEY, "base_url": url}
    given: dict[str, Any] = {"persona_id": await desk.create(), **llm}
    if tool == "create_persona":
        given = {"system_prompt": "x", "layers": {"llm": llm}}
    if tool == "patch_persona":
        given = {"persona_id": given["persona_id"], "patch": {"layers": {"llm": llm}}}
    assert await refused(desk, tool, **given)
    assert (await desk.facts(tool, **given, allow_private_url=True))["status"] == "applied"


@pytest.mark.parametrize("url", CREDENTIALS[:3])
async def test_credentials_are_refused_whatever_the_caller_says(desk: Desk, url: str) -> None:
    persona_id = await desk.create()
    given = {**KEY, "base_url": url, "allow_private_url": True}
    assert await refused(desk, "configure_llm", persona_id=persona_id, **given)


async def test_a_public_address_is_sent(desk: Desk) -> None:
    persona_id = await desk.create()
    for url in PUBLIC:
        result = await desk.call("configure_llm", persona_id=persona_id, **KEY, base_url=url)
        assert not result.is_error, url
