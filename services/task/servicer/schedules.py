"""The methods of schedules."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.context import principal
from meshkit.ids import uuid7_text
from meshkit.pages import Pages, page_size
from meshkit.preconditions import revision_from_etag
from services.task import convert, errors
from services.task.domain.schedules import Schedule, ScheduleChange
from services.task.service.schedules import ScheduleService
from services.task.service.tasks import TaskService

__all__ = ["ScheduleCalls"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ScheduleCalls:
    """What `TaskServicer` does with schedules."""

    def __init__(self, service: ScheduleService, tasks: TaskService, pages: Pages) -> None:
        self._service = service
        self._pages = pages
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
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        found, more = await self._service.page(tenant_id, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [found[-1].schedule_id]) if more else ""
        return pb.ListSchedulesResponse(schedules=map(convert.schedule_to_proto, found), next_page_token=following)

    async def UpdateSchedule(self, request: pb.UpdateScheduleRequest, _: Context) -> pb.UpdateScheduleResponse:
        sent, mask = request.schedule, request.update_mask
        revision = revision_from_etag(sent.etag)
        with errors.within("schedule"):
            change = convert.schedule_change_from_proto(sent, mask)
            check = convert.schedule_check_from_proto(sent, mask)
            schedule = await self._service.update(
                principal().tenant_id, sent.schedule_id, change, revision, check, convert.admits_from_proto(request)
            )
        return pb.UpdateScheduleResponse(schedule=convert.schedule_to_proto(schedule))

    async def DeleteSchedule(self, request: pb.DeleteScheduleRequest, _: Context) -> pb.DeleteScheduleResponse:
        admits = convert.admits_from_proto(request)
        await self._service.delete(principal().tenant_id, request.schedule_id, admits)
        return pb.DeleteScheduleResponse()

    async def PauseSchedule(self, request: pb.PauseScheduleRequest, _: Context) -> pb.PauseScheduleResponse:
        schedule = await self._set_paused(request, paused=True)
        return pb.PauseScheduleResponse(schedule=convert.schedule_to_proto(schedule))

    async def ResumeSchedule(self, request: pb.ResumeScheduleRequest, _: Context) -> pb.ResumeScheduleResponse:
        schedule = await self._set_paused(request, paused=False)
        return pb.ResumeScheduleResponse(schedule=convert.schedule_to_proto(schedule))

    async def _set_paused(
        self, request: pb.PauseScheduleRequest | pb.ResumeScheduleRequest, *, paused: bool
    ) -> Schedule:
        admits = convert.admits_from_proto(request)
        return await self._service.update(
            principal().tenant_id, request.schedule_id, ScheduleChange(paused=paused), admits=admits
        )
