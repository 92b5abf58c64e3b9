"""The address of a custom LLM must be a public https address, unless the caller allows others.

Checked before anything is sent, in every spelling.
"""

from __future__ import annotations

from typing import Any

import pytest
from addresses import (
    INVALID_URLS,
    LOOPBACK_HOSTS,
    METADATA_HOSTS,
    PRIVATE_HOSTS,
    PUBLIC_URLS,
    URLS_WITH_CREDENTIALS,
    URLS_WITHOUT_TLS,
)
from mcp_client import ToolClient

from tavus_mcp.catalog import Catalog, load_catalog
from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument

pytestmark = pytest.mark.anyio
HOSTS = (*LOOPBACK_HOSTS, *PRIVATE_HOSTS, *METADATA_HOSTS)
KEY = {"model": "m", "api_key": "key-0123456"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def list_blocking_rules(catalog: Catalog, url: str) -> set[str | None]:
    """Return the rules by which an address is refused."""
    llm = {**KEY, "base_url": url}
    document = PersonaDocument({"system_prompt": "x", "layers": {"llm": llm}})
    return {finding.rule for finding in check(document, catalog) if finding.blocks_write}


def build_params(names: tuple[str, ...]) -> list[Any]:
    """Return the names as parameters, those that pass and should not marked."""
    return [pytest.param(name, id=ascii(name)[1:-1]) for name in names]


@pytest.mark.parametrize("host", build_params(HOSTS))
@pytest.mark.parametrize("form", ["https://{}/v1", "https://{}:8443", "http://{}/v1?a=b"])
def test_a_private_address_is_refused_in_every_spelling(
    catalog: Catalog, form: str, host: str
) -> None:
    assert {"llm-url-private", "llm-url-unusable"} & list_blocking_rules(catalog, form.format(host))


@pytest.mark.parametrize("url", build_params(URLS_WITH_CREDENTIALS))
def test_credentials_in_an_address_are_refused(catalog: Catalog, url: str) -> None:
    assert list_blocking_rules(catalog, url) == {"llm-url-credentials"}


@pytest.mark.parametrize("url", build_params(URLS_WITHOUT_TLS))
def test_an_address_without_tls_is_refused(catalog: Catalog, url: str) -> None:
    assert list_blocking_rules(catalog, url) == {"llm-url-not-https"}


@pytest.mark.parametrize("url", build_params(INVALID_URLS))
def test_an_invalid_url_is_refused(catalog: Catalog, url: str) -> None:
    assert list_blocking_rules(catalog, url)


@pytest.mark.parametrize("url", build_params(PUBLIC_URLS))
def test_a_public_https_address_is_accepted(catalog: Catalog, url: str) -> None:
    assert list_blocking_rules(catalog, url) == set()


async def is_refused_before_sending(tool_client: ToolClient, tool: str, **arguments: Any) -> bool:
    """Tell whether a call is refused before anything is sent."""
    requests = len(tool_client.transport.writes)
    result = await tool_client.call(tool, **arguments)
    return bool(result.is_error) and len(tool_client.transport.writes) == requests


async def test_no_tool_sends_a_private_address(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
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
        sent += [
            (host, tool)
            for tool, given in calls
            if not await is_refused_before_sending(tool_client, tool, **given)
        ]
    assert sent == []


@pytest.mark.parametrize(
    "url", [*URLS_WITH_CREDENTIALS[:2], *URLS_WITHOUT_TLS[:2], *INVALID_URLS[:4]]
)
async def test_no_tool_sends_an_invalid_address(tool_client: ToolClient, url: str) -> None:
    persona_id = await tool_client.create_persona()
    assert await is_refused_before_sending(
        tool_client, "configure_llm", persona_id=persona_id, **KEY, base_url=url
    )
    llm = {**KEY, "base_url": url}
    assert await is_refused_before_sending(
        tool_client, "create_persona", system_prompt="x", layers={"llm": llm}
    )


async def test_a_private_address_cannot_be_set_by_a_copy_operation(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(greeting="http://169.254.169.254/latest")
    patch = [
        {"op": "add", "path": "/layers/llm", "value": {**KEY}},
        {"op": "copy", "from": "/greeting", "path": "/layers/llm/base_url"},
    ]
    assert await is_refused_before_sending(
        tool_client, "patch_persona", persona_id=persona_id, patch=patch
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "http://api.example.com/v1"])
@pytest.mark.parametrize("tool", ["configure_llm", "create_persona", "patch_persona"])
async def test_the_caller_can_allow_a_private_address(
    tool_client: ToolClient, tool: str, url: str
) -> None:
    llm = {**KEY, "base_url": url}
    given: dict[str, Any] = {"persona_id": await tool_client.create_persona(), **llm}
    if tool == "create_persona":
        given = {"system_prompt": "x", "layers": {"llm": llm}}
    if tool == "patch_persona":
        given = {"persona_id": given["persona_id"], "patch": {"layers": {"llm": llm}}}
    assert await is_refused_before_sending(tool_client, tool, **given)
    assert (await tool_client.expect_result(tool, **given, allow_private_url=True))[
        "status"
    ] == "applied"


@pytest.mark.parametrize("url", URLS_WITH_CREDENTIALS[:3])
async def test_credentials_are_refused_even_when_private_urls_are_allowed(
    tool_client: ToolClient, url: str
) -> None:
    persona_id = await tool_client.create_persona()
    given = {**KEY, "base_url": url, "allow_private_url": True}
    assert await is_refused_before_sending(
        tool_client, "configure_llm", persona_id=persona_id, **given
    )


@pytest.mark.parametrize("url", PUBLIC_URLS)
async def test_a_public_address_is_sent(tool_client: ToolClient, url: str) -> None:
    persona_id = await tool_client.create_persona()
    result = await tool_client.call("configure_llm", persona_id=persona_id, **KEY, base_url=url)
    assert not result.is_error
