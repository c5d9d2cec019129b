"""What operators see of how the ledger follows the decisions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from meshkit.following.consumer import FollowingWatch

__all__ = ["LEDGER_WATCH"]

LEDGER_WATCH = FollowingWatch(
    lag=Gauge("ledger_lag_seconds", "Age of the newest decision of the ledger at its entry; 0 if all are in."),
    applied=Counter("ledger_applied", "Events that were entered into the ledger or put aside."),
    gaps=Counter("ledger_gaps", "Entries of the stream that did not follow on the ledger."),
    lost=Gauge(
        "ledger_place_lost", "1 while the ledger cannot go on from its place in the outbox and needs a rebuild."
    ),
    stopped="the ledger has stopped and needs `rampart ledger rebuild`",
)
