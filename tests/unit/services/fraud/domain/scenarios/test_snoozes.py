"""A rule sleeps for one key until a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.fraud.domain.scenarios.snoozes import Snooze, Snoozes

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def snooze(rule: str, field: str, value: str, seconds: float = 1.0) -> Snooze:
    until = NOW + timedelta(seconds=seconds)
    return Snooze(rule_id=rule, field=field, value=value, until=until, created_at=NOW)


def asleep(snoozes: Snoozes, *rules: str, now: datetime = NOW, **event: object) -> list[str]:
    return list(snoozes.of(rules, event.get, now))


def test_a_rule_is_snoozed_for_its_key_alone() -> None:
    snoozes = Snoozes([snooze("high", "user_id", "u1"), snooze("shared", "ip_address", "192.0.2.1")])
    assert snoozes
    assert asleep(snoozes, "high", "shared", user_id="u1", ip_address="192.0.2.2") == ["high"]
    assert asleep(snoozes, "high", "shared", user_id="u2", ip_address="192.0.2.1") == ["shared"]
    assert asleep(snoozes, "other", user_id="u1") == []
    assert asleep(snoozes, "high", device_fingerprint="u1") == []
    assert asleep(snoozes, "high", user_id=None) == []
    assert not Snoozes()


def test_a_snooze_ends_at_its_time() -> None:
    snoozes = Snoozes([snooze("high", "user_id", "u1")])
    assert asleep(snoozes, "high", user_id="u1", now=NOW + timedelta(microseconds=999_999)) == ["high"]
    assert asleep(snoozes, "high", user_id="u1", now=NOW + timedelta(seconds=1)) == []


def test_of_two_the_longer_counts() -> None:
    snoozes = Snoozes([snooze("high", "user_id", "u1", 9), snooze("high", "user_id", "u1", 3)])
    assert asleep(snoozes, "high", user_id="u1", now=NOW + timedelta(seconds=5)) == ["high"]
