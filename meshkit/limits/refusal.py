"""Words what callers are told whom a limit refuses."""

from __future__ import annotations

from collections.abc import Sequence
from random import random

from meshkit.errors import Kind, MeshError, Violation
from meshkit.limits.limiter import Limit, LimitVerdict

__all__ = ["check_size", "rate_limited"]

JITTER = 0.5
"""A refused caller is told to wait up to half as long again, so that not all come back in the same moment."""


def check_size(limits: Sequence[Limit], units: int, *, cost: int, items: str) -> None:
    """Refuses what would never fit, however long the caller waits. Raises BATCH_TOO_LARGE.

    The request has `units` in its field `items`, each of which costs `cost`.
    """
    largest = min(int(limit.burst) for limit in limits) // cost
    if units <= largest:
        return
    violated = [limit.name for limit in limits if limit.burst < units * cost]
    words = f"must have at most {largest} items: no more fit into the rate limit at once"
    raise MeshError(
        Kind.INVALID_ARGUMENT,
        "BATCH_TOO_LARGE",
        f"{units} items are more than the {largest} that fit into the rate limit at once",
        metadata={"items": str(units), "largest": str(largest), "violated_policies": ",".join(violated)},
        violations=[Violation(items, "rate_limit.items", words)],
    )


def rate_limited(rate_class: str, limits: Sequence[Limit], verdicts: Sequence[LimitVerdict]) -> MeshError:
    """Returns the refusal of a call that is within some of its limits at most. A verdict belongs to each."""
    violated = [limit for limit, verdict in zip(limits, verdicts, strict=True) if not verdict.allowed]
    wait = max(verdict.retry_after for verdict in verdicts)
    quotas = [f"{limit.burst:.0f} units of {limit.name} in {max(1.0, limit.window):.0f} s" for limit in violated]
    return MeshError(
        Kind.RESOURCE_EXHAUSTED,
        "RATE_LIMITED",
        f"more than {' and '.join(quotas)}",
        metadata={
            "class": rate_class,
            "limit": f"{violated[0].burst:.0f}",
            "violated_policies": ",".join(limit.name for limit in violated),
        },
        retry_after=wait * (1 + JITTER * random()),
    )
