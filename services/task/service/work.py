"""The use cases of workers: declaring, leasing by long poll, heartbeats, and the ends of attempts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Sequence

from meshkit.errors import MeshError
from services.task import errors
from services.task.domain.leases import AttemptOutcome, Beat, DeclaredKind, Ending, Lease, Pulse
from services.task.domain.news import cancel_of, ready
from services.task.domain.schedules import NewSchedule
from services.task.domain.tasks import Task
from services.task.ports import Engine, Schedules
from services.task.service.schedules import check_times
from services.task.service.signals import Signals

__all__ = ["MAX_RESULT_BYTES", "WorkService"]

_log = logging.getLogger(__name__)

MAX_RESULT_BYTES = 1 << 20
POLL_SECONDS = 1.0
"""Longest time until a task is found whose news were lost, or whose time has come without any."""
CANCEL_POLL_SECONDS = 5.0
STOPPED_SECONDS = 5.0
"""For so long a worker that stops is given nothing. Another one of its name waits for that."""


class WorkService:
    """Gives work to the workers of a service. `service` is the name in the certificate of the caller."""

    def __init__(self, engine: Engine, schedules: Schedules, signals: Signals) -> None:
        self._engine = engine
        self._schedules = schedules
        self._signals = signals
        # Leases of one process follow each other: concurrent ones would only pass over what the others have locked.
        self._turn = asyncio.Lock()
        self._stopped: dict[tuple[str, str], float] = {}
        """Workers that stop, by their service, and until when they are given nothing."""
        self._giving_back: set[asyncio.Task[None]] = set()

    async def declare(self, service: str, kinds: Sequence[DeclaredKind], schedules: Sequence[NewSchedule]) -> None:
        """Stores what a service does. Raises CALLER_NOT_ALLOWED and VALIDATION_FAILED."""
        own = [each.kind for each in kinds] + [each.kind for each in schedules]
        _check_own(service, [*own, *(each.schedule_id for each in schedules)])
        for schedule in schedules:
            check_times(schedule.cron, schedule.time_zone)
        await self._engine.declare(sorted(kinds, key=lambda each: each.kind))
        for schedule in schedules:
            await self._schedules.declare(schedule)

    async def lease(
        self, service: str, worker: str, kinds: Sequence[str], limit: int, seconds: float, wait: float
    ) -> tuple[Sequence[Task], float]:
        """Gives tasks to a worker; waits up to `wait` seconds for the first. Raises CALLER_NOT_ALLOWED.

        Returns them with the seconds that passed before they were leased.
        """
        _check_own(service, kinds)
        began = time.monotonic()
        with self._signals.listening(*map(ready, kinds)) as signal:
            while True:
                async with self._turn:
                    waited = time.monotonic() - began
                    tasks = await self._lease(service, worker, kinds, limit, seconds)
                left = began + wait - time.monotonic()
                if tasks or left <= 0 or self._signals.closed:
                    return tasks, waited
                await signal.wait(min(left, POLL_SECONDS))

    async def stop(self, service: str, worker: str) -> None:
        """Gives a worker that stops no tasks: a call of it may still be under way, and get what it gives back."""
        now = time.monotonic()
        self._stopped = {each: until for each, until in self._stopped.items() if until > now}
        self._stopped[service, worker] = now + STOPPED_SECONDS
        async with self._turn:
            pass  # What was just being leased to it has been given back.

    async def watch_cancelled(self, worker: str) -> AsyncGenerator[Sequence[Lease], None]:
        """Yields the leases of a worker whose tasks are being cancelled, each once; first those of now, if any."""
        told: set[Lease] = set()
        with self._signals.listening(cancel_of(worker)) as signal:
            first = True
            while True:
                found = set(await self._engine.cancelled(worker))
                if first or found - told:
                    yield sorted(found - told, key=lambda lease: lease.task_id)
                told, first = found, False
                await signal.wait(CANCEL_POLL_SECONDS)

    async def beat(self, beats: Sequence[Beat]) -> Sequence[Pulse]:
        """Extends leases; answers each in order."""
        return await self._engine.beat(beats)

    async def end(self, lease: Lease, ending: Ending) -> str:
        """Ends an attempt and returns the task's state. Raises LEASE_LOST and RESULT_TOO_LARGE."""
        if ending.result is not None and len(ending.result) > MAX_RESULT_BYTES:
            raise errors.result_too_large(len(ending.result), MAX_RESULT_BYTES)
        state = await self._engine.end(lease, ending)
        if state is None:
            raise errors.lease_lost(lease.task_id)
        return state

    def _stops(self, service: str, worker: str) -> bool:
        return self._stopped.get((service, worker), 0.0) > time.monotonic()

    async def _lease(
        self, service: str, worker: str, kinds: Sequence[str], limit: int, seconds: float
    ) -> Sequence[Task]:
        """Leases tasks; gives them back if the worker has gone meanwhile, who would never know of them."""
        if self._stops(service, worker):
            return ()
        leasing = asyncio.ensure_future(self._engine.lease(worker, kinds, limit, seconds))
        try:
            tasks = await asyncio.shield(leasing)
            if self._stops(service, worker):
                await self._give_back(leasing)
                return ()
            return tasks
        except asyncio.CancelledError:
            giving_back = asyncio.create_task(self._give_back(leasing))
            self._giving_back.add(giving_back)
            giving_back.add_done_callback(self._giving_back.discard)
            raise

    async def _give_back(self, leasing: asyncio.Future[Sequence[Task]]) -> None:
        try:
            for task in await leasing:
                lease = Lease(task.tenant_id, str(task.task_id), task.fence)
                await self._engine.end(lease, Ending(AttemptOutcome.RETURNED))
        except MeshError as error:
            # Their leases will expire.
            _log.warning("tasks that nobody has were not given back: %s", error.message)


def _check_own(service: str, names: Iterable[str]) -> None:
    """A service does the work that carries its name, so that none takes the tasks of another."""
    if not service or not all(name.startswith(f"{service}.") for name in names):
        raise errors.no_scope_over_kind()
