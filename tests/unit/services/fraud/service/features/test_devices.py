"""Rules tell whether a device is new to its user, and whether others share it: of payments, and of what is declared."""

from __future__ import annotations

from datetime import timedelta

from services.fraud.domain.check import Check
from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.service.deciding.decider import Outcome
from tests.support.deciding import STARTED, DecidingBench, ruled, version_of
from tests.support.features import DAY_MS
from tests.support.fraud import check, new_tenant

NEW = Feature(
    name="login_new_device", event_type="login", key=("user_id",), aggregate=Aggregate.IS_NEW,
    field="device_fingerprint", window_ms=30 * DAY_MS,
)  # fmt: skip
USERS = Feature(
    name="login_device_users", event_type="login", key=("device_fingerprint",), aggregate=Aggregate.DISTINCT,
    field="user_id", window_ms=DAY_MS,
)  # fmt: skip


def codes(outcome: Outcome) -> set[str]:
    assert outcome.decided is not None
    return {factor.code for factor in outcome.decided.verdict.factors}


async def test_payments_have_both_from_the_first_day() -> None:
    version = version_of(1, ruled("NEW", "user_new_device"), ruled("SHARED", "device_distinct_24h >= 2"))
    bench, tenant = DecidingBench(Deployment(live=version.ref), (version,)), new_tenant()
    asked = [
        {"user_id": user, "device_fingerprint": device}
        for user, device in (("ann", "d1"), ("ann", "d1"), ("bob", "d1"), ("cem", "d1"), ("cem", "d2"))
    ]
    found = [codes(each) for each in await bench.decide(tenant, *asked)]
    assert found == [{"NEW"}, set(), {"NEW"}, {"NEW", "SHARED"}, {"NEW"}]


async def test_logins_have_both_once_they_are_declared() -> None:
    rule = ruled("TAKEN_OVER", "login_new_device && login_device_users >= 2")
    version = version_of(1, rule, event_type="login", features=[NEW, USERS])
    bench, tenant = DecidingBench(Deployment(live=version.ref), (version,), features=(NEW, USERS)), new_tenant()
    bench.now = STARTED + timedelta(minutes=1)
    logins = [("ann", "d1"), ("bob", "d1"), ("cem", "d2"), ("cem", "d1"), ("cem", "d1")]
    found = [codes(await bench.decide_check(_login(tenant, n, *each))) for n, each in enumerate(logins)]
    assert found == [set(), set(), set(), {"TAKEN_OVER"}, set()]


def _login(tenant: str, minute: int, user: str, device: str) -> Check:
    fields = {"user_id": user, "device_fingerprint": device, "success": True}
    when = STARTED + timedelta(seconds=minute)
    return check(tenant, event_type="login", fields=fields, event_time=when)
