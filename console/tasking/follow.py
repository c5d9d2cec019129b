"""Follows a task over its stream until it is final, over as many connections as that takes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator

from console.api import Api, Json
from console.failure import CommandFailure
from console.http import HttpError

FINAL = ("succeeded", "failed", "dead", "cancelled")
FIRST_BACKOFF = 0.2
LONGEST_BACKOFF = 5.0
UNAUTHENTICATED = 16
COME_AGAIN = {4, 8, 14, UNAUTHENTICATED}
"""Codes of a stream that ended for a reason that goes by: its deadline, overload, a restart, the token."""


async def follow(api: Api, path: str, *, patience: float) -> AsyncGenerator[Json, None]:
    """Yields the task as it is and after each change, the final state last.

    A stream that is cut off is started again, for at most `patience` seconds without a message. Raises CommandFailure
    after that, and if the stream is refused.
    """
    state, heard, cuts = "", time.monotonic(), 0
    while state not in FINAL:
        cause = "it ended without a status."
        try:
            async with contextlib.aclosing(_messages(api, path)) as messages:
                async for task in messages:
                    state, heard, cuts = task["state"], time.monotonic(), 0
                    yield task
        except HttpError as error:
            cause = str(error)
        if state in FINAL:
            return
        if time.monotonic() - heard > patience:
            raise CommandFailure(f"The stream of the task broke off and could not be started again: {cause}")
        await asyncio.sleep(random.uniform(0.5, 1) * min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0**cuts))
        cuts += 1


async def _messages(api: Api, path: str) -> AsyncGenerator[Json, None]:
    """Yields the tasks of one stream. Raises HttpError if it is to be started again."""
    async with contextlib.aclosing(api.stream(path)) as frames:
        async for frame in frames:
            if "result" in frame:
                yield frame["result"]["task"]
            else:
                _check(api, frame.get("status") or {})
                return


def _check(api: Api, status: Json) -> None:
    code, message = status.get("code", 0), status.get("message") or "no reason was given"
    if code == UNAUTHENTICATED:
        api.forget_token()
    if code in COME_AGAIN:
        raise HttpError(str(message))
    if code:
        raise CommandFailure(f"The stream of the task ended: {message} (code {code}).")
