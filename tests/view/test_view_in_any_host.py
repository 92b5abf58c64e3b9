"""The view in every host: screen readers, themes, widths, hostile texts (Chromium)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_client import ToolClient
from results import create_interviewer, measured_comparison
from view_host import ViewHost

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

MIN_CONTRAST = 4.5
HOSTILE = (
    '<img src="https://evil.example/x" onerror="window.hacked = 1">'
    "</script><script>window.hacked = 1</script>"
    "<style>body { display: none }</style>\u202egnissim\u202c &lt;b&gt; $1 $& %s"
)


async def open_plan(view_host: ViewHost, tool_client: ToolClient, **options: Any) -> None:
    persona_id = await create_interviewer(tool_client)
    arguments = {"persona_id": persona_id, "goals": ["interrupt_less", "respond_faster"]}
    await view_host.open(
        arguments, await tool_client.call("suggest_tuning", **arguments), **options
    )


async def test_a_screen_reader_meets_named_elements(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    await open_plan(view_host, apps_client)
    nodes = await view_host.page.accessible_nodes()
    named = {role: [name for other, name in nodes if other == role] for role, _ in nodes}
    assert "Technical Interviewer" in named["heading"]
    assert "Language model" in named["heading"]
    assert "Apply 6 changes" in named["button"]
    assert "Discard" in named["button"]
    assert "Decide about this plan" in named["group"]
    assert all(name for name in named["button"] + named["heading"])
    assert {"deletion", "insertion", "status", "main"} <= set(named)
    texts = [name.strip() for role, name in nodes if role == "StaticText"]
    assert {"Before:", "After:"} <= set(texts)
    assert "−" not in texts


async def test_a_table_has_a_caption_headers_and_sort_buttons(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    await create_interviewer(apps_client)
    await view_host.page.resize(320)
    await view_host.open({}, await apps_client.call("audit_personas"))
    nodes = await view_host.page.accessible_nodes()
    assert ("table", "Findings by rule") in nodes
    assert ("button", "Personas") in nodes
    assert {"row", "columnheader", "rowheader", "cell"} <= {role for role, _ in nodes}


async def test_everything_is_reached_by_the_tab_key(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    await open_plan(view_host, apps_client)
    interactive = await view_host.evaluate("document.querySelectorAll('button, summary').length")
    await view_host.evaluate("document.querySelector('summary').focus()")
    for _ in range(interactive - 1):
        await view_host.page.press("Tab")
    assert await view_host.evaluate("document.activeElement.textContent") == "Discard"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await view_host.evaluate(outline) == "solid"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_text_has_contrast_in_the_theme_of_the_host(
    view_host: ViewHost, apps_client: ToolClient, theme: str
) -> None:
    """The theme of the host counts, not that of the system."""
    await view_host.page.prefer_colors("dark" if theme == "light" else "light")
    await open_plan(view_host, apps_client, context={"theme": theme})
    assert await lowest_contrast(view_host) >= MIN_CONTRAST
    background = await view_host.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is (theme == "light")


async def test_without_a_theme_the_system_decides_and_a_change_is_followed(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    await view_host.page.prefer_colors("dark")
    await open_plan(view_host, apps_client)
    background = "getComputedStyle(document.body).backgroundColor"
    dark = await view_host.evaluate(background)
    assert await lowest_contrast(view_host) >= MIN_CONTRAST
    change = {
        "theme": "light",
        "styles": {
            "variables": {
                "--color-background-primary": "rgb(250, 251, 252)",
                "--font-sans": "url(https://evil.example/font)",
            }
        },
    }
    message = {"method": "ui/notifications/host-context-changed", "params": change}
    await view_host.page.evaluate(f"send({json.dumps(message)})")
    await view_host.wait_for("document.documentElement.style.colorScheme === 'light'")
    assert dark != await view_host.evaluate(background) == "rgb(250, 251, 252)"
    assert view_host.page.errors == []


async def lowest_contrast(view_host: ViewHost) -> float:
    """Return the lowest contrast of a text with what is behind it (WCAG 2)."""
    return float(
        await view_host.evaluate(
            """(() => {
              const canvas = new OffscreenCanvas(1, 1).getContext("2d");
              const rgb = (color) => {
                canvas.clearRect(0, 0, 1, 1);
                canvas.fillStyle = color;
                canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data];
              };
              const luminance = (channels) => {
                const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
                const [r, g, b] = channels.map((c) => linear(c / 255));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const behind = (node) => {
                const color = rgb(getComputedStyle(node).backgroundColor);
                return color[3] || !node.parentElement ? color : behind(node.parentElement);
              };
              const texts = [...document.querySelectorAll("main *")].filter((node) =>
                [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
              const contrasts = texts.map((node) => {
                const colors = [rgb(getComputedStyle(node).color), behind(node)];
                const pair = colors.map((color) => luminance(color.slice(0, 3)));
                return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
              });
              return Math.min(...contrasts);
            })()"""
        )
    )


async def test_nothing_is_wider_than_320_pixels(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    await view_host.page.resize(320)
    arguments = await measured_comparison(apps_client, calls=2)
    await apps_client.create_persona(name="W" * 60)
    bulk = {"everything": True, "values": {"/layers/llm/model": "tavus-gpt-oss"}}
    results = [
        await apps_client.call("compare_personas", **arguments),
        await apps_client.call("audit_personas"),
        await apps_client.call("plan_bulk_change", **bulk),
    ]
    await open_plan(view_host, apps_client)
    for result in results:
        assert await width(view_host) == 320
        await view_host.deliver({}, result)
        await view_host.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert await width(view_host) == 320


async def width(view_host: ViewHost) -> int:
    return int(await view_host.evaluate("document.documentElement.scrollWidth"))


async def test_the_host_learns_the_height_of_the_content(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    await open_plan(view_host, apps_client)
    height = await view_host.evaluate("Math.ceil(document.body.getBoundingClientRect().height)")
    await view_host.wait_for(f"innerHeight === {height}")
    sizes = await view_host.received("ui/notifications/size-changed")
    assert sizes[-1] == {"width": 760, "height": height}


async def test_hostile_texts_stay_texts(view_host: ViewHost, apps_client: ToolClient) -> None:
    persona_id = await create_interviewer(apps_client, name="Shop")
    arguments = {"persona_id": persona_id, "system_prompt": HOSTILE}
    planned = await apps_client.call("update_persona", **arguments, dry_run=True)
    assert not planned.is_error
    await view_host.open(arguments, planned)
    assert await view_host.evaluate("document.querySelector('ins .value').textContent") == HOSTILE
    everywhere = replace_texts(planned.structured_content, {"planned", "plan_id", "expires_at"})
    await view_host.deliver(arguments, {"content": [], "structuredContent": everywhere})
    report = (await apps_client.expect_result("audit_personas")) | {"names": {}}
    await view_host.deliver({}, {"content": [], "structuredContent": replace_texts(report, set())})
    await view_host.wait_for("document.querySelector('table')")
    failed = {"isError": True, "content": [{"type": "text", "text": HOSTILE}]}
    await view_host.deliver({}, failed)
    await view_host.wait_for("document.querySelector('[role=alert]')")
    assert await view_host.evaluate("window.hacked") is None
    assert (
        await view_host.evaluate("document.querySelectorAll('main img, main script').length") == 0
    )
    assert all(url.startswith("file:") for url in view_host.page.requests)
    assert view_host.page.errors == []


def replace_texts(value: Any, exempt: set[str]) -> Any:
    """Return a copy in which every text is hostile, but for some values and members."""
    if isinstance(value, dict):
        return {k: v if k in exempt else replace_texts(v, exempt) for k, v in value.items()}
    if isinstance(value, list):
        return [replace_texts(item, exempt) for item in value]
    return HOSTILE if isinstance(value, str) and value not in exempt else value


async def test_the_view_answers_the_host_and_ignores_others(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    await open_plan(view_host, apps_client)
    for number, method in enumerate(["ping", "ui/resource-teardown", "no/such"], start=900):
        await view_host.page.evaluate(f"send({{id: {number}, method: '{method}', params: {{}}}})")
    strange = '[null, 5, "x", {jsonrpc: "2.0", id: 12345}, {jsonrpc: "1.0", method: "ping"}]'
    await view_host.page.evaluate(
        f"{strange}.forEach(m => frame.contentWindow.postMessage(m, '*'))"
    )
    cancelled = {"method": "ui/notifications/tool-cancelled", "params": {"reason": "by <b>you"}}
    await view_host.page.evaluate(f"send({json.dumps(cancelled)})")
    await view_host.wait_for(
        "document.body.innerText.includes('The call was cancelled. by <b>you')"
    )
    messages = {item.get("id"): item for item in await view_host.page.evaluate("received")}
    assert messages[900]["result"] == messages[901]["result"] == {}
    assert messages[902]["error"]["code"] == -32601
    assert view_host.page.errors == []


async def test_the_handshake_is_that_of_mcp_apps(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    await open_plan(view_host, apps_client)
    messages = await view_host.page.evaluate("received")
    assert all(item["jsonrpc"] == "2.0" for item in messages)
    first, second = messages[:2]
    assert first["method"] == "ui/initialize"
    assert first["params"]["protocolVersion"] == "2026-01-26"
    assert first["params"]["appInfo"]["name"] == "tavus-mcp"
    assert first["params"]["appCapabilities"]["availableDisplayModes"] == ["inline", "fullscreen"]
    assert second["method"] == "ui/notifications/initialized"
