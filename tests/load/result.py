"""What one run of the generator saw."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from console.metrics import percentile

__all__ = ["Result", "Spread", "Tally"]


@dataclass(frozen=True)
class Spread:
    """A distribution of times in milliseconds; NaN where there is none."""

    p50: float
    p90: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        ordered = sorted(seconds)
        return cls(*(round(1000 * percentile(ordered, share), 3) for share in (0.5, 0.9, 0.99, 1.0)))


@dataclass(frozen=True)
class Result:
    """Figures of the time after the warm-up, except where it says otherwise."""

    connections: int
    seconds: float
    completed: int
    """Answers with status 200."""
    per_second: float
    latency_ms: Spread
    """Of answers with status 200; open loop: from the time when the request was to be sent."""
    errors: dict[str, int]
    """Every other end, warm-up included, by status and reason or by what happened to the connection."""
    accepted: int
    """Answers with status 200 from the first request to the last, warm-up included."""
    generator_cpu_share: float
    """Of one core."""
    generator_cpu_us: float
    """Per answer."""
    lag_ms: Spread | None = None
    """Open loop: how late the generator itself was."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Result:
        fields: dict[str, Any] = json.loads(text)
        lag = fields.pop("lag_ms")
        latency = Spread(**fields.pop("latency_ms"))
        return cls(**fields, latency_ms=latency, lag_ms=Spread(**lag) if lag else None)

    def lines(self) -> list[str]:
        """Returns the figures for people."""
        times = self.latency_ms
        found = [
            f"{self.per_second:,.0f} requests/s over {self.seconds:.1f} s at {self.connections} connections",
            f"latency ms: p50 {times.p50:.1f}  p90 {times.p90:.1f}  p99 {times.p99:.1f}  max {times.max:.1f}",
            f"generator: {self.generator_cpu_us:.1f} us CPU per request, {self.generator_cpu_share:.0%} of a core",
        ]
        if (lag := self.lag_ms) is not None:
            found.append(f"generator lag ms: p50 {lag.p50:.2f}  p99 {lag.p99:.2f}  max {lag.max:.2f}")
        return [*found, *(f"error: {count} x {cause}" for cause, count in sorted(self.errors.items()))]


@dataclass
class Tally:
    """Collects the ends of requests."""

    measuring: bool = False
    accepted: int = 0
    latencies: array[float] = field(default_factory=lambda: array("d"))
    errors: Counter[str] = field(default_factory=Counter)

    def accept(self, seconds: float) -> None:
        self.accepted += 1
        if self.measuring:
            self.latencies.append(seconds)

    def refuse(self, status: int, body: bytes) -> None:
        """Counts an answer that is not a 200, by its problem's reason if it names one."""
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        reason = content.get("reason", "") if isinstance(content, dict) else ""
        self.errors[f"{status} {reason}".strip()] += 1

    def fail(self, cause: str) -> None:
        self.errors[cause] += 1
