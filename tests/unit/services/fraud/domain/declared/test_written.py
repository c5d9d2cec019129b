from __future__ import annotations

from dataclasses import replace

from services.fraud.domain.declared.declaration import DeclaredFeatures, DeclaredSet
from services.fraud.domain.declared.feature import Aggregate
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declared.written import NOT_READ, WrittenLog, features_read, filled_logs, written_logs
from services.fraud.domain.event_types import BUILT_IN
from tests.support.features import DAY_MS, counting, following

NONE = DeclaredSet()
CARDS = counting("cards", aggregate=Aggregate.DISTINCT, field="card_fingerprint")
MONTH = counting("month", window_ms=30 * DAY_MS)
BY_CARD = counting("by_card", key="card_fingerprint")


def _logs(declared: DeclaredFeatures) -> dict[str, list[WrittenLog]]:
    found: dict[str, list[WrittenLog]] = {}
    for log in written_logs(declared, BUILT_IN):
        found.setdefault(log.plan.name, []).append(log)
    return found


def _missing(declared: DeclaredFeatures) -> set[str]:
    return {each.name for each in declared.current.aggregates} - set(features_read(written_logs(declared, BUILT_IN)))


def test_without_features_of_its_own_a_tenant_has_the_logs_of_all() -> None:
    logs = written_logs(DeclaredFeatures(), BUILT_IN)
    assert [(log.name, log.plan, log.start) for log in logs] == [
        (plan.schema, plan, STARTER.starts[plan]) for plan in STARTER.plans.values()
    ]
    assert not filled_logs(DeclaredFeatures(), BUILT_IN)


def test_features_over_what_is_there_are_read_at_once_of_the_same_logs() -> None:
    declared = DeclaredFeatures(following(NONE, MONTH))
    assert not filled_logs(declared, BUILT_IN) and not _missing(declared)
    assert [log.name for log in written_logs(declared, BUILT_IN)] == [plan.schema for plan in STARTER.plans.values()]


def test_a_log_of_new_columns_is_written_beside_the_one_that_is_read() -> None:
    declared = DeclaredFeatures(following(NONE, MONTH, CARDS, BY_CARD))
    (old, new), (card,) = (_logs(declared)[name] for name in ("user_id", "card_fingerprint"))
    assert (old.name, old.start, old.plan.missing) == (STARTER.plans["user_id"].schema, 0, frozenset({"cards"}))
    assert (new.start, card.start) == (NOT_READ, NOT_READ)
    assert new.name.endswith(".1") and card.name.endswith(".1")
    assert filled_logs(declared, BUILT_IN) == {new.name, card.name}
    assert _missing(declared) == {"cards", "by_card"}


def test_once_it_is_whole_it_is_read_and_the_other_one_written_for_a_while() -> None:
    current = following(NONE, MONTH, CARDS)
    (new, old) = _logs(DeclaredFeatures(current, current, NONE))["user_id"]
    assert (new.start, new.plan.missing, old.start) == (0, frozenset(), NOT_READ)
    assert old.plan is STARTER.plans["user_id"]
    assert len(_logs(DeclaredFeatures(current, current))["user_id"]) == 1


def test_a_window_that_reaches_further_than_logs_go_back_needs_others() -> None:
    week = counting("week", key="merchant_id", window_ms=7 * DAY_MS)
    declared = DeclaredFeatures(following(NONE, week))
    assert _missing(declared) == {"week"}
    old, new = _logs(declared)["merchant_id"]
    assert (old.plan.schema, old.plan.retention_ms) == (new.plan.schema, DAY_MS)
    assert (new.name, new.plan.retention_ms) == (f"{new.plan.schema}.1", 7 * DAY_MS)


def test_logs_that_go_on_keep_their_name_and_those_that_come_back_do_not() -> None:
    one = following(NONE, CARDS)
    two = following(one, replace(CARDS, name="more", aggregate=Aggregate.IS_NEW))
    three = following(two, without=["cards", "more"])
    four = following(three, CARDS)
    assert [each.since for each in (one, two, three, four)] == [
        {"user_id": 1}, {"user_id": 1}, {"user_id": 3}, {"user_id": 4}
    ]  # fmt: skip
    names = [written_logs(DeclaredFeatures(each, each), BUILT_IN)[0].name for each in (one, two, four)]
    assert (names[0] == names[1], names[0].partition(".")[0] == names[2].partition(".")[0]) == (True, True)
    assert names[2] != names[0]


def test_values_stand_where_they_stand_whatever_is_read() -> None:
    """Vectors of a tenant's sets are read by this order for ever."""
    current = following(NONE, CARDS, BY_CARD, counting("by_ip", key="ip_address"))
    for ready in (NONE, current):
        starts = {log.plan.name: log.start for log in written_logs(DeclaredFeatures(current, ready), BUILT_IN)
                  if log.start != NOT_READ}  # fmt: skip
        assert starts["user_id"] == 0
        assert starts["device_fingerprint"] == 13, "behind 12 of the user's that all have, and cards"
        assert starts["merchant_id"] == 13 + 9 + 10
