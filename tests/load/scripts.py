"""How long scripts hold Redis while callers send the worst that they may. `python -m tests.load.scripts`.

A platform of its own, whose tenant has declared 38 features to 30 days. Callers send payments in batches, in turn: of
48 with subjects of their own; of 1,000 at one merchant, after 40 that are some minutes ahead; of 1,000 that share every
subject; and of 1,000 while Redis is emptied. Redis itself says how long each script took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from redis.asyncio import Redis

from console.http import HttpClient
from services.fraud.adapters.logs import scripts
from tests.load.declared import Declared
from tests.load.frame import bounded, run_bench, state_folder
from tests.load.platforms import Rampart
from tests.load.workload import Target

__all__: list[str] = []

LONGEST_SECONDS = 900.0
PATH = "/api/v1/fraud-check:batch"
RULES = 50
ORDINARY, MOST, AHEAD = 48, 1_000, 40
SLOW_MICROSECONDS, MOST_COMMANDS = 2_000, 200_000
LOGGED_MICROSECONDS = 200
"""What is quicker is not looked at: to log all that scripts call would take longer than they do."""
Item = dict[str, object]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn (default %(default)g)")
    parser.add_argument("--callers", type=int, default=1, help="who send at the same time (default %(default)s)")
    arguments = parser.parse_args()
    return run_bench(lambda: _bench(arguments))


def _bench(arguments: argparse.Namespace) -> None:
    with state_folder() as folder:
        platform = Declared("scripts", folder / "scripts", RULES)
        asyncio.run(bounded(LONGEST_SECONDS, _measure(platform, arguments)))


async def _measure(platform: Rampart, arguments: argparse.Namespace) -> None:
    await platform.start()
    try:
        async with aclosing(_Scripts(platform.dev["redis_url"])) as watched:
            callers = _Callers(platform, await platform.target(), arguments)
            await watched.during(f"batches of {ORDINARY}", callers.send(ORDINARY, _own))
            await callers.ahead()
            await watched.during(
                f"{AHEAD} ahead, then batches of {MOST:,} at one merchant", callers.send(MOST, _at_one)
            )
            await watched.during(f"batches of {MOST:,} of one user", callers.send(MOST, _of_one))
            await watched.during("Redis is emptied", asyncio.gather(callers.send(MOST, _at_one), watched.empty()))
    finally:
        await platform.stop()


def _own(number: int) -> Item:
    return _payment(str(number), f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", f"m-{number}")


def _at_one(number: int) -> Item:
    return {**_own(number), "merchant_id": "m"}


def _of_one(number: int) -> Item:
    return _payment("one", "203.0.113.7", "m-one")


def _payment(whose: str, address: str, merchant: str) -> Item:
    subjects = {"user_id": f"u-{whose}", "device_fingerprint": f"d-{whose}", "card_fingerprint": f"c-{whose}"}
    return {**subjects, "ip_address": address, "merchant_id": merchant, "transaction_amount": 12.5}


class _Callers:
    """Several callers, each of whom sends its next batch when the last is answered."""

    def __init__(self, platform: Rampart, target: Target, arguments: argparse.Namespace) -> None:
        self._url, self._token = platform.dev["base_url"], target.token
        self._seconds, self._callers = arguments.seconds, arguments.callers
        self._numbers = count()

    async def ahead(self) -> None:
        when = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
        await self._post([{**_at_one(next(self._numbers)), "event_time": when} for _ in range(AHEAD)])

    async def send(self, size: int, payment: Callable[[int], Item]) -> Mapping[str, int]:
        """Returns how many payments were answered, by how."""
        until, found = time.monotonic() + self._seconds, Counter[str]()

        async def call() -> None:
            while time.monotonic() < until:
                found.update(await self._post([payment(next(self._numbers)) for _ in range(size)]))

        await asyncio.gather(*[call() for _ in range(self._callers)])
        return found

    async def _post(self, items: list[Item]) -> Mapping[str, int]:
        client = HttpClient(self._url, connections=1, timeout=30.0)
        headers = (("authorization", f"Bearer {self._token}"), ("content-type", "application/json"))
        answer = await client.request("POST", PATH, headers=headers, body=json.dumps({"requests": items}).encode())
        client.close()
        if answer.status != 200:
            return {f"{answer.status} {answer.json().get('reason', '')}".strip(): len(items)}
        results = answer.json()["results"]
        return Counter("decided" if "decision" in each else "refused" for each in results)


class _Scripts:
    """What Redis says of the scripts that it runs."""

    def __init__(self, url: str) -> None:
        self._redis: Any = Redis.from_url(url, socket_timeout=10.0)
        self._names: dict[bytes, str] = {}

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def empty(self) -> None:
        await self._redis.flushall()

    async def during(self, what: str, load: Awaitable[object]) -> None:
        await self._redis.config_set("slowlog-log-slower-than", LOGGED_MICROSECONDS)
        await self._redis.config_set("slowlog-max-len", MOST_COMMANDS)
        await self._redis.slowlog_reset()
        answers = await load
        times: dict[str, list[int]] = {}
        for each in await self._redis.slowlog_get(MOST_COMMANDS):
            times.setdefault(await self._name(each["command"]), []).append(each["duration"])
        print(f"{what}: {answers}")
        for name, found in sorted(times.items(), key=lambda each: -max(each[1])):
            told = ", ".join(f"p{share * 100:g} {_quantile(found, share):,}" for share in (0.5, 0.9, 0.99, 1.0))
            slow = sum(each > SLOW_MICROSECONDS for each in found)
            if slow or name in scripts._TEXTS:
                print(f"  {name}: {len(found):,}; us: {told}; {slow} above {SLOW_MICROSECONDS:,}", flush=True)

    async def _name(self, command: bytes) -> str:
        words = command.split()
        if words[0] != b"EVALSHA":
            return words[0].decode()
        if words[1] not in self._names:
            text = (await self._redis.execute_command("SCRIPT", "SHOW", words[1])).decode()
            found = (name for name, known in scripts._TEXTS.items() if text.endswith(known))
            self._names[words[1]] = next(found, "another script")
        return self._names[words[1]]


def _quantile(values: list[int], share: float) -> int:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


if __name__ == "__main__":
    sys.exit(main())
