"""A browser without a window or a script: it keeps cookies, reads forms, follows redirects, and says where it is."""

from __future__ import annotations

import asyncio
import contextlib
import html
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from gateway.server.serve import HttpServer
from tests.support.gateway import Gateway, Reply

__all__ = ["ORIGIN", "Browser", "Form", "serving"]

ORIGIN = "http://127.0.0.1:8080"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "form":
            self.forms.append(Form(found["action"] or ""))
            self._open = True
        elif tag == "input" and self._open and found.get("name"):
            self.forms[-1].fields[str(found["name"])] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


class Browser:
    """Visits the pages of a gateway in memory."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.cookies: dict[str, str] = {}
        self.reply: Reply = None  # type: ignore[assignment]
        self.place = ""
        self.reply_cookies: list[str] = []
        """`Set-Cookie` of all answers so far."""

    async def get(self, path: str, *, follow: bool = True, headers: dict[str, str] | None = None) -> Reply:
        """Opens an address, and follows where it leads for as long as that is here."""
        await self._send("GET", path, None, headers or {})
        return await self._follow() if follow else self.reply

    async def submit(
        self,
        action: str,
        given: Mapping[str, str] | None = None,
        *,
        follow: bool = True,
        headers: dict[str, str] | None = None,
        **typed: str,
    ) -> Reply:
        """Sends the form of the page that leads there, with what is typed."""
        fields = next(form.fields for form in self.forms if form.action == action) | dict(given or {}) | typed
        return await self.post(action, fields, follow=follow, headers=headers)

    async def post(
        self, path: str, fields: dict[str, str], *, follow: bool = True, headers: dict[str, str] | None = None
    ) -> Reply:
        """Sends a form."""
        own = {"content-type": FORM, "origin": "null", "sec-fetch-site": "same-origin"} | (headers or {})
        own = {name: value for name, value in own.items() if value}
        await self._send("POST", path, urlencode(fields), own)
        return await self._follow() if follow else self.reply

    @property
    def forms(self) -> list[Form]:
        return self._read().forms

    @property
    def tags(self) -> list[tuple[str, dict[str, str | None]]]:
        return self._read().tags

    @property
    def text(self) -> str:
        """The words of the page."""
        words = re.sub(r"<[^>]*>", " ", self.reply.body.decode().partition("<main>")[2])
        return " ".join(html.unescape(words).split())

    def element(self, identifier: str) -> dict[str, str | None]:
        """Returns the attributes of an element."""
        return next(attributes for _, attributes in self.tags if attributes.get("id") == identifier)

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.reply.body.decode())
        return reader

    async def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        own = {"accept": "text/html", **({"cookie": cookies} if cookies else {}), **headers}
        self.reply = await self.gateway.request(method, path, body, headers=own, token=None)
        self.place = path
        self.reply_cookies += self.reply.set_cookies
        for line in self.reply.set_cookies:
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition("; ")
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    async def _follow(self) -> Reply:
        while self.reply.status == 303 and self.reply.headers["location"].startswith("/"):
            await self._send("GET", self.reply.headers["location"], None, {})
        return self.reply


@contextlib.asynccontextmanager
async def serving(gateway: Gateway, port: int) -> AsyncIterator[None]:
    """Serves a gateway at a port of this machine while the block runs."""
    stop = asyncio.Event()

    async def stopping() -> None:
        await stop.wait()

    serving = asyncio.create_task(HttpServer(gateway.app, f"127.0.0.1:{port}", drain_seconds=1).run(stopping))
    try:
        yield
    finally:
        stop.set()
        await serving
