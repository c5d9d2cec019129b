from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.edge.ratelimit import LimitBook
from meshkit.context import Principal, Quota

CLIENT = Principal("tenant-1", "client-1", frozenset(), 100, "USD", "client-1")
FULL = Quota(tenant=500, user=5, classes=(("decision", 300), ("read", 200)))


def limits(principal: Principal, rate_class: str) -> dict[str, float]:
    return {limit.name: limit.burst for limit in LimitBook().of(principal, rate_class).limits}


@pytest.mark.parametrize(
    ("principal", "rate_class", "expected"),
    [
        (CLIENT, "decision", {"decision": 100}),
        (replace(CLIENT, rate_limit=0), "decision", {"decision": 1}),
        (replace(CLIENT, quota=Quota(tenant=500)), "read", {"read": 100, "tenant": 500}),
        (replace(CLIENT, quota=FULL), "decision", {"decision": 100, "decision-tenant": 300, "tenant": 500}),
        (replace(CLIENT, quota=FULL), "write", {"write": 100, "tenant": 500}),
        (replace(CLIENT, quota=Quota(user=5)), "read", {"read": 100}),
        (replace(CLIENT, subject="", quota=Quota(user=5)), "read", {"read": 100}),
        (replace(CLIENT, subject="user-1", quota=Quota(user=5)), "read", {"read": 100, "read-user": 5}),
        (replace(CLIENT, subject="user-1"), "read", {"read": 100}),
    ],
)
def test_limits_are_those_of_the_token(principal: Principal, rate_class: str, expected: dict[str, float]) -> None:
    assert limits(principal, rate_class) == expected


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (replace(CLIENT, client_id="client-2", subject="client-2"), {"decision-tenant", "tenant"}),
        (replace(CLIENT, subject="user-1"), {"decision", "decision-tenant", "tenant"}),
        (replace(CLIENT, tenant_id="tenant-2", client_id="client-2"), set()),
        (CLIENT, {"decision", "decision-tenant", "tenant"}),
    ],
)
def test_keys_are_shared_by_those_who_share_the_limit(other: Principal, same: set[str]) -> None:
    book = LimitBook()
    one, two = (book.of(replace(each, quota=FULL), "decision").limits for each in (CLIENT, other))
    shared = {limit.key for limit in one} & {limit.key for limit in two}
    assert {limit.name for limit in one if limit.key in shared} == same


def test_users_of_two_tenants_do_not_share() -> None:
    book = LimitBook()
    keys = {
        limit.key
        for tenant in ("tenant-1", "tenant-2")
        for limit in book.of(Principal(tenant, f"of-{tenant}", frozenset(), 1, "USD", "user-1", FULL), "read").limits
        if limit.name == "read-user"
    }
    assert len(keys) == 2


def test_new_plan_counts_from_the_token_that_says_so() -> None:
    book = LimitBook()
    before = book.of(CLIENT, "read")
    assert book.of(replace(CLIENT), "read") is before
    assert book.of(replace(CLIENT, rate_limit=7), "read").limits[0].burst == 7
    assert book.of(CLIENT, "read").limits[0].burst == 100


def test_addresses_have_limits_for_calls_and_for_failures() -> None:
    book = LimitBook(address_rate=40, failure_rate=3)
    (calls,), (failures,) = book.of_address("192.0.2.1", "public").limits, book.of_failures("192.0.2.1").limits
    assert (calls.name, calls.burst, calls.window) == ("public", 40, 1)
    assert (failures.name, failures.burst, failures.window) == ("failures", 15, 5)
    assert len({calls.key, failures.key, book.of_address("192.0.2.2", "public").limits[0].key}) == 3
    assert book.of_address("192.0.2.1", "public") is book.of_address("192.0.2.1", "public")
