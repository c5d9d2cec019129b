"""What a decision takes of the disk, with everything that it was computed from and all of its index entries."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg

from meshkit.ids import uuid7_text
from meshkit.storage.postgres import open_pool
from services.fraud.domain.check import Basis, Decided, Features
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event import FieldValue, Money
from services.fraud.domain.ip_signals import IpSignals
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import PAR
from services.fraud.domain.scenarios.consulted import ConsultedLists
from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.scenarios.starter import STARTER_REF
from services.fraud.domain.travel import GeoPoint
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import check, judged, milliseconds, new_tenant
from tests.support.readers import store_of

COUNT = 4_000
MOST = 2_000
_TABLES = """
SELECT c.relname, pg_table_size(c.oid) AS rows, pg_indexes_size(c.oid) AS indexes
FROM pg_class c WHERE c.relkind = 'r' AND (c.relname LIKE 'decisions%' OR c.relname = 'transactions')"""
_COLUMNS = """
SELECT avg(pg_column_size(answer)) AS answer, avg(pg_column_size(inputs)) AS inputs, avg(pg_column_size(event)) AS event
FROM decisions"""


def payment(choice: random.Random, tenant: str) -> Decided:
    """Returns a payment with all that one has: 39 features, an address that is known, a list that knows the user."""
    user, currency = f"user-{choice.randrange(10**6):06}", "USD"
    amount = Money(choice.randrange(500, 60_000), currency)
    fields: dict[str, FieldValue] = {
        "user_id": user,
        "amount": amount,
        "channel": "online",
        "device_fingerprint": f"{choice.getrandbits(128):032x}",
        "ip_address": f"203.0.{choice.randrange(256)}.{choice.randrange(256)}",
        "merchant_id": f"merchant-{choice.randrange(1_000):04}",
        "card_fingerprint": f"{choice.getrandbits(64):016x}",
        "email": f"{user}@example.org",
    }
    # A user with two others on the device and an amount above the usual: two rules fire.
    values: list[FeatureValue] = [choice.randrange(1, 20_000 if "sum" in name else 3) for name in STARTER.names]
    values[STARTER.names.index("device_distinct_24h")] = 3
    values[STARTER.names.index("user_new_device")] = True
    now = milliseconds(datetime.now(UTC))
    ip = IpSignals(False, False, "DE", False, False, GeoPoint(52.52, 13.4, 20.0), 3320)
    lists = ConsultedLists({"watched": {user}})
    assert user in lists["watched"]
    facts = EventFacts(fields, values, currency, 2, Profile(True, 0.12, "standard"), ip, PAR, lists=lists)
    about = check(
        tenant, uuid7_text(), user_id=user, amount_minor=amount.minor, amount=amount.minor / 100, event_time=now
    )
    features = Features(values, now, basis=Basis.HISTORY)
    about = replace(about, fields=fields)
    return Decided(about, uuid7_text(), features, facts, judged(facts), STARTER_REF, (), now)


async def sizes(dsn: str) -> Mapping[str, float]:
    """Returns the mean sizes of columns, and the sizes of tables with their indexes, all in bytes."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("VACUUM decisions, transactions")
        tables = await connection.fetch(_TABLES)
        columns = await connection.fetchrow(_COLUMNS)
    finally:
        await connection.close(timeout=5)
    assert columns is not None
    found = {name: float(size or 0) for name, size in columns.items()}
    for name, chosen in (("transactions", True), ("decisions", False)):
        mine = [each for each in tables if (each["relname"] == "transactions") is chosen]
        found[f"rows of {name}"] = sum(each["rows"] for each in mine)
        found[f"indexes of {name}"] = sum(each["indexes"] for each in mine)
    return found


async def test_decision_takes_less_than_two_kilobytes(fresh_database: FreshDatabase) -> None:
    database, choice, tenant = fresh_database("fraud"), random.Random(1), new_tenant()
    empty = await sizes(database.server.dsn(database.name))
    pool = await open_pool(database.dsn)
    store = store_of(pool)
    made = sorted((payment(choice, tenant) for _ in range(COUNT)), key=lambda each: each.check.key)
    assert len(made[0].verdict.factors) >= 2
    for start in range(0, COUNT, 200):
        assert len((await store.commit(made[start : start + 200])).answers) == 200
    await pool.close()
    full = await sizes(database.server.dsn(database.name))
    # A partition has pages of its own before there is anything in it.
    found = {name: (full[name] - size) / COUNT if " of " in name else full[name] for name, size in empty.items()}
    total = sum(size for name, size in found.items() if " of " in name)
    print(", ".join(f"{name} {size:.0f} B" for name, size in found.items()), f"in all {total:.0f} B")
    assert total < MOST
