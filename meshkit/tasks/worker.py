"""Takes tasks by long poll and runs their handlers, a bounded number at once."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import grpc
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.cancellation import uninterrupted
from meshkit.errors import MeshError
from meshkit.tasks.attempt import CANCELLED, STOPPING, RunningAttempt
from meshkit.tasks.client import WorkClient
from meshkit.tasks.leased import Handler, LeasedTask, struct_of

__all__ = ["KindLimits", "SystemSchedule", "Worker"]

_log = logging.getLogger(__name__)

LEASE_SECONDS = 30
CONCURRENCY = 8
WAIT_SECONDS = 5.0
FIRST_BACKOFF = 0.1
MAX_BACKOFF = 0.5
"""As often as cancellations are asked for: what a worker waits longer than that, its tasks wait after each outage."""
RETRY_WATCH_SECONDS = 0.5
MAX_LEASED = 100
STOP_SECONDS = 3.0
"""Time in which handlers end, and tasks are given back, when the process stops."""
GIVE_BACK_SECONDS = STOP_SECONDS + 1.0

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class KindLimits:
    """How many tasks of a kind may run at once, in all and of one tenant. 0 means any number."""

    max_running: int = 0
    max_running_per_tenant: int = 0
    internal: bool = False
    """True if tenants may not make tasks of the kind."""


@dataclass(frozen=True, slots=True)
class SystemSchedule:
    """A schedule of the platform itself, which exists once per deployment and belongs to no tenant."""

    name: str
    """Begins with the name of the service, as the kind does."""
    cron: str
    kind: str
    time_zone: str = "UTC"
    arguments: Mapping[str, object] = field(default_factory=dict)
    max_attempts: int = 0


class Worker:
    """A background task that does the tasks of some kinds. Kinds begin with the name of the service that it runs in.

    `limits` and `schedules` are declared at the start, so that every replica may bring them. Cancelled, it takes no
    more tasks, cancels its handlers and gives back what they have not finished: such an attempt does not count.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        handlers: Mapping[str, Handler],
        *,
        limits: Mapping[str, KindLimits] | None = None,
        schedules: Sequence[SystemSchedule] = (),
        concurrency: int = CONCURRENCY,
        lease_seconds: int = LEASE_SECONDS,
        name: str = "",
    ) -> None:
        self.name = name or _own_name()
        self._client = WorkClient(channel, self.name)
        self._handlers = dict(handlers)
        self._declaration = _declaration(self._handlers, limits or {}, schedules)
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._running: dict[Key, tuple[RunningAttempt, asyncio.Task[None]]] = {}
        self._freed = asyncio.Event()

    async def run(self) -> None:
        """Works until it is cancelled. Outages of the task service are waited out."""
        watching = asyncio.create_task(self._watch())
        try:
            await self._until_declared()
            await self._take_tasks()
        finally:
            watching.cancel()
            await uninterrupted(self._give_back(), GIVE_BACK_SECONDS)

    async def _until_declared(self) -> None:
        backoff = FIRST_BACKOFF
        while True:
            try:
                await self._client.declare(self._declaration)
            except MeshError as error:
                _log.warning("the work is not declared yet: %s", error.message)
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, MAX_BACKOFF)
            else:
                return

    async def _take_tasks(self) -> None:
        backoff = FIRST_BACKOFF
        while True:
            self._freed.clear()
            room = self._concurrency - len(self._running)
            if not room:
                await self._freed.wait()
                continue
            began = time.monotonic()
            try:
                leased = await self._client.lease(
                    list(self._handlers), min(room, MAX_LEASED), self._lease_seconds, WAIT_SECONDS
                )
            except MeshError as error:
                _log.info("no tasks can be taken: %s", error.message)
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, MAX_BACKOFF)
                continue
            backoff = FIRST_BACKOFF
            for message in leased.tasks:
                self._start(LeasedTask(message, began + leased.waited_ms / 1000))

    def _start(self, task: LeasedTask) -> None:
        attempt = RunningAttempt(self._client, task, self._handlers[task.kind])
        key = (task.tenant_id, task.task_id, task.token)
        running = asyncio.create_task(attempt.run(), name=f"task {task.task_id}")
        self._running[key] = attempt, running
        running.add_done_callback(lambda done: self._ended(key, done))

    def _ended(self, key: Key, done: asyncio.Task[None]) -> None:
        del self._running[key]
        self._freed.set()
        if not done.cancelled() and done.exception() is not None:
            _log.error("an attempt broke down", exc_info=done.exception())

    async def _watch(self) -> None:
        """Hears which tasks are cancelled. What is missed here, the next heartbeat tells."""
        while True:
            try:
                async for leases in self._client.watch():
                    for lease in leases:
                        self._cancel((lease.tenant_id, lease.task_id, lease.token))
            except MeshError as error:
                _log.info("cancellations cannot be heard of: %s", error.message)
            await asyncio.sleep(RETRY_WATCH_SECONDS)

    def _cancel(self, key: Key) -> None:
        found = self._running.get(key)
        if found is not None:
            found[0].stop(CANCELLED)

    async def _give_back(self) -> None:
        running = list(self._running.values())
        for attempt, _ in running:
            attempt.stop(STOPPING)
        if running:
            _, late = await asyncio.wait([task for _, task in running], timeout=STOP_SECONDS)
            for task in late:
                # Its lease will expire.
                task.cancel()


def _declaration(
    handlers: Mapping[str, Handler], limits: Mapping[str, KindLimits], schedules: Sequence[SystemSchedule]
) -> pb.DeclareWorkRequest:
    request = pb.DeclareWorkRequest()
    for kind in handlers:
        bounds = limits.get(kind, KindLimits())
        request.kinds.add(
            kind=kind,
            max_running=bounds.max_running,
            max_running_per_tenant=bounds.max_running_per_tenant,
            internal=bounds.internal,
        )
    for schedule in schedules:
        request.schedules.add(
            schedule_id=schedule.name,
            title=schedule.name,
            cron=schedule.cron,
            time_zone=schedule.time_zone,
            kind=schedule.kind,
            arguments=struct_of(schedule.arguments) if schedule.arguments else None,
            max_attempts=schedule.max_attempts,
        )
    return request


def _own_name() -> str:
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64]
    return f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
