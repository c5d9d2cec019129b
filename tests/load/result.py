"""What one run of the generator saw."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.load.histogram import Histogram

__all__ = ["Result", "Spread", "Tally"]


@dataclass(frozen=True)
class Spread:
    """A distribution of times in milliseconds; NaN where there is none."""

    p50: float
    p90: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, times: Histogram) -> Spread:
        return cls(*(round(1000 * times.quantile(share), 3) for share in (0.5, 0.9, 0.95, 0.99, 1.0)))


@dataclass(frozen=True)
class Result:
    """Figures of the time after the warm-up, except where it says otherwise."""

    connections: int
    seconds: float
    completed: int
    """Answers with status 200 or 201."""
    per_second: float
    latency_ms: Spread
    """Of answers with status 200 or 201; open loop: from the time when the request was to be sent."""
    errors: dict[str, int]
    """Every other end, warm-up included, by status and reason or by what happened to the connection."""
    accepted: int
    """Answers with status 200 or 201 from the first request to the last, warm-up included."""
    stores: int
    """Those of them that promise a stored row."""
    generator_cpu_share: float
    """Of one core."""
    generator_cpu_us: float
    """Per answer."""
    lag_ms: Spread | None = None
    """Open loop: how late the generator itself was."""
    by_label: Mapping[str, Spread] = field(default_factory=dict)
    """`latency_ms` of each kind of request, where there are several."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Result:
        fields: dict[str, Any] = json.loads(text)
        lag = fields.pop("lag_ms")
        latency = Spread(**fields.pop("latency_ms"))
        labels = {label: Spread(**times) for label, times in fields.pop("by_label").items()}
        return cls(**fields, latency_ms=latency, lag_ms=Spread(**lag) if lag else None, by_label=labels)

    def lines(self) -> list[str]:
        """Returns the figures for people."""
        times = self.latency_ms
        found = [
            f"{self.per_second:,.0f} requests/s over {self.seconds:.1f} s at {self.connections} connections",
            _line("latency", times),
            *(_line(f"  {label}", spread) for label, spread in self.by_label.items()),
            f"generator: {self.generator_cpu_us:.1f} us CPU per request, {self.generator_cpu_share:.0%} of a core",
        ]
        if (lag := self.lag_ms) is not None:
            found.append(f"generator lag ms: p50 {lag.p50:.2f}  p99 {lag.p99:.2f}  max {lag.max:.2f}")
        return [*found, *(f"error: {count} x {cause}" for cause, count in sorted(self.errors.items()))]


@dataclass
class Tally:
    """Collects the ends of requests."""

    measuring: bool = False
    latencies: Histogram = field(default_factory=Histogram)
    by_label: dict[str, Histogram] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    """Answers with status 200 or 201 by label of the request."""
    errors: Counter[str] = field(default_factory=Counter)

    def accept(self, seconds: float, label: str = "") -> None:
        self.accepted[label] += 1
        if self.measuring:
            self.latencies.add(seconds)
            if label:
                self.by_label.setdefault(label, Histogram()).add(seconds)

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


def _line(name: str, times: Spread) -> str:
    spread = f"p50 {times.p50:.1f}  p90 {times.p90:.1f}  p95 {times.p95:.1f}  p99 {times.p99:.1f}  max {times.max:.1f}"
    return f"{name} ms: {spread}"
