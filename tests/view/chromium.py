"""Drive headless Chromium over its debugging pipe (Chrome DevTools Protocol), for one page.

Uses only the standard library. Messages are JSON, each ended by a zero byte.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND_SECONDS = 30
"""Longest time for one command, far above what any takes."""
# One process shows all frames, so that one session reaches them; nothing calls home.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--disable-site-isolation-trials",
    "--disable-features=IsolateSandboxedIframes",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
KEYS = {"Enter": (13, "\r"), " ": (32, " "), "Tab": (9, ""), "Escape": (27, "")}
"""Key codes and the texts that keys type, by the names of keys."""

Event = dict[str, Any]


def find_chromium() -> str | None:
    """Return the path of Chromium: from the variable CHROMIUM, else from PATH."""
    return (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )


@dataclass
class Browser:
    """A running browser: sends commands, and hands events to the listeners of their method."""

    reader: asyncio.StreamReader
    writer: asyncio.WriteTransport
    listeners: dict[str, list[Callable[[Event], None]]] = field(default_factory=dict)
    _replies: dict[int, asyncio.Future[Event]] = field(default_factory=dict)

    async def command(self, method: str, session: str = "", **params: Any) -> Event:
        """Send a command; return its result."""
        number = len(self._replies)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self.writer.write(json.dumps(message).encode() + b"\0")
        answer = await asyncio.wait_for(reply, COMMAND_SECONDS)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return dict(answer["result"])

    def listen(self, method: str, listener: Callable[[Event], None]) -> None:
        """Call a listener with the parameters of each event of a method."""
        self.listeners.setdefault(method, []).append(listener)

    async def receive(self) -> None:
        """Read messages until the browser ends."""
        while message := await self.reader.readuntil(b"\0"):
            content = json.loads(message[:-1])
            if "id" in content:
                self._replies[content["id"]].set_result(content)
            for listener in self.listeners.get(content.get("method", ""), ()):
                listener(content["params"])


@asynccontextmanager
async def open_browser(path: str) -> AsyncIterator[Browser]:
    """Start Chromium with an empty profile; end it, and remove the profile, on leaving."""
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        from_us, to_browser = os.pipe()
        from_browser, to_us = os.pipe()
        # Chromium reads descriptor 3 and writes 4.
        script = f'exec "$@" 3<&{from_us} 4>&{to_us}'
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", script, "bash", path, *FLAGS, f"--user-data-dir={profile}"),
            pass_fds=(from_us, to_us),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        os.close(from_us)
        os.close(to_us)
        reader = asyncio.StreamReader(limit=1 << 26)
        read_transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_browser, "rb")
        )
        writer, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(to_browser, "wb"))
        browser = Browser(reader, writer)
        receiving = asyncio.create_task(browser.receive())
        try:
            yield browser
        finally:
            await browser.command("Browser.close")
            await process.wait()
            receiving.cancel()
            writer.close()
            read_transport.close()
            await asyncio.gather(receiving, return_exceptions=True)


@dataclass
class Page:
    """A page with one frame in it; records requests to the network and errors."""

    browser: Browser
    session: str
    contexts: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def command(self, method: str, **params: Any) -> Event:
        """Send a command to the page; return its result."""
        return await self.browser.command(method, self.session, **params)

    async def frame_ids(self) -> list[str]:
        """Return the ids of the page and of the frames in it."""
        tree = (await self.command("Page.getFrameTree"))["frameTree"]
        return [tree["frame"]["id"], *(c["frame"]["id"] for c in tree.get("childFrames", []))]

    async def evaluate(self, expression: str, *, frame: int = 0) -> Any:
        """Evaluate JavaScript in the page (0) or its frame (1); promises are awaited."""
        context = self.contexts[(await self.frame_ids())[frame]]
        reply = await self.command(
            "Runtime.evaluate",
            expression=expression,
            contextId=context,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    async def press(self, key: str) -> None:
        """Press a key where the focus is."""
        code, text = KEYS[key]
        common = {"key": key, "windowsVirtualKeyCode": code}
        await self.command(
            "Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {})
        )
        await self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    async def resize(self, width: int, height: int = 900, scale: float = 1) -> None:
        """Set the size of the window in pixels of CSS."""
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    async def prefer_colors(self, scheme: str) -> None:
        """Let the system prefer ``light`` or ``dark``."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.command("Emulation.setEmulatedMedia", features=[feature])

    async def screenshot(self, path: Path) -> None:
        """Write what is visible as PNG."""
        reply = await self.command("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(reply["data"]))

    async def accessible_nodes(self) -> list[tuple[str, str]]:
        """Return role and name of each node that assistive technology meets in the frame."""
        frame = (await self.frame_ids())[1]
        nodes = (await self.command("Accessibility.getFullAXTree", frameId=frame))["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        ]

    async def close(self) -> None:
        """Close the page."""
        target = (await self.command("Target.getTargetInfo"))["targetInfo"]["targetId"]
        await self.browser.command("Target.closeTarget", targetId=target)


async def open_page(browser: Browser, url: str) -> Page:
    """Open a page at a local address, with its network, console and contexts recorded."""
    target = await browser.command("Target.createTarget", url="about:blank")
    attached = await browser.command(
        "Target.attachToTarget", targetId=target["targetId"], flatten=True
    )
    page = Page(browser, attached["sessionId"])
    loaded = asyncio.Event()
    for method, listener in {
        "Runtime.executionContextCreated": lambda event: _record_context(page, event),
        "Runtime.exceptionThrown": lambda event: page.errors.append(json.dumps(event)),
        "Log.entryAdded": lambda event: _record_log(page, event),
        "Network.requestWillBeSent": lambda event: page.requests.append(event["request"]["url"]),
        "Page.loadEventFired": lambda _: loaded.set(),
    }.items():
        browser.listeners[method] = [listener]
    for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
        await page.command(f"{domain}.enable")
    await page.command("Page.navigate", url=url)
    await asyncio.wait_for(loaded.wait(), COMMAND_SECONDS)
    return page


def _record_context(page: Page, event: Event) -> None:
    context = event["context"]
    if context["auxData"]["isDefault"]:
        page.contexts[context["auxData"]["frameId"]] = context["id"]


def _record_log(page: Page, event: Event) -> None:
    if event["entry"]["level"] == "error":
        page.errors.append(event["entry"]["text"])
