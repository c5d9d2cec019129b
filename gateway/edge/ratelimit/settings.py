"""Settings of the rate limits."""

from __future__ import annotations

from dataclasses import dataclass

from rampart.mesh.v1 import policy_pb2

from gateway.edge.ratelimit.book import ADDRESS_RATE, FAILURE_RATE
from meshkit.settings import Reader, SettingsError

__all__ = ["CLASSES", "LimitSettings"]

CLASSES = frozenset(
    name.removeprefix("RATE_CLASS_").lower() for name, number in policy_pb2.RateClass.items() if number
) - {"internal", "public"}
"""Classes of calls that are limited by the plans of callers."""


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What the operator decides about limits; the rest is in the plans of clients and tenants."""

    address_rate: int = ADDRESS_RATE
    """Units per second and address for methods without a token."""
    failure_rate: int = FAILURE_RATE
    """Wrong tokens per second and address, five seconds of them at once, before unknown tokens are not looked at."""
    strict_classes: frozenset[str] = frozenset()
    """Classes of calls that Redis decides before each call."""

    @classmethod
    def read(cls, reader: Reader) -> LimitSettings:
        return cls(
            address_rate=reader.number("RAMPART_ADDRESS_RATE", ADDRESS_RATE, low=1, high=1_000_000),
            failure_rate=reader.number("RAMPART_FAILED_TOKEN_RATE", FAILURE_RATE, low=1, high=1_000_000),
            strict_classes=_classes(reader),
        )


def _classes(reader: Reader) -> frozenset[str]:
    name = "RAMPART_STRICT_RATE_CLASSES"
    found = frozenset(part.strip() for part in reader.text(name, "").split(",")) - {""}
    if found - CLASSES:
        raise SettingsError(f"{name} must be some of {', '.join(sorted(CLASSES))}, not {', '.join(sorted(found))!r}")
    if found and not reader.text("RAMPART_REDIS_URL", ""):
        raise SettingsError(f"{name} needs RAMPART_REDIS_URL: strict limits are decided there")
    return found
