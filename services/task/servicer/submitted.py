"""The methods by which a service has work done for a tenant whose call it carries out: on its own kinds alone."""

from __future__ import annotations

from uuid import UUID

from rampart.task.v1 import task_service_pb2 as pb

from meshkit.context import principal
from services.task import convert, errors
from services.task.service.tasks import TaskService
from services.task.servicer.work import Context, calling_service

__all__ = ["SubmittedCalls"]


class SubmittedCalls:
    """What `TaskServicer` does with tasks that services make."""

    def __init__(self, service: TaskService) -> None:
        self._service = service

    async def SubmitTask(self, request: pb.SubmitTaskRequest, _: Context) -> pb.SubmitTaskResponse:
        new = convert.new_task_from_proto(request.task, principal().tenant_id)
        if not _is_own(new.kind):
            raise errors.no_scope_over_kind()
        created = await self._service.submit(new)
        return pb.SubmitTaskResponse(task=convert.created_to_proto(request.task, new, created))

    async def GetSubmittedTasks(self, request: pb.GetSubmittedTasksRequest, _: Context) -> pb.GetSubmittedTasksResponse:
        tasks = await self._service.some(principal().tenant_id, [UUID(each) for each in request.task_ids])
        own = [task for task in tasks if _is_own(task.kind)]
        return pb.GetSubmittedTasksResponse(tasks=map(convert.task_to_proto, own))

    async def CancelSubmittedTask(
        self, request: pb.CancelSubmittedTaskRequest, _: Context
    ) -> pb.CancelSubmittedTaskResponse:
        tenant_id, task_id = principal().tenant_id, UUID(request.task_id)
        if not _is_own((await self._service.get(tenant_id, task_id)).kind):
            raise errors.task_not_found()
        task = await self._service.cancel(tenant_id, task_id)
        return pb.CancelSubmittedTaskResponse(task=convert.task_to_proto(task))


def _is_own(kind: str) -> bool:
    service = calling_service()
    return bool(service) and kind.startswith(f"{service}.")
