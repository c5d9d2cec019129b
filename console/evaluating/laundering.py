"""Runs transfers through the platform, and scores accounts by what its graph knows of them at the end."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from console.api import Api, Json
from console.evaluating.transfers import EVENT_TYPE, SimulatedTransfers, Transfer, step_length
from console.failure import CommandFailure
from console.metrics import auc, average_precision
from console.replaying.sender import Sender

__all__ = ["MEASURES", "LaunderingRun", "Ranking", "rank", "written_score"]

KIND = "account"
MEASURES = (
    "degree", "component_size", "component_growth", "fan_in", "fan_out", "most_repeats", "smallest_repeated", "cycles",
)  # fmt: skip
READY_SECONDS = 300.0
POLL_SECONDS = 0.5
READ_AT_ONCE = 50
BEST = 1_000


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a score of accounts was worth."""

    name: str
    auc: float
    average_precision: float
    precision: float
    """Of the `BEST` highest."""


def rank(name: str, scores: Sequence[float], fraud: Sequence[bool]) -> Ranking:
    best = sorted(range(len(scores)), key=lambda place: -scores[place])[:BEST]
    precision = sum(fraud[place] for place in best) / max(len(best), 1)
    return Ranking(name, auc(scores, fraud), average_precision(scores, fraud), precision)


def written_score(entity: Mapping[str, Any] | None) -> float:
    """Returns how suspect an account is: it sends or gets small amounts again and again, from many."""
    if entity is None:
        return 0.0
    smallest = entity.get("smallest_repeated")
    small = 10.0 / (1.0 + smallest["amount"]) if smallest else 0.0
    repeats = math.log(max(entity["most_repeats"], 1))
    return 2.0 * repeats + small + 0.5 * math.log1p(entity["fan_in"])


class LaunderingRun:
    """One run. Transfers are named by their place in the file: those that were decided are so once."""

    def __init__(
        self, api: Api, sender: Sender, simulated: SimulatedTransfers, start: datetime, concurrency: int
    ) -> None:
        """`sender` sends checks of events."""
        self._api = api
        self._sender = sender
        self._simulated = simulated
        self._start = start
        self._length = step_length(simulated.steps)
        self._concurrency = concurrency
        self.sent = 0
        self.degraded = 0
        """Those that were decided without all inputs."""

    async def declare(self) -> None:
        """Declares what is not there, and waits until the graph has all that was decided. Raises CommandFailure."""
        types = {each["name"] async for each in self._api.pages("/api/v1/event-types", "event_types", {}, None)}
        if EVENT_TYPE not in types:
            account = {"type": "string", "required": True, "key": True, "entity": KIND}
            fields = [{"name": "payer", **account}, {"name": "payee", **account}]
            body = {"name": EVENT_TYPE, "fields": [*fields, {"name": "amount", "type": "money", "required": True}]}
            await self._api.call("POST", f"/api/v1/event-types?request_id={uuid.uuid4()}", body)
        known = {each["name"] async for each in self._api.pages("/api/v1/features", "features", {}, None)}
        for each in _features():
            if each["name"] not in known:
                await self._api.call("POST", f"/api/v1/features?request_id={uuid.uuid4()}", each)
        try:
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    if await self._is_ready():
                        return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise CommandFailure(f"Waited {READY_SECONDS:g} s for the features to have values.") from None

    async def _is_ready(self) -> bool:
        features = self._api.pages("/api/v1/features", "features", {}, None)
        return all([each["state"] == "ready" async for each in features])

    async def send(self) -> None:
        """Has all transfers decided, about in the order of their times. Raises CommandFailure."""
        transfers = self._simulated.transfers()
        try:
            async with asyncio.TaskGroup() as senders:
                for _ in range(self._concurrency):
                    senders.create_task(self._send(transfers))
        except* CommandFailure as failures:
            raise failures.exceptions[0] from None

    async def _send(self, transfers: Iterator[Transfer]) -> None:
        for each in transfers:
            answer = await self._sender.send(each.request(self._start, self._length))
            if answer.error:
                raise CommandFailure(f"A transfer was refused: {answer.detail}")
            self.sent += 1
            self.degraded += answer.degraded

    async def accounts(self) -> AsyncGenerator[Json | None, None]:
        """Yields what the graph knows of each account, once it has all that was decided. Raises CommandFailure."""
        asked, names = datetime.now(UTC), list(self._simulated.is_fraud)
        for start in range(0, len(names), READ_AT_ONCE):
            values = names[start : start + READ_AT_ONCE]
            query = urlencode([("kind", KIND), *(("values", each) for each in values)])
            found = await self._since(asked, f"/api/v1/graph/entities:batchGet?{query}")
            by_index = {each["index"]: each["entity"] for each in found["entities"]}
            for index in range(len(values)):
                yield by_index.get(index)

    async def _since(self, when: datetime, path: str) -> Json:
        """Returns an answer of a graph that has all that was decided before a time."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    found = await self._api.call("GET", path)
                    if datetime.fromisoformat(found["as_of"].replace("Z", "+00:00")) > when:
                        return found
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise CommandFailure(f"Waited {READY_SECONDS:g} s for the graph.") from None


def _features() -> Iterator[Json]:
    for key in ("payer", "payee"):
        for measure in MEASURES:
            yield {"name": f"{key}_{measure}", "event_type": EVENT_TYPE, "key": [key], "measure": measure}
