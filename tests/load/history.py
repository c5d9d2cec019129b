"""Stores full of history, for measuring what reads it: decisions about payments, written as the service does."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.api import Api
from console.target import Target as Login
from console.up.state import State
from meshkit.ids import uuid7_text
from meshkit.storage.postgres import Pool
from meshkit.topology import load
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.domain.check import Decided
from tests.load.platforms import Rampart
from tests.support.fraud import check, decided, vector

__all__ = ["api_of", "cost_of", "seed", "service_dsn"]

BATCH = 250


async def seed(lent: Pool, tenant: str, count: int) -> Sequence[Decided]:
    """Stores decisions about payments of a few thousand users, of the last 30 days. Returns them."""
    store, chance = PostgresStore(lent, EventKeys(lent)), random.Random(1)
    generation: bytes = await lent.fetchval("SELECT generation FROM log_generation")
    stored: list[Decided] = []
    for start in range(0, count, BATCH):
        parts = [n / count for n in range(start, min(start + BATCH, count))]
        made = [_decision(tenant, generation, chance, part) for part in parts]
        result = await store.commit(sorted(made, key=lambda each: each.check.key))
        assert len(result.answers) == len(made)
        stored += made
        await asyncio.sleep(0)
    return stored


def _decision(tenant: str, generation: bytes, chance: random.Random, part: float) -> Decided:
    """`part` says where in the last 30 days the event is."""
    happened = (datetime.now(UTC) - timedelta(days=30 * (1 - part))).replace(microsecond=0)
    amount = chance.randrange(100, 60_000)
    made = decided(
        check(
            tenant, uuid7_text(), user_id=f"u{chance.randrange(3_000)}", device=f"d{chance.randrange(4_000)}",
            ip=f"203.0.{chance.randrange(200)}.{chance.randrange(200)}", merchant=f"m{chance.randrange(300)}",
            amount=amount / 100, amount_minor=amount, event_time=happened,
        )
    )  # fmt: skip
    counts = {name: chance.randrange(60) for name in ("user_count_1h", "user_count_24h", "device_count_1h")}
    return made._replace(features=made.features._replace(values=vector(**counts), generation=generation))


def cost_of(home: Path, name: str) -> tuple[float, int]:
    """Returns the seconds of CPU and the most KB that a process took, as the log says of what it has done."""
    for _ in range(50):
        for path in (home / "logs").glob("fraud*.log"):
            for line in path.read_text().splitlines():
                if name in line and "cpu_seconds" in line:
                    told = json.loads(line)
                    return float(told["cpu_seconds"]), int(told["peak_kb"])
        time.sleep(0.1)
    raise AssertionError("the log does not say what it cost")


def service_dsn(home: Path, reader: str) -> str:
    """Returns the address of the database for the role of the service."""
    user = load().service("fraud").user("service")
    return re.sub("//[^@]+@", f"//{user}:{State.open(home).password(user)}@", reader)


def api_of(platform: Rampart) -> Api:
    """Opens REST as the client of dev.json."""
    client = platform.dev["client"]
    return Api(Login(platform.dev["base_url"], platform.dev["token_url"], client["client_id"], client["client_secret"]))
