"""A browser without a window, driven through its DevTools protocol, if the machine has one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

__all__ = ["Tab", "find_browser", "open_tab"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 60.0
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
)  # fmt: skip
# Frameworks see what is typed only if it comes as the browser's own setter does it.
_TYPE = """
(element, text) => {
  const kind = element.tagName === "TEXTAREA" ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(element, text);
  element.dispatchEvent(new Event("input", { bubbles: true }));
}
"""


def find_browser() -> str | None:
    """Returns the program, None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """A page. What is asked for is waited for."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0
        self.events: list[dict[str, Any]] = []

    async def go(self, url: str) -> None:
        """Opens a page and waits until it is complete."""
        await self._command("Page.navigate", url=url)
        blank = url == "about:blank"
        await self.until(
            f"document.readyState === 'complete' && (location.href === 'about:blank') === {json.dumps(blank)}"
        )

    async def value(self, expression: str) -> Any:
        """Returns the value of a JavaScript expression. Raises AssertionError if it throws."""
        result = await self._command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, expression: str) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + SECONDS
        while not await self.value(f"!!({expression})"):
            assert time.monotonic() < end, f"never true: {expression}"
            await asyncio.sleep(0.1)

    async def click(self, selector: str) -> None:
        await self.until(_find(selector))
        await self.value(f"{_find(selector)}.click()")

    async def type(self, selector: str, text: str) -> None:
        """Replaces the text of a field."""
        await self.until(_find(selector))
        await self.value(f"({_TYPE})({_find(selector)}, {json.dumps(text)})")

    async def text(self, selector: str) -> str:
        """Returns the text of an element, once it is there."""
        await self.until(_find(selector))
        return str(await self.value(f"{_find(selector)}.innerText"))

    async def press(self, key: str) -> None:
        """Presses a key, such as "Tab" or "Enter", wherever the focus is."""
        code = {"Tab": 9, "Enter": 13}[key]
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if (key, kind) == ("Enter", "keyDown") else {}
            await self._command(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text
            )

    async def write(self, text: str) -> None:
        """Types a text wherever the focus is."""
        await self._command("Input.insertText", text=text)

    async def give_authenticator(self) -> None:
        """Gives the browser a device that makes passkeys, and says that its owner is there."""
        await self._command("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        await self._command("WebAuthn.addVirtualAuthenticator", options=options)

    async def give_passkey(self, ceremony: str) -> None:
        """Presses the button that makes ("create") or asks for ("get") a passkey, once the script has shown it."""
        form = f"form[data-passkey={ceremony}]"
        await self.until(f"({_find(form)} || {{hidden: true}}).hidden === false")
        await self.click(f"{form} button")

    async def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self._command("Emulation.setDeviceMetricsOverride", **metrics)

    async def prefer(self, colours: str) -> None:
        """Makes pages "light" or "dark"."""
        await self._command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])

    async def without_scripts(self) -> None:
        """Runs no script of a page from now on."""
        await self._command("Emulation.setScriptExecutionDisabled", value=True)

    async def prepare(self) -> None:
        """Asks the browser to tell what pages load and complain about."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self._command(f"{domain}.enable")

    @property
    def requests(self) -> list[str]:
        """Addresses that the pages have asked for."""
        sent = [
            each["params"]["request"]["url"] for each in self.events if each["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in sent if not url.startswith(("data:", "about:"))]

    @property
    def complaints(self) -> list[str]:
        """Exceptions, and what the content policy has refused."""
        thrown = [str(each["params"]) for each in self.events if each["method"] == "Runtime.exceptionThrown"]
        told = [each["params"]["entry"] for each in self.events if each["method"] == "Log.entryAdded"]
        return thrown + [entry["text"] for entry in told if entry["source"] == "security"]

    async def _command(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._last += 1
        await self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message: dict[str, Any] = json.loads(await asyncio.wait_for(self._socket.recv(), SECONDS))
            if "id" not in message:
                self.events.append(message)
            elif message["id"] == self._last:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result


def _find(selector: str) -> str:
    return f"document.querySelector({json.dumps(selector)})"


@contextlib.asynccontextmanager
async def open_tab(program: str) -> AsyncIterator[Tab]:
    """Runs a browser with a profile of its own while the block runs."""
    profile = Path(tempfile.mkdtemp(prefix="rampart-browser-"))
    process = await asyncio.create_subprocess_exec(
        program,
        *_OPTIONS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with connect(await _page(profile), max_size=None) as socket:
            tab = Tab(socket)
            await tab.prepare()
            yield tab
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        shutil.rmtree(profile, ignore_errors=True)


async def _page(profile: Path) -> str:
    """Returns the address of the first page, once the browser has written down where it listens."""
    end = time.monotonic() + SECONDS
    file = profile / "DevToolsActivePort"
    while not (file.exists() and "\n" in file.read_text()):
        assert time.monotonic() < end, "the browser does not start"
        await asyncio.sleep(0.1)
    port, path = file.read_text().split("\n")[:2]
    async with connect(f"ws://127.0.0.1:{port}{path}") as socket:
        await socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        found = json.loads(await asyncio.wait_for(socket.recv(), SECONDS))["result"]["targetInfos"]
    target = next(each["targetId"] for each in found if each["type"] == "page")
    return f"ws://127.0.0.1:{port}/devtools/page/{target}"
