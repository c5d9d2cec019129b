"""A twin of the entity logs that scans all that ever came: slow, and written without a look at how they do it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.fraud.domain.check import Check, Features, Key
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event import FieldValue

__all__ = ["Seen", "Twin", "seen_by"]

SUBJECTS = {
    "user": ("user_id", "device_fingerprint"),
    "device": ("device_fingerprint", "user_id"),
    "ip": ("ip_address", "user_id"),
    "merchant": ("merchant_id", "user_id"),
}
WINDOWS = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1), "24h": timedelta(hours=24)}
Seen = dict[str, "FeatureValue | dict[str, int]"]
"""Features by name, and the sums in other currencies under `elsewhere`."""


def seen_by(features: Features) -> Seen:
    """Returns what was read, as a twin says it."""
    return {**dict(zip(features.set.names, features.values, strict=True)), "elsewhere": dict(features.elsewhere)}


@dataclass
class Twin:
    """The transactions that count, in order of arrival, and what each saw when it came first."""

    counted: dict[Key, tuple[Check, datetime]] = field(default_factory=dict)
    first: dict[Key, Seen] = field(default_factory=dict)

    def check(self, asked: Check, arrival: datetime | None = None) -> Seen:
        """Returns what a check sees, and counts it from now on. A repeated one sees what it saw at first."""
        if asked.key not in self.counted:
            self.first[asked.key] = self.look(asked, arrival)
            self.counted[asked.key] = asked, _time(asked, arrival)
        return self.first[asked.key]

    def check_all(self, checks: Sequence[Check]) -> list[Seen]:
        return [self.check(each) for each in checks]

    def withdraw(self, *gone: Check) -> None:
        for each in gone:
            self.counted.pop(each.key, None)

    def look(self, asked: Check, arrival: datetime | None = None) -> Seen:
        """Returns what a check sees that came now."""
        time = _time(asked, arrival)
        past = [each for each in self.counted.values() if each[0].tenant_id == asked.tenant_id]
        found: Seen = {}
        for subject, (key, counterpart) in SUBJECTS.items():
            own = asked.fields.get(key)
            same = [each for each in past if each[0].fields.get(key) == own]
            for window, length in WINDOWS.items():
                inside = [check for check, when in same if time - length < when <= time]
                sums = [check.amount_minor for check in inside if check.currency == asked.currency]
                values = {"count": len(inside), "sum": sum(sums), "distinct": len(_different(inside, counterpart))}
                for name, value in values.items():
                    found[f"{subject}_{name}_{window}"] = None if own is None else value
        return {**{name: found.get(name) for name in STARTER.names}, **_of_user(asked, time, past)}


def _of_user(asked: Check, time: datetime, past: Sequence[tuple[Check, datetime]]) -> Seen:
    own = [each for each in past if each[0].user_id == asked.user_id]
    month = [check for check, when in own if time - timedelta(days=30) < when <= time]
    day = [check for check, when in own if time - timedelta(hours=24) < when <= time]
    device = asked.fields.get("device_fingerprint")
    elsewhere: dict[str, int] = {}
    for check in day:
        if check.currency != asked.currency and check.amount_minor:
            elsewhere[check.currency] = elsewhere.get(check.currency, 0) + check.amount_minor
    return {
        "user_new_device": None if device is None else device not in _different(month, "device_fingerprint"),
        "user_currency_count_24h": sum(check.currency == asked.currency for check in day),
        "user_spent_24h": None,
        "elsewhere": elsewhere,
    }


def _different(checks: Sequence[Check], name: str) -> set[FieldValue]:
    return {check.fields[name] for check in checks if name in check.fields}


def _time(asked: Check, arrival: datetime | None) -> datetime:
    found = asked.event_time or arrival
    assert found is not None, "a check without a time has that of its arrival"
    return found
