"""REST as one client sees it."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from console.http import HttpClient, Response
from console.target import AccessTokens, Target

__all__ = ["CHECK", "NOWHERE", "Edge", "a_check", "refusal", "segment"]

CHECK = "/api/v1/fraud-check"
NOWHERE = str(uuid.UUID(int=7))
"""An identifier that nothing has."""
CONNECTIONS = 128


class Edge:
    """The edge with the credentials of one client. Nothing is ever sent twice."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._client = HttpClient(target.base_url, connections=CONNECTIONS)
        self._tokens = AccessTokens(target)

    async def token(self) -> str:
        return await self._tokens.token()

    async def send(
        self, method: str, path: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None, token: str = ""
    ) -> Response:
        """Sends any bytes, by default as JSON and with the client's token. A header of None is left out."""
        sent = {"authorization": f"Bearer {token or await self.token()}"}
        if body:
            sent["content-type"] = "application/json"
        sent |= headers or {}
        return await self._client.request(method, path, headers=sent.items(), body=body)

    async def bare(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        """Sends a request with these headers alone."""
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return await self._client.request(method, path, headers=named, body=body)

    async def post_check(self, **fields: Any) -> Response:
        return await self.send("POST", CHECK, json.dumps(fields).encode())

    async def check(self, **fields: Any) -> dict[str, Any]:
        """Asks for a decision about a transaction, by default of a user, a device and an address of its own."""
        return _good(await self.post_check(**a_check(**fields)))

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        return _good(await self.send("GET", f"{path}?{urlencode(query)}" if query else path))

    async def post(self, path: str, value: Any) -> dict[str, Any]:
        return _good(await self.send("POST", path, json.dumps(value).encode()))

    async def patch(self, path: str, value: Any) -> dict[str, Any]:
        return _good(await self.send("PATCH", path, json.dumps(value).encode()))

    async def put(self, path: str, value: Any) -> dict[str, Any]:
        return _good(await self.send("PUT", path, json.dumps(value).encode()))

    async def pages(self, path: str, plural: str, **query: Any) -> list[list[dict[str, Any]]]:
        """Follows the page tokens of a list to its end."""
        pages, token = [], ""
        while True:
            answer = await self.get(path, **query, **({"page_token": token} if token else {}))
            pages.append(answer[plural])
            token = answer["next_page_token"]
            if not token:
                return pages

    def close(self) -> None:
        self._client.close()
        self._tokens.close()


def a_check(**fields: Any) -> dict[str, Any]:
    """Returns a check of a user, a device and an address that nobody else has, changed as told."""
    number = secrets.randbits(64)
    own = {
        "user_id": f"user-{number:x}",
        "transaction_amount": 10.5,
        "device_fingerprint": f"device-{number:x}",
        "ip_address": f"2001:db8::{number >> 48:x}:{number >> 32 & 0xFFFF:x}:{number >> 16 & 0xFFFF:x}",
    }
    return own | fields


def refusal(answer: Response) -> dict[str, Any]:
    """Returns the problem of a refused request, and checks that it is one that a caller may see."""
    assert answer.headers["content-type"] == "application/problem+json", answer
    body = answer.json()
    assert body["status"] == answer.status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert {"type", "title", "detail", "reason"} <= body.keys()
    for trace in (b"Traceback", b'File \\"', b".py", b"asyncpg", b"grpc"):
        assert trace not in answer.body, answer
    return body


def segment(text: str) -> str:
    """Returns a text as one segment of a path."""
    return quote(text, safe="")


def _good(answer: Response) -> dict[str, Any]:
    assert answer.status in (200, 201), answer
    assert answer.headers["content-type"] == "application/json"
    return answer.json()
