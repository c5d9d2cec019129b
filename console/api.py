"""Calls the REST API as one client: tokens, problems as sentences, pages, streams."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from console.failure import CommandFailure, WrongArgument, next_step
from console.http import HttpClient, HttpError, Response
from console.lines import RefusedError, read_lines
from console.target import AccessTokens, Target, TokenSource, chosen_target

Json = dict[str, Any]
Query = Mapping[str, str | int]

ATTEMPTS = 3
BACKOFF_SECONDS = 0.3
TRY_AGAIN = (502, 503, 504)
IDLE_SECONDS = 45.0
"""A stream without even a sign of life for so long is cut: the edge sends one every 15 s."""
LARGEST_PAGE = 200
JSON_TYPE = "application/json"


class Api:
    """The edge of one platform as one client of it sees it, or as whoever else `tokens` are of."""

    def __init__(self, target: Target, tokens: TokenSource | None = None) -> None:
        self._base_url = target.base_url
        self._client = HttpClient(target.base_url, connections=1)
        self._tokens = tokens or AccessTokens(target)

    def address(self, path: str) -> str:
        """Returns where a path of the platform is, for a browser."""
        return self._base_url.rstrip("/") + path

    async def call(self, method: str, path: str, body: Json | None = None, *, repeat: bool = True) -> Json:
        """Returns the object that answers. Raises CommandFailure with the words of the problem if one does.

        `repeat` says that the request may be sent again when it is not known what became of it.
        """
        rendered = None if body is None else json.dumps(body).encode()
        return content(await self._repeated(method, path, JSON_TYPE, rendered, repeat=repeat))

    async def upload(self, path: str, media_type: str, data: bytes) -> Response:
        """Posts bytes, again when it is not known what became of them. Returns the answer, whatever it says.

        Raises CommandFailure if there is none.
        """
        return await self._repeated("POST", path, media_type, data, repeat=True)

    async def download(self, path: str) -> bytes:
        """Returns the bytes that answer. Raises CommandFailure with the words of the problem if one does."""
        response = await self._repeated("GET", path, JSON_TYPE, None, repeat=True)
        if response.status != 200:
            raise refusal(response)
        return response.body

    async def _repeated(self, method: str, path: str, media_type: str, body: bytes | None, *, repeat: bool) -> Response:
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS or not repeat
            try:
                response = await self._send(method, path, media_type, body)
            except HttpError as error:
                if last:
                    raise CommandFailure(f"No answer: {error}.") from error
            else:
                if last or response.status not in TRY_AGAIN:
                    return response
            await asyncio.sleep(BACKOFF_SECONDS * attempt)
        raise AssertionError("the last attempt returns or raises")

    async def pages(self, path: str, plural: str, query: Query, limit: int | None) -> AsyncGenerator[Json, None]:
        """Yields the items of a list over as many pages as it takes, `limit` at most."""
        token, left = "", limit
        while left is None or left > 0:
            size = LARGEST_PAGE if left is None else min(left, LARGEST_PAGE)
            asked = {**query, "page_size": size} | ({"page_token": token} if token else {})
            page = await self.call("GET", f"{path}?{urlencode(asked, quote_via=quote)}")
            for item in page[plural][:left]:
                yield item
            token = page["next_page_token"]
            if not token:
                return
            left = None if left is None else left - len(page[plural])

    async def stream(self, path: str, method: str = "GET") -> AsyncGenerator[Json, None]:
        """Yields the frames of a stream: objects with `result`, at its end one with `status`.

        Raises HttpError if it cannot be had now or is cut off, CommandFailure if it is refused.
        """
        token = await self._tokens.token()
        headers = [("authorization", f"Bearer {token}"), ("accept", "application/x-ndjson")]
        reading = read_lines(self._base_url, path, headers, idle=IDLE_SECONDS, method=method)
        try:
            async with contextlib.aclosing(reading) as lines:
                async for line in lines:
                    yield json.loads(line)
        except RefusedError as refused:
            self._refused(refused.response, token)
        except ValueError as error:
            raise HttpError("the stream is not of JSON lines") from error

    def forget_token(self) -> None:
        """Asks for a new token next time."""
        self._tokens.expire()

    def close(self) -> None:
        self._client.close()
        self._tokens.close()

    def _refused(self, response: Response, token: str) -> None:
        if response.status == 401:
            self._tokens.reject(token)
        if response.status in (401, 429, *TRY_AGAIN):
            raise HttpError(problem(response))
        raise refusal(response)

    async def _send(self, method: str, path: str, media_type: str, body: bytes | None) -> Response:
        token = await self._tokens.token()
        response = await self._send_as(token, method, path, media_type, body)
        if response.status == 401:
            self._tokens.reject(token)
            response = await self._send_as(await self._tokens.token(), method, path, media_type, body)
        return response

    async def _send_as(self, token: str, method: str, path: str, media_type: str, body: bytes | None) -> Response:
        headers = [("authorization", f"Bearer {token}"), *([("content-type", media_type)] if body is not None else [])]
        return await self._client.request(method, path, headers=headers, body=body or b"")


@contextlib.asynccontextmanager
async def open_api(arguments: argparse.Namespace) -> AsyncIterator[Api]:
    """Opens the API of the platform that the options choose. Raises CommandFailure."""
    with contextlib.closing(Api(chosen_target(arguments))) as api:
        yield api


def content(response: Response) -> Json:
    """Returns the object of a successful answer. Raises CommandFailure with the problem of any other."""
    if not 200 <= response.status < 300:
        raise refusal(response)
    try:
        return response.json() if response.body else {}
    except HttpError as error:
        raise CommandFailure(f"The platform answers what is not its API: {error}.") from error


def refusal(response: Response) -> CommandFailure:
    """Returns the failure that a problem document makes: of the arguments if they are what the platform refuses."""
    kind = WrongArgument if response.status == 400 else CommandFailure
    return kind(problem(response))


def problem(response: Response) -> str:
    """Says in a sentence what a problem document says (RFC 9457)."""
    try:
        document = response.json()
    except HttpError:
        return f"The platform answers with status {response.status}."
    detail = str(document.get("detail") or document.get("title") or "").rstrip(".")
    errors = [(one.get("field"), one.get("message")) for one in document.get("errors", ())]
    found = "; ".join(f"{field}: {message}" if field else str(message) for field, message in errors)
    reason = document.get("reason") or f"HTTP {response.status}"
    return f"{found or detail} ({reason}).{next_step(reason, document.get('metadata') or {})}"


def resource(collection: str, name: str) -> str:
    """Returns the path of a resource in a collection."""
    return f"{collection}/{quote(name, safe='')}"
