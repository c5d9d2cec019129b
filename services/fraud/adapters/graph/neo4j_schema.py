"""What Neo4j keeps of graphs, the keys that it finds it by, and how times and amounts become its values.

    RampartPlace      how far the outbox was followed: one
    RampartTenant     a tenant that has a graph
    RampartEntity     `doubted` is its number while that is so, and not there otherwise
    RAMPART_LINK      an edge; `payee` is the target of one of transfers, and not there otherwise
    RampartComponent  the size of a component; one without has one member
    RampartFraud      an event that counts as known fraud, its time, and its entities

Times are microseconds since 1970: both sides have them exactly. Sums of amounts may outgrow 64 bits, so of an edge two
are added to: whole `AMOUNT_UNIT`s, and the rest.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["SCHEMA", "amount_from_parts", "amount_to_parts", "latest", "time_from_micros", "time_to_micros"]

AMOUNT_UNIT = 1 << 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SCHEMA = tuple(
    f"CREATE {kind} {name} IF NOT EXISTS FOR {of} {keys}"
    for kind, name, of, keys in (
        ("CONSTRAINT", "rampart_place", "(p:RampartPlace)", "REQUIRE p.is_one IS UNIQUE"),
        ("CONSTRAINT", "rampart_tenant", "(t:RampartTenant)", "REQUIRE t.tenant IS UNIQUE"),
        ("CONSTRAINT", "rampart_entity", "(e:RampartEntity)", "REQUIRE (e.tenant, e.number) IS UNIQUE"),
        ("CONSTRAINT", "rampart_component", "(c:RampartComponent)", "REQUIRE (c.tenant, c.number) IS UNIQUE"),
        ("CONSTRAINT", "rampart_fraud", "(f:RampartFraud)", "REQUIRE (f.tenant, f.decision) IS UNIQUE"),
        ("INDEX", "rampart_members", "(e:RampartEntity)", "ON (e.tenant, e.component)"),
        ("INDEX", "rampart_doubted", "(e:RampartEntity)", "ON (e.tenant, e.doubted)"),
        ("INDEX", "rampart_frauds_by_time", "(f:RampartFraud)", "ON (f.tenant, f.time)"),
        ("INDEX", "rampart_links_from", "()-[r:RAMPART_LINK]-()", "ON (r.tenant, r.source, r.last)"),
        ("INDEX", "rampart_links_to", "()-[r:RAMPART_LINK]-()", "ON (r.tenant, r.target, r.last)"),
        ("INDEX", "rampart_transfers_to", "()-[r:RAMPART_LINK]-()", "ON (r.tenant, r.payee, r.last)"),
        ("INDEX", "rampart_links_by_time", "()-[r:RAMPART_LINK]-()", "ON (r.tenant, r.last)"),
    )
)
"""Statements that make constraints and indexes where there are none."""


def latest(of: str, other: str) -> str:
    """Returns a subquery: the links of the entity whose number is `of`, `$most` at most, the latest first.

    Each is `<other>_link`, and `other` the number at its far end.
    """
    # By all keys of the index: an order of times alone would make it read every link of a hub, and sort them.
    return f"""
CALL ({of}) {{
    CALL ({of}) {{
        MATCH ()-[r:RAMPART_LINK]->() USING INDEX r:RAMPART_LINK(tenant, source, last)
        WHERE r.tenant = $tenant AND r.source = {of} AND r.last IS NOT NULL
        RETURN r, r.target AS far ORDER BY r.tenant DESC, r.source DESC, r.last DESC LIMIT $most
        UNION ALL
        MATCH ()-[r:RAMPART_LINK]->() USING INDEX r:RAMPART_LINK(tenant, target, last)
        WHERE r.tenant = $tenant AND r.target = {of} AND r.last IS NOT NULL
        RETURN r, r.source AS far ORDER BY r.tenant DESC, r.target DESC, r.last DESC LIMIT $most
    }}
    RETURN r AS {other}_link, far AS {other} ORDER BY r.last DESC LIMIT $most
}}"""


def time_to_micros(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def time_from_micros(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def amount_to_parts(minor: int) -> tuple[int, int]:
    return divmod(minor, AMOUNT_UNIT)


def amount_from_parts(units: int, rest: int) -> int:
    return units * AMOUNT_UNIT + rest
