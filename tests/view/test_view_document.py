"""The view as it is served: one small document without requests, for clients with MCP Apps only."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from view_host import AppsExtension

from tavus_mcp.server.tools import load_all_specs
from tavus_mcp.server.view.document import SCRIPT_NAMES, view_document
from tavus_mcp.server.view.extension import DRAWABLE_RESULTS
from tavus_mcp.server.view.negotiation import (
    EXTENSION_ID,
    VIEW_MIME_TYPE,
    VIEW_URI,
    declares_apps,
    without_view,
)

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

MODES = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
SOURCES = Path(__file__).parents[2] / "tavus_mcp/server/view/source"


def dump(item: Any) -> dict[str, Any]:
    return dict(item.model_dump(mode="json", by_alias=True, exclude_none=True))


def test_the_document_is_small_and_complete() -> None:
    document = view_document()
    assert len(document.encode()) <= 60_000
    assert document.startswith("<!doctype html>")
    assert not re.search(r"\{(style|script|version)\}|^(import|export) ", document, re.MULTILINE)
    assert {path.stem for path in SOURCES.glob("*.js")} == set(SCRIPT_NAMES)


def test_the_document_has_no_address_to_request() -> None:
    """The name space of SVG is the only address, and no request."""
    document = view_document()
    assert set(re.findall(r"\w+://[^\s\"']+", document)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"url\((?!/)|@import|<link|\bsrc=|fetch\(|XMLHttpRequest", document)


def test_texts_cannot_become_markup_and_no_attribute_is_code() -> None:
    document = view_document()
    for way_in in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way_in not in document
    assert not re.search(r"<[^>]+\son\w+=", document)
    assert document.count("</script") == 1


def test_each_module_imports_what_it_uses_from_modules_before_it() -> None:
    """The document drops the imports, so a wrong one would be found nowhere else."""
    exports: dict[str, set[str]] = {}
    for name in SCRIPT_NAMES:
        text = (SOURCES / f"{name}.js").read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 400
        imported = re.findall(r'^import \{ (.*) \} from "\./(\w+)\.js";$', text, re.MULTILINE)
        assert len(imported) == len(re.findall(r"^import ", text, re.MULTILINE))
        for names, module in imported:
            assert set(names.split(", ")) <= exports[module], (name, module)
            for used in names.split(", "):
                assert len(re.findall(rf"\b{used}\b", text)) > 1, f"{name} does not use {used}"
        exports[name] = set(
            re.findall(r"^export (?:async )?(?:function|const) (\w+)", text, re.MULTILINE)
        )


@pytest.mark.extended
def test_the_script_is_a_valid_module(tmp_path: Path) -> None:
    """Names are unique over all sources: a module refuses a second declaration."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is missing: install it to check the syntax of the view")
    script = view_document().partition('<script type="module">')[2].partition("</script>")[0]
    path = tmp_path / "view.mjs"
    path.write_text(script, encoding="utf-8")
    checked = subprocess.run([node, "--check", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@MODES
async def test_a_client_with_apps_finds_the_view_by_its_tools(
    open_tool_client: ToolClientFactory, mode: str
) -> None:
    async with open_tool_client(mode=mode, client={"extensions": [AppsExtension()]}) as opened:
        tools = {tool.name: dump(tool) for tool in (await opened.client.list_tools()).tools}
        listed = [dump(item) for item in (await opened.client.list_resources()).resources]
        (read,) = (await opened.client.read_resource(VIEW_URI)).contents
    linked = {name: tool["_meta"] for name, tool in tools.items() if "_meta" in tool}
    assert linked.pop("discard_plan") == {"ui": {"resourceUri": VIEW_URI, "visibility": ["app"]}}
    assert linked == {name: {"ui": {"resourceUri": VIEW_URI}} for name in linked}
    assert {"suggest_tuning", "plan_bulk_change", "compare_personas", "audit_personas"} <= set(
        linked
    )
    view = next(item for item in listed if item["uri"] == VIEW_URI)
    content = dump(read)
    assert content["mimeType"] == view["mimeType"] == VIEW_MIME_TYPE
    csp = {"connectDomains": [], "resourceDomains": []}
    assert content["_meta"] == view["_meta"] == {"ui": {"csp": csp, "prefersBorder": True}}
    assert content["text"] == view_document()


@MODES
async def test_a_client_without_apps_sees_nothing_of_the_view(
    open_tool_client: ToolClientFactory, mode: str
) -> None:
    async with open_tool_client(mode=mode) as opened:
        tools = [dump(tool) for tool in (await opened.client.list_tools()).tools]
        resources = [dump(item) for item in (await opened.client.list_resources()).resources]
    assert not any("_meta" in tool or tool["name"] == "discard_plan" for tool in tools)
    assert not any(item["uri"].startswith("ui:") for item in resources)


async def test_the_view_adds_nothing_that_a_model_reads(
    open_tool_client: ToolClientFactory,
) -> None:
    """Hosts do not pass ``_meta`` on to models, and hide tools that are for views only."""
    async with open_tool_client() as plain:
        without = [dump(tool) for tool in (await plain.client.list_tools()).tools]
    async with open_tool_client(client={"extensions": [AppsExtension()]}) as opened:
        tools = [dump(tool) for tool in (await opened.client.list_tools()).tools]
    visible = [
        {name: value for name, value in tool.items() if name != "_meta"}
        for tool in tools
        if "model" in tool.get("_meta", {}).get("ui", {}).get("visibility", ["model"])
    ]
    assert visible == without


async def test_the_server_announces_the_extension(open_tool_client: ToolClientFactory) -> None:
    """Up to 2025-11-25 the capabilities of servers have no member for extensions."""
    async with open_tool_client(mode="auto") as opened:
        capabilities = opened.client.server_capabilities
    assert EXTENSION_ID in (capabilities.extensions or {})


def test_a_tool_links_to_the_view_exactly_if_its_result_can_be_drawn() -> None:
    drawn = {spec.name for spec in load_all_specs() if spec.result_names & DRAWABLE_RESULTS}
    assert drawn >= {
        *("update_persona", "configure_tts", "edit_prompt", "restore_revision", "delete_persona"),
        *("suggest_tuning", "plan_bulk_change", "apply_plan", "create_persona", "patch_persona"),
        *("compare_personas", "measure_conversations", "audit_personas"),
    }
    assert not drawn & {"get_persona", "list_personas", "list_revisions", "describe_layer"}


@pytest.mark.parametrize(
    "capabilities",
    [
        None,
        {},
        {"extensions": None},
        {"extensions": {EXTENSION_ID: {}}},
        {"extensions": {EXTENSION_ID: {"mimeTypes": ["text/html"]}}},
        {"extensions": {EXTENSION_ID: {"mimeTypes": VIEW_MIME_TYPE + "x"}}},
    ],
)
def test_only_a_client_that_names_the_type_of_the_view_has_apps(capabilities: Any) -> None:
    assert not declares_apps(capabilities)


def test_only_what_is_of_the_view_is_left_out() -> None:
    tool = {"name": "a", "_meta": {"ui": {"resourceUri": VIEW_URI}, "other": 1}, "title": "A"}
    assert without_view({"tools": [tool], "nextCursor": "x"}) == {
        "tools": [{"name": "a", "title": "A", "_meta": {"other": 1}}],
        "nextCursor": "x",
    }
    resources = [{"uri": "tavus://personas"}, {"uri": VIEW_URI}]
    assert without_view({"resources": resources}) == {"resources": resources[:1]}
    assert without_view({"prompts": []}) == {"prompts": []}
