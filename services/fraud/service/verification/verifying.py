"""Has past periods verified, one at a time: see `run`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

from meshkit.errors import MeshError, internal
from meshkit.tasks import TaskFailure
from services.fraud import errors
from services.fraud.domain.backtests.backtest import period_faults
from services.fraud.domain.names import FieldFault
from services.fraud.ports.verification import VerificationNews, VerificationOrder, VerificationRunner

__all__ = ["SETTLED", "Verifications"]

SETTLED = timedelta(seconds=15)
"""After which everything is stored that was being decided."""
NO_FEATURES = "NoFeatures"
REFUSED = frozenset({"TooManyEvents", "TooManySets", "TooManyConditions"})


class Verifications:
    """Verifies for tenants, as long as each verification is iterated."""

    def __init__(self, runner: VerificationRunner, kept_days: int, clock: Callable[[], datetime]) -> None:
        self._runner = runner
        self._kept_days = kept_days
        self._clock = clock
        self._running = False

    @property
    def latest(self) -> datetime:
        """Until when at the latest decisions can be verified."""
        return self._clock() - SETTLED

    async def verify(
        self, tenant_id: str, since: datetime, until: datetime, features: Sequence[str]
    ) -> AsyncGenerator[VerificationNews, None]:
        """Tells how far it is, what differs, and at the end what came of it. Nothing after `latest` is looked at.

        Raises OVERLOADED, VALIDATION_FAILED, STATE_NOT_ALLOWED for too much of it, and UNAVAILABLE.
        """
        faults = period_faults(since, until, self._clock())
        if faults:
            raise errors.fields_invalid(faults)
        if self._running:
            raise errors.too_many_verifications()
        self._running = True
        try:
            order = VerificationOrder(
                tenant_id=tenant_id, since=since, until=until, features=tuple(features), kept_days=self._kept_days
            )
            async with aclosing(self._runner.run(order)) as news:
                async for each in news:
                    yield each
        except TaskFailure as failure:
            raise _error(failure) from failure
        finally:
            self._running = False


def _error(failure: TaskFailure) -> MeshError:
    if failure.type == NO_FEATURES:
        return errors.fields_invalid([FieldFault("features", "features.known", failure.message)])
    return errors.not_verifiable(failure.message) if failure.type in REFUSED else internal()
