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
from hashlib import sha1
from itertools import count
from typing import Any

from redis.asyncio import Redis

from console.http import HttpClient
from services.fraud.adapters.logs import scripts
from tests.load.declared import Declared
from tests.load.frame import bounded, run_bench, state_folder
from tests.load.platforms import Rampart

__all__: list[str] = []

LONGEST_SECONDS = 900.0
PATH = "/api/v1/fraud-check:batch"
RULES, CALLERS = 50, 4
ORDINARY, MOST, AHEAD = 48, 1_000, 40
SLOW_MICROSECONDS = 2_000
Item = dict[str, object]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn (default %(default)g)")
    arguments = parser.parse_args()
    return run_bench(lambda: _bench(arguments.seconds))


def _bench(seconds: float) -> None:
    with state_folder() as folder:
        asyncio.run(bounded(LONGEST_SECONDS, _measure(Declared("scripts", folder / "scripts", RULES), seconds)))


async def _measure(platform: Rampart, seconds: float) -> None:
    await platform.start()
    try:
        async with aclosing(_Scripts(platform.dev["redis_url"])) as watched:
            callers = _Callers(platform, await platform.target(), seconds)
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

    def __init__(self, platform: Rampart, target: Any, seconds: float) -> None:
        self._url, self._token, self._seconds = platform.dev["base_url"], target.token, seconds
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

        await asyncio.gather(*[call() for _ in range(CALLERS)])
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
        self._names = {sha1(text.encode()).hexdigest(): name for name, text in scripts._TEXTS.items()}

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def empty(self) -> None:
        await self._redis.flushall()

    async def during(self, what: str, load: Awaitable[object]) -> None:
        await self._redis.config_set("slowlog-log-slower-than", SLOW_MICROSECONDS)
        await self._redis.config_resetstat()
        await self._redis.slowlog_reset()
        answers = await load
        slow: Any = await self._redis.slowlog_get(1_000)
        times: Any = await self._redis.execute_command("LATENCY", "HISTOGRAM", "evalsha")
        fields = times[b"evalsha"]
        print(f"{what}: {answers}")
        print(f"  {fields[b'calls']:,} scripts; {_quantiles(fields[b'histogram_usec'])}")
        named = [(self._name(each["command"]), each["duration"]) for each in slow]
        longest = {name: max(took for each, took in named if each == name) for name, _ in named}
        told = ", ".join(f"{name} {number} (to {longest[name] / 1e3:.1f} ms)" for name, number in _counted(named))
        print(f"  longer than {SLOW_MICROSECONDS / 1e3:g} ms: {told or 'none'}", flush=True)

    def _name(self, command: bytes) -> str:
        words = command.decode("latin-1").split()
        return self._names.get(words[1], "?") if words[0] == "EVALSHA" else words[0]


def _counted(named: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return Counter(name for name, _ in named).most_common()


def _quantiles(cumulative: Mapping[int, int]) -> str:
    total = max(cumulative.values())
    shares = (0.5, 0.99, 0.999, 1.0)
    found = [next(limit for limit, below in cumulative.items() if below >= share * total) for share in shares]
    return ", ".join(f"p{share * 100:g} <= {limit:,} us" for share, limit in zip(shares, found, strict=True))


if __name__ == "__main__":
    sys.exit(main())
