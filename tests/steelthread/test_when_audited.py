"""The audit log when processes are killed: what took effect, or may have, is in it."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from urllib.parse import quote, urlsplit

import asyncpg

from console.http import HttpError
from console.up.state import State
from tests.steelthread.platform import SCOPES, Platform, eventually
from tests.steelthread.test_audit import DELETE, EVENTS, LISTS, until


def owner_dsn(platform: Platform) -> str:
    """Returns the fraud service's database as its owner sees it."""
    url, role = urlsplit(platform.dev["dsn"]["fraud"]), "rampart_fraud_owner"
    password = State.open(platform.home).password(role)
    dsn: str = url._replace(netloc=f"{role}:{quote(password, safe='')}@{url.netloc.rpartition('@')[2]}").geturl()
    return dsn


async def test_call_that_is_killed_on_its_way_is_in_the_log(platform: Platform) -> None:
    edge = await platform.new_edge(scopes=(*SCOPES, "audit:read"))
    await edge.post(LISTS, {"name": "blocked"})
    blocker = await asyncpg.connect(owner_dsn(platform))
    try:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE value_lists IN ACCESS EXCLUSIVE MODE")
            deleting = asyncio.create_task(edge.send("DELETE", f"{LISTS}/blocked"))
            started = await until(edge, action=DELETE, outcome="started")
            async with platform.held_down("fraud"):
                await asyncio.wait({deleting}, timeout=5)
    finally:
        await blocker.close()
    await asyncio.gather(deleting, return_exceptions=True)
    assert started["target"] == "lists/blocked"
    # The log is whole, and says of the call that it began.
    pid = platform.pid("auth")
    assert pid is not None
    platform.kill(pid)

    async def answered() -> bool:
        try:
            return (await edge.send("GET", f"{EVENTS}/{started['sequence']}")).status == 200
        except HttpError:
            return False

    await eventually(answered, 20)
    assert await edge.get(f"{EVENTS}/{started['sequence']}") == started
    events = [each for page in await edge.pages(EVENTS, "events", oldest_first="true") for each in page]
    assert [int(each["sequence"]) for each in events] == list(range(1, len(events) + 1))
    assert all(one["hash"] == other["previous_hash"] for one, other in pairwise(events))
