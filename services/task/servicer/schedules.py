"""The methods of schedules."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.task.v1 import task_service_pb2 as pb

from meshkit import pages
from meshkit.context import principal
from meshkit.ids import uuid7_text
from services.task import convert
from services.task.domain.schedules import ScheduleChange
from services.task.service.schedules import ScheduleService
from services.task.service.tasks import TaskService

__all__ = ["ScheduleCalls"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ScheduleCalls:
    """What `TaskServicer` does with schedules."""

    def __init__(self, service: ScheduleService, tasks: TaskService) -> None:
        self._service = service
        self._tasks = tasks

    async def CreateSchedule(self, request: pb.CreateScheduleRequest, _: Context) -> pb.CreateScheduleResponse:
        if not request.schedule_id:
            request.schedule_id = uuid7_text()
        new = convert.new_schedule_from_proto(request, principal().tenant_id)
        await self._tasks.check_kind(new.kind)
        schedule = await self._service.create(new)
        return pb.CreateScheduleResponse(schedule=convert.schedule_to_proto(schedule))

    async def GetSchedule(self, request: pb.GetScheduleRequest, _: Context) -> pb.GetScheduleResponse:
        schedule = await self._service.get(principal().tenant_id, request.schedule_id)
        return pb.GetScheduleResponse(schedule=convert.schedule_to_proto(schedule))

    async def ListSchedules(self, request: pb.ListSchedulesRequest, _: Context) -> pb.ListSchedulesResponse:
        place = pages.decode(request, request.page_token, 1)
        size = pages.page_size(request.page_size)
        found, more = await self._service.page(principal().tenant_id, place[0] if place else "", size)
        following = pages.encode(request, [found[-1].schedule_id]) if more else ""
        return pb.ListSchedulesResponse(schedules=map(convert.schedule_to_proto, found), next_page_token=following)

    async def UpdateSchedule(self, request: pb.UpdateScheduleRequest, _: Context) -> pb.UpdateScheduleResponse:
        sent = request.schedule
        change = convert.schedule_change_from_proto(sent, request.update_mask)
        schedule = await self._service.update(
            principal().tenant_id, sent.schedule_id, change, convert.revision_from_etag(sent.etag)
        )
        return pb.UpdateScheduleResponse(schedule=convert.schedule_to_proto(schedule))

    async def DeleteSchedule(self, request: pb.DeleteScheduleRequest, _: Context) -> pb.DeleteScheduleResponse:
        await self._service.delete(principal().tenant_id, request.schedule_id)
        return pb.DeleteScheduleResponse()

    async def PauseSchedule(self, request: pb.PauseScheduleRequest, _: Context) -> pb.PauseScheduleResponse:
        change = ScheduleChange(paused=True)
        schedule = await self._service.update(principal().tenant_id, request.schedule_id, change)
        return pb.PauseScheduleResponse(schedule=convert.schedule_to_proto(schedule))

    async def ResumeSchedule(self, request: pb.ResumeScheduleRequest, _: Context) -> pb.ResumeScheduleResponse:
        change = ScheduleChange(paused=False)
        schedule = await self._service.update(principal().tenant_id, request.schedule_id, change)
        return pb.ResumeScheduleResponse(schedule=convert.schedule_to_proto(schedule))
