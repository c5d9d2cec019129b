"""The methods that the workers of other services call. Who they are says their certificate."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.context import current
from services.task import convert
from services.task.domain.leases import AttemptOutcome, Ending
from services.task.domain.tasks import SYSTEM_TENANT
from services.task.service.work import WorkService

__all__ = ["Context", "WorkCalls", "calling_service"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class WorkCalls:
    """What `TaskServicer` does for workers."""

    def __init__(self, service: WorkService) -> None:
        self._service = service

    async def DeclareWork(self, request: pb.DeclareWorkRequest, _: Context) -> pb.DeclareWorkResponse:
        schedules = [convert.new_schedule_from_proto(each, SYSTEM_TENANT) for each in request.schedules]
        await self._service.declare(calling_service(), convert.kinds_from_proto(request.kinds), schedules)
        return pb.DeclareWorkResponse()

    async def LeaseTasks(self, request: pb.LeaseTasksRequest, _: Context) -> pb.LeaseTasksResponse:
        seconds = convert.lease_seconds_from_proto(request.lease_seconds)
        tasks, waited = await self._service.lease(
            calling_service(),
            request.worker,
            list(request.kinds),
            request.max_tasks,
            seconds,
            request.wait_ms / 1000,
        )
        leased = [convert.leased_to_proto(task, seconds) for task in tasks]
        return pb.LeaseTasksResponse(tasks=leased, waited_ms=int(waited * 1000))

    async def WatchLeases(
        self, request: pb.WatchLeasesRequest, _: Context
    ) -> AsyncGenerator[pb.WatchLeasesResponse, None]:
        async with aclosing(self._service.watch_cancelled(request.worker)) as watching:
            async for leases in watching:
                yield pb.WatchLeasesResponse(cancelled=map(convert.lease_to_proto, leases))

    async def Heartbeat(self, request: pb.HeartbeatRequest, _: Context) -> pb.HeartbeatResponse:
        pulses = await self._service.beat([convert.beat_from_proto(each) for each in request.beats])
        return pb.HeartbeatResponse(pulses=[pb.Pulse(lease=pulse.value) for pulse in pulses])

    async def CompleteTask(self, request: pb.CompleteTaskRequest, _: Context) -> pb.CompleteTaskResponse:
        await self._service.end(convert.lease_from_proto(request.lease), convert.completion_from_proto(request))
        return pb.CompleteTaskResponse()

    async def FailTask(self, request: pb.FailTaskRequest, _: Context) -> pb.FailTaskResponse:
        state = await self._service.end(
            convert.lease_from_proto(request.lease), convert.failure_from_proto(request.error)
        )
        return pb.FailTaskResponse(state=state)

    async def ReleaseTask(self, request: pb.ReleaseTaskRequest, _: Context) -> pb.ReleaseTaskResponse:
        if request.stopping_worker:
            await self._service.stop(calling_service(), request.stopping_worker)
        await self._service.end(convert.lease_from_proto(request.lease), Ending(AttemptOutcome.RETURNED))
        return pb.ReleaseTaskResponse()


def calling_service() -> str:
    """Returns the name of the service that calls, empty for what is none."""
    kind, _, name = current().peer.partition("/")
    return name if kind == "service" else ""
