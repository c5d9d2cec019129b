"""Computes features from the stored decisions: the slow path, for when Redis cannot answer.

Exact over what is committed. Counts and sums also hold the checks before in the same batch; distincts and new devices
do not, and concurrent batches do not see each other.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from meshkit.storage.postgres import Connection
from services.fraud.domain.check import Features, WindowEntry
from services.fraud.domain.features import SUBJECTS, WINDOWS_MS

__all__ = ["DEGRADED", "read_features"]

DEGRADED = "features_slow_path"
DAY = timedelta(days=1)

# Column of each subject, and of what is counted distinctly for it. Fixed text, never input.
_COLUMNS = {
    "user": ("user_id", "device_fingerprint"),
    "device": ("device_fingerprint", "user_id"),
    "ip": ("ip_address", "user_id"),
    "merchant": ("merchant_id", "user_id"),
}
_SINCE = [f"d.event_time > i.at - interval '{milliseconds} milliseconds'" for milliseconds in WINDOWS_MS.values()]


_RANGE = "d.event_time > i.at - interval '24 hours' AND d.event_time <= i.at"
# What the user did in the 24 hours before, by currency: [["USD", 3, "1250"], …].
_MONEY = f"""(
    SELECT json_agg(json_build_array(m.currency, m.count, m.sum::text)) FROM (
        SELECT d.currency, count(*), sum(d.amount_minor) FROM decisions d
        WHERE d.tenant_id = i.tenant_id AND d.user_id = i.subject AND {_RANGE} GROUP BY d.currency
    ) m
)"""


def _query(column: str, counterpart: str) -> str:
    values = [
        *(f"count(*) FILTER (WHERE {since})" for since in _SINCE),
        *(f"coalesce(sum(d.amount_minor) FILTER (WHERE {since} AND d.currency = i.currency), 0)" for since in _SINCE),
        *(f"count(DISTINCT d.{counterpart}) FILTER (WHERE {since})" for since in _SINCE),
    ]
    also = f", {_MONEY}" if column == "user_id" else ""
    return f"""
SELECT i.n, w.*{also} FROM unnest($1::int[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
    AS i (n, tenant_id, subject, at, currency)
CROSS JOIN LATERAL (
    SELECT {", ".join(values)} FROM decisions d
    WHERE d.tenant_id = i.tenant_id AND d.{column} = i.subject
        AND {_RANGE}
) w ORDER BY i.n"""


_WINDOWS = {subject: _query(*_COLUMNS[subject]) for subject in SUBJECTS}

_NEW_DEVICE = """
SELECT i.n, NOT EXISTS (
    SELECT FROM decisions d WHERE d.tenant_id = i.tenant_id AND d.user_id = i.user_id
        AND d.device_fingerprint = i.device AND d.event_time > i.at - interval '30 days' AND d.event_time <= i.at
) FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) AS i (n, tenant_id, user_id, device, at)
WHERE i.device <> '' ORDER BY i.n"""


async def read_features(connection: Connection, entries: Sequence[WindowEntry], now: datetime) -> Sequence[Features]:
    """Computes the features of each transaction. `now` is the time of receipt of those that name no event time."""
    times = [entry.event_time or now for entry in entries]
    tenants = [entry.tenant_id for entry in entries]
    currencies = [entry.currency for entry in entries]
    numbers = list(range(len(entries)))
    vectors: list[list[int]] = [[] for _ in entries]
    for subject in SUBJECTS:
        subjects = [_subject(entry, subject) for entry in entries]
        rows = await connection.fetch(_WINDOWS[subject], numbers, tenants, subjects, times, currencies)
        for vector, row in zip(vectors, rows, strict=True):
            vector += map(int, row[1:10])
        if subject == "user":
            money = _money(rows, entries, times)
        _add_batch(vectors, entries, times, subjects, len(vectors[0]) - 9 if vectors else 0)
    devices = [entry.device for entry in entries]
    users = [entry.user_id for entry in entries]
    rows = await connection.fetch(_NEW_DEVICE, numbers, tenants, users, devices, times)
    new: dict[int, bool] = {row[0]: row[1] for row in rows}
    found = []
    for n, (vector, (counts, sums)) in enumerate(zip(vectors, money, strict=True)):
        values = [*vector, int(new.get(n, False)), counts[currencies[n]]]
        elsewhere = {currency: total for currency, total in sums.items() if total and currency != currencies[n]}
        found.append(Features(values, times[n], (DEGRADED,), elsewhere=elsewhere))
    return found


def _money(
    rows: Sequence[asyncpg.Record], entries: Sequence[WindowEntry], times: Sequence[datetime]
) -> Sequence[tuple[Counter[str], Counter[str]]]:
    """Returns what each transaction's user did in the 24 hours before it, by currency: how often, and the sums."""
    found: list[tuple[Counter[str], Counter[str]]] = [(Counter(), Counter()) for _ in entries]
    for (counts, sums), row in zip(found, rows, strict=True):
        for currency, count, total in json.loads(row[10] or "[]"):
            counts[currency], sums[currency] = count, int(total)
    seen: dict[tuple[str, str], list[int]] = {}
    for n, entry in enumerate(entries):
        before = seen.setdefault((entry.tenant_id, entry.user_id), [])
        for m in before:
            if timedelta(0) <= times[n] - times[m] < DAY:
                found[n][0][entries[m].currency] += 1
                found[n][1][entries[m].currency] += entries[m].amount_minor
        before.append(n)
    return found


def _subject(entry: WindowEntry, subject: str) -> str:
    values = {"user": entry.user_id, "device": entry.device, "ip": entry.ip, "merchant": entry.merchant}
    return values[subject]


def _add_batch(
    vectors: list[list[int]],
    entries: Sequence[WindowEntry],
    times: Sequence[datetime],
    subjects: Sequence[str],
    base: int,
) -> None:
    """Adds the transactions of this batch to the counts and sums of those after them."""
    seen: dict[tuple[str, str], list[int]] = {}
    for n, (entry, subject) in enumerate(zip(entries, subjects, strict=True)):
        if not subject:
            continue
        before = seen.setdefault((entry.tenant_id, subject), [])
        for m in before:
            for window, milliseconds in enumerate(WINDOWS_MS.values()):
                if timedelta(0) <= times[n] - times[m] < timedelta(milliseconds=milliseconds):
                    vectors[n][base + window] += 1
                    if entries[m].currency == entry.currency:
                        vectors[n][base + 3 + window] += entries[m].amount_minor
        before.append(n)
