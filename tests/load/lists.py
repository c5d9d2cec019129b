"""Measures lists of values: memory, building and look-ups of a full list, and with --store its way through PostgreSQL.

    python -m tests.load.lists [--entries 1000000] [--store]

Each structure is measured in a process of its own, which does nothing else: resident memory before and after, and time
of the processor, so that what else runs on the machine counts less.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import IO
from uuid import uuid4

from console.up.state import State
from meshkit.storage.migrations import migrate
from meshkit.storage.notifications import Notifications
from meshkit.storage.postgres import open_pool
from meshkit.topology import load
from services.fraud.adapters.engine_revisions import CHANNEL
from services.fraud.adapters.postgres_list_contents import PostgresListContents
from services.fraud.adapters.postgres_lists import PostgresLists
from services.fraud.domain.value_lists.keys import V4, V6, network_key, seeded, text_key
from services.fraud.domain.value_lists.lists import NEVER, EntryRequest, ListedType, ListKind, NewList
from services.fraud.domain.value_lists.members import Members, Row, empty
from services.fraud.ports.value_lists import Author
from services.fraud.service.value_lists.catalog import TURN_ROWS, ListCatalog
from services.fraud.service.value_lists.importing import ListImports
from services.fraud.service.value_lists.keeping import ListKeeper
from tests.support.fraud import new_tenant
from tests.support.processes import ROOT
from tests.support.servers import Database, postgres_server
from tests.support.value_lists import NOW

SEED = bytes(range(16))
LOOK_UPS = 100_000
ROUNDS = 7
PART_ROWS = 15_000
Make = Callable[[int, int], Row]


def text(number: int, end: int) -> Row:
    return 0, text_key(seeded(SEED), f"user-{number}"), end


def networks(number: int, end: int) -> Row:
    """Every network /24 is another."""
    return V4 + 24, network_key(seeded(SEED), number * 13 % (1 << 24), 24), end


def mixed(number: int, end: int) -> Row:
    """Networks of the lengths of a list of data centres."""
    length = (12, 14, 16, 17, 18, 19, 20, 21, 22, 23, 24, 24, 24, 24, 28, 32)[number % 16]
    return V4 + length, network_key(seeded(SEED), random.Random(number).getrandbits(length), length), end


def long_networks(number: int, end: int) -> Row:
    return V6 + 48, network_key(seeded(SEED), 0x2A << 40 | number * 7919, 48), end


def addresses(version: int) -> Sequence[str]:
    chance = random.Random(1)
    if version == 4:
        return [str(IPv4Address(chance.getrandbits(32))) for _ in range(LOOK_UPS)]
    return [str(IPv6Address(0x2A << 120 | chance.getrandbits(120))) for _ in range(LOOK_UPS)]


LATER = int(time.time()) + 86_400
USERS = [f"user-{number * 7}" for number in range(LOOK_UPS)]
CASES: dict[str, tuple[ListedType, Make, int, Callable[[], Sequence[str]]]] = {
    "text, none ends": (ListedType.STRING, text, NEVER, lambda: USERS),
    "text, all end": (ListedType.STRING, text, LATER, lambda: USERS),
    "text, misses": (ListedType.STRING, text, NEVER, lambda: [f"nobody-{number}" for number in range(LOOK_UPS)]),
    "networks /24": (ListedType.IP, networks, NEVER, lambda: addresses(4)),
    "networks of 15 lengths, 1 in 50": (ListedType.IP, mixed, NEVER, lambda: addresses(4)),
    "networks /48 of IPv6, all end": (ListedType.IP, long_networks, LATER, lambda: addresses(6)),
}


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def write(file: IO[bytes], make: Make, count: int) -> None:
    """Writes rows in the order of the store, packed: memory that made them would be taken for that of a list."""
    for group, key in sorted({make(number, NEVER)[:2] for number in range(count)}):
        file.write(group.to_bytes(2, "big") + key.to_bytes(8, "big"))
    file.flush()


def measure(name: str, path: str, count: int) -> None:
    listed, _, end, asked = CASES[name]
    values = asked()
    members, seconds, longest = empty(listed, SEED, time.time), 0.0, 0.0
    look_up(members, values)
    gc.collect()
    before = resident()
    members = empty(listed, SEED, time.time, count)
    with open(path, "rb") as file:
        while page := file.read(10 * TURN_ROWS):
            members, seconds, longest = build(members, page, end, seconds, longest)
    gc.collect()
    size = (resident() - before) / 1e6
    took = min(look_up(members, values) for _ in range(ROUNDS))
    print(
        f"{name:34} {len(members):>9,} entries  {size:5.1f} MB  built in {seconds:4.2f} s,"
        f" longest turn {longest * 1e3:4.1f} ms  look-up {took * 1e6:4.2f} us"
    )


def build(members: Members, page: bytes, end: int, seconds: float, longest: float) -> tuple[Members, float, float]:
    rows = [
        (int.from_bytes(page[at : at + 2], "big"), int.from_bytes(page[at + 2 : at + 10], "big"), end)
        for at in range(0, len(page), 10)
    ]
    work = members.changed(rows)
    while True:
        began = time.thread_time()
        try:
            next(work)
        except StopIteration as done:
            took = time.thread_time() - began
            return done.value, seconds + took, max(longest, took)
        took = time.thread_time() - began
        seconds, longest = seconds + took, max(longest, took)


def look_up(members: Members, values: Sequence[str]) -> float:
    began = time.thread_time()
    for value in values:
        _ = value in members
    return (time.thread_time() - began) / len(values)


async def through_the_store(count: int) -> None:
    """Imports a full list, reads it into memory, and adds one entry to it."""
    with (
        tempfile.TemporaryDirectory(prefix="rampart-lists-") as folder,
        postgres_server(State.open(Path(folder) / "state")) as server,
    ):
        database = await server.create_database("fraud", "rampart_fraud_lists")
        entry = load().service("fraud")
        roles = {name: entry.user(name) for name in (*entry.dsns(), "reader")}
        await migrate(database.owner_dsn, ROOT / "services" / "fraud" / "migrations", roles)
        await _through(database, count)


async def _through(database: Database, count: int) -> None:
    pool = await open_pool(database.dsn, size=6)
    store, tenant = PostgresLists(pool), new_tenant()
    keeper, imports = ListKeeper(store, lambda: NOW), ListImports(store, lambda: NOW)
    async with store.begin(tenant) as changes:
        await keeper.create(changes, NewList("blocked", ListKind.CUSTOM))
    began, import_id = time.perf_counter(), uuid4()
    for start in range(0, count, PART_ROWS):
        rows = "".join(f"user-{number}\n" for number in range(start, min(count, start + PART_ROWS)))
        await imports.stage(tenant, "blocked", import_id, start + 1, rows.encode(), "load")
    staged, entered = time.perf_counter(), 0
    while entered < count:
        entered = (await imports.commit(tenant, "blocked", import_id, count, "load")).entered
    print(f"import of {count:,}: checked in {staged - began:.1f} s, entered in {time.perf_counter() - staged:.1f} s")
    # As in the processes of the platform, whose collector has what was there before behind it.
    gc.collect()
    gc.freeze()
    catalog, stalls = ListCatalog(PostgresListContents(pool)), [0.0]
    watching = asyncio.create_task(_stalls(stalls))
    began = time.perf_counter()
    await catalog.of(tenant)
    print(
        f"read into memory in {time.perf_counter() - began:.2f} s, longest stall of the loop {stalls[0] * 1e3:.1f} ms"
    )
    news = Notifications(database.dsn, CHANNEL, tell=catalog.tell, tell_all=catalog.tell_all)
    tasks = [asyncio.create_task(catalog.run()), asyncio.create_task(news.run())]
    await asyncio.sleep(1)
    stalls[0] = 0.0
    took = [await _seen(store, keeper, catalog, tenant, f"new-{turn}") for turn in range(20)]
    print(
        f"one entry more is seen after {sorted(took)[10] * 1e3:.0f} ms (median), {max(took) * 1e3:.0f} ms (most);"
        f" longest stall {stalls[0] * 1e3:.1f} ms"
    )
    for task in (*tasks, watching):
        task.cancel()
    await asyncio.gather(*tasks, watching, return_exceptions=True)
    await pool.close()


async def _seen(store: PostgresLists, keeper: ListKeeper, catalog: ListCatalog, tenant: str, value: str) -> float:
    """Returns how long after its commit an entry is in memory. A full list loses one first."""
    async with store.begin(tenant) as changes:
        await changes.remove((await keeper.get(tenant, "blocked")).number, [value.replace("new", "user")], _AUTHOR)
    async with store.begin(tenant) as changes:
        await keeper.add(changes, "blocked", [EntryRequest(value)], "load")
    began = time.perf_counter()
    while (lists := catalog.known(tenant)) is None or value not in lists.by_name["blocked"]:
        await asyncio.sleep(0.001)
    return time.perf_counter() - began


_AUTHOR = Author("load", NOW)


async def _stalls(longest: list[float]) -> None:
    """Keeps the longest time of the processor that others took while this waited for a millisecond."""
    while True:
        began = time.thread_time()
        await asyncio.sleep(0.001)
        longest[0] = max(longest[0], time.thread_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for name in CASES:
        count = arguments.entries // 50 if "1 in 50" in name else arguments.entries
        with tempfile.NamedTemporaryFile() as file:
            write(file, CASES[name][1], count)
            process = context.Process(target=measure, args=(name, file.name, count))
            process.start()
            process.join(120)
    if arguments.store:
        asyncio.run(through_the_store(arguments.entries))


if __name__ == "__main__":
    main()
