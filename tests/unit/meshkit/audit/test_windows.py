"""What happens often is counted: a flood is few events, costs little, and never more room than there is."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from meshkit.audit import windows as module
from meshkit.audit.windows import AuditWindows, network_of
from meshkit.context import SYSTEM_TENANT, CallContext, Principal
from meshkit.errors import Kind, MeshError, unavailable
from tests.support.audit import KeptReports

PATH = "/a.v1.B/C"
NOW = 1_800_000_000.25


@pytest.fixture
def log() -> KeptReports:
    return KeptReports()


@pytest.fixture
def windows(log: KeptReports) -> AuditWindows:
    return AuditWindows(log, lambda: NOW)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "MAX_KEYS", 3)
    monkeypatch.setattr(module, "MAX_WAITING", 5)
    yield


def call(**fields: str) -> CallContext:
    return CallContext(request_id="r1", peer=fields.pop("peer", "service/gateway"), **fields)  # type: ignore[arg-type]


def dropped() -> float:
    return REGISTRY.get_sample_value("audit_events_dropped_total") or 0.0


async def test_equal_calls_of_a_window_are_one_event_with_their_count(log: KeptReports, windows: AuditWindows) -> None:
    for _ in range(1_000):
        windows.note(call(), PATH, "refused", "TOKEN_INVALID", "203.0.113.7")
    windows.note(call(), PATH, "refused", "TOKEN_MISSING")
    assert await windows.flush() == 2
    first, second = log.reports
    assert (first.action, first.outcome, first.reason) == ("a.v1.B/C", "refused", "TOKEN_INVALID")
    assert (first.details["count"], first.address, first.request_id) == ("1000", "203.0.113.0/24", "r1")
    assert (first.tenant_id, first.actor, first.peer) == (SYSTEM_TENANT, "", "service/gateway")
    assert first.at.timestamp() == NOW
    assert (second.reason, second.details["count"], second.address) == ("TOKEN_MISSING", "1", "")
    assert await windows.flush() == 0


async def test_callers_are_told_apart(log: KeptReports, windows: AuditWindows) -> None:
    for tenant_id, client_id, subject in (("t1", "c1", ""), ("t1", "c1", "anna"), ("t1", "c2", ""), ("t2", "c1", "")):
        context = call()
        context.principal = Principal(tenant_id, client_id, frozenset(), 1, "USD", subject)
        windows.note(context, PATH, "refused", "SCOPE_MISSING")
    await windows.flush()
    assert [(each.tenant_id, each.actor, each.client_id) for each in log.reports] == [
        ("t1", "c1", "c1"),
        ("t1", "anna", "c1"),
        ("t1", "c2", "c2"),
        ("t2", "c1", "c1"),
    ]


async def test_addresses_of_one_network_are_one(log: KeptReports, windows: AuditWindows) -> None:
    for last in range(50):
        windows.note(call(), PATH, "refused", "TOKEN_INVALID", f"203.0.113.{last}")
        windows.note(call(), PATH, "refused", "TOKEN_INVALID", f"2001:db8:1:{last:x}::7")
    await windows.flush()
    assert {(each.address, each.details["count"]) for each in log.reports} == {
        ("203.0.113.0/24", "50"),
        ("2001:db8:1::/48", "50"),
    }


@pytest.mark.usefixtures("small")
async def test_flood_from_everywhere_is_counted_within_bounds(log: KeptReports, windows: AuditWindows) -> None:
    for number in range(1_000):
        windows.note(call(), PATH, "refused", "TOKEN_INVALID", f"10.{number // 256}.{number % 256}.7")
    await windows.flush()
    assert len(log.reports) == 4
    assert sum(int(each.details["count"]) for each in log.reports) == 1_000


@pytest.mark.usefixtures("small")
async def test_what_finds_no_room_is_counted_as_dropped(log: KeptReports, windows: AuditWindows) -> None:
    before = dropped()
    for number in range(10):
        windows.note(call(), f"{PATH}{number}", "refused", "TOKEN_INVALID")
    assert dropped() - before == 4
    log.failure = unavailable("auth")
    with pytest.raises(MeshError):
        await windows.flush()
    assert dropped() - before == 4 + 1


async def test_log_that_cannot_be_reached_is_told_later(log: KeptReports, windows: AuditWindows) -> None:
    log.failure = unavailable("auth")
    windows.note(call(), PATH, "refused", "TOKEN_INVALID")
    with pytest.raises(MeshError):
        await windows.flush()
    windows.note(call(), PATH, "refused", "TOKEN_INVALID")
    log.failure = None
    await windows.flush()
    assert [each.details["count"] for each in log.reports] == ["1", "1"]


async def test_what_the_log_will_never_take_keeps_nothing_back(log: KeptReports, windows: AuditWindows) -> None:
    before = dropped()
    log.failure = MeshError(Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", "no")
    windows.note(call(), PATH, "refused", "TOKEN_INVALID")
    await windows.flush()
    log.failure = None
    windows.note(call(), PATH, "refused", "TOKEN_MISSING")
    await windows.flush_all()
    assert [each.reason for each in log.reports] == ["TOKEN_MISSING"]
    assert dropped() - before == 1


async def test_what_is_lost_at_the_end_is_said_to_be(log: KeptReports, windows: AuditWindows) -> None:
    before = dropped()
    log.failure = unavailable("auth")
    windows.note(call(), PATH, "refused", "TOKEN_INVALID")
    await windows.flush_all()
    assert dropped() - before == 1


def test_network_of_no_address_is_none() -> None:
    assert [network_of(text) for text in ("", "x", "203.0.113.7", "::ffff:1")] == ["", "", "203.0.113.0/24", "::/48"]


def test_refused_call_costs_little_on_its_way(windows: AuditWindows) -> None:
    context, count = call(), 20_000
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(count):
            windows.note(context, PATH, "refused", "TOKEN_INVALID", "203.0.113.7")
        best = min(best, (time.process_time() - started) / count)
    # Two microseconds on an idle machine; the bound leaves room for one that is not.
    assert best < 10e-6, best
