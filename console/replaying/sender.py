"""Sends one transaction until it is answered."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Protocol

from console.failure import CommandFailure
from console.http import HttpClient, HttpError, Response
from console.replaying.results import Answer
from console.target import AccessTokens

PATH = "/api/v1/fraud-check"
TRY_AGAIN = (429, 502, 503, 504)
FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 2.0
LONGEST_PAUSE = 60.0


class Sendable(Protocol):
    """A line of a file, as a request. `row` counts from 0."""

    @property
    def row(self) -> int: ...

    @property
    def line(self) -> int: ...

    @property
    def body(self) -> bytes: ...

    def fault(self, field: str, expected: str) -> str:
        """Says where the value of a field came from, what it is and what was expected."""
        ...


@dataclass
class _Trouble:
    """How long one transaction has been without an answer."""

    since: float | None = None
    attempts: int = 0

    def backoff(self) -> float:
        return random.uniform(0.5, 1) * min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0**self.attempts)


class Sender:
    """Sends transactions to the edge as one client.

    A transaction keeps its transaction_id over all attempts, so that it is decided once. When the edge asks for a pause
    (Retry-After), everything pauses. `patience` is how many seconds a transaction may be without an answer.
    """

    def __init__(self, client: HttpClient, tokens: AccessTokens, *, patience: float, path: str = PATH) -> None:
        self._client = client
        self._tokens = tokens
        self._patience = patience
        self._path = path
        self._resume_at = 0.0
        self.retries = 0

    async def send(self, record: Sendable) -> Answer:
        """Returns the decision, or an error that trying again will not change. Raises Failure."""
        trouble = _Trouble()
        while True:
            await self._pause()
            started = time.monotonic()
            try:
                response = await self._post(record)
                if response.status not in TRY_AGAIN:
                    return answer(record, response, time.monotonic() - started)
                what, wait = f"status {response.status}", retry_after(response)
            except HttpError as error:
                response, what, wait = None, str(error), None
            self.retries += 1
            limited = response is not None and response.status == 429
            self._check_patience(trouble, what, limited)
            if wait is not None:
                self._resume_at = max(self._resume_at, time.monotonic() + wait)
            else:
                await asyncio.sleep(trouble.backoff())

    async def _pause(self) -> None:
        while (delay := self._resume_at - time.monotonic()) > 0:  # noqa: ASYNC110 - the pause may grow meanwhile
            # Not all at the same moment, or the next wave is refused as a whole.
            await asyncio.sleep(delay * random.uniform(1, 1.1))

    async def _post(self, record: Sendable) -> Response:
        token = await self._tokens.token()
        response = await self._send(record, token)
        if response.status == 401:
            self._tokens.reject(token)
            response = await self._send(record, await self._tokens.token())
            if response.status == 401:
                raise CommandFailure("The platform refuses the access token that it has just issued.")
        return response

    async def _send(self, record: Sendable, token: str) -> Response:
        headers = [("content-type", "application/json"), ("authorization", f"Bearer {token}")]
        return await self._client.request("POST", self._path, headers=headers, body=record.body)

    def _check_patience(self, trouble: _Trouble, what: str, limited: bool) -> None:
        """A limit is an answer: whoever is told to wait has not lost the platform."""
        now = time.monotonic()
        trouble.attempts = 0 if limited else trouble.attempts + 1
        trouble.since = None if limited else trouble.since or now
        if trouble.since is not None and now - trouble.since > self._patience:
            raise CommandFailure(f"No answer for {self._patience:g} s: {what}.")


def retry_after(response: Response) -> float | None:
    """Reads how many seconds the edge asks to wait; None if it does not say."""
    text = response.headers.get("retry-after", "")
    return min(float(text), LONGEST_PAUSE) if text.isdecimal() else None


def answer(record: Sendable, response: Response, latency: float) -> Answer:
    """Reads a decision, or the reason why there is none. Raises HttpError if it is neither."""
    if response.status != 200:
        return Answer(record.row, error=reason(response), detail=detail(record, response))
    body = response.json()
    try:
        return Answer(
            record.row,
            outcome=str(body["outcome"]),
            score=float(body["confidence_score"]),
            degraded=bool(body["degraded"]),
            latency=latency,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise HttpError(f"the answer is not a decision: {error!r}") from error


def detail(record: Sendable, response: Response) -> str:
    """Says which line was refused and, where the platform names fields, which columns and what it expected."""
    try:
        document = response.json()
    except HttpError:
        document = {}
    faults = [
        record.fault(str(one["field"]), str(one.get("message", "")))
        for one in document.get("errors", ())
        if one.get("field")
    ]
    return "; ".join(faults) or f"line {record.line}: {document.get('detail') or f'status {response.status}'}"


def reason(response: Response) -> str:
    """Names an error by its reason, or by its status if it has none."""
    try:
        return str(response.json().get("reason") or f"HTTP {response.status}")
    except HttpError:
        return f"HTTP {response.status}"
