"""The methods of tasks as tenants call them. Tasks that are created at the same time share a commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from google.protobuf.message import Message
from rampart.task.v1 import task_service_pb2 as pb

from meshkit import pages
from meshkit.context import current, principal
from meshkit.errors import MeshError
from meshkit.identity.policy import Policy
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.batches import BatchCall, serve_batch
from meshkit.rpc.coalesce import Coalescer
from services.task import convert
from services.task.domain.tasks import NewTask
from services.task.service.tasks import TaskService
from services.task.service.watching import TaskWatches

__all__ = ["Creates", "TaskCalls", "creating"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
CreateCall = BatchCall[pb.CreateTaskRequest]
Create = Callable[[Sequence[CreateCall]], Awaitable[Sequence[pb.CreateTaskResponse | MeshError]]]
Creates = Coalescer[CreateCall, pb.CreateTaskResponse]

LAST_NUMBER = (1 << 31) - 1


def creating(service: TaskService) -> Create:
    """Returns what creates the tasks of many calls at once, each with its own answer or error."""

    async def create(calls: Sequence[CreateCall]) -> Sequence[pb.CreateTaskResponse | MeshError]:
        read = [_read(call) for call in calls]
        created = iter(await service.create([task for task in read if isinstance(task, NewTask)]))
        return [
            _answer(call, task, next(created)) if isinstance(task, NewTask) else task
            for call, task in zip(calls, read, strict=True)
        ]

    return create


class TaskCalls:
    """What `TaskServicer` does with tasks. `slots` bounds the commits of batches under way at once."""

    def __init__(
        self,
        service: TaskService,
        watches: TaskWatches,
        *,
        creates: Creates,
        create: Create,
        slots: asyncio.Semaphore,
        verifier: TokenVerifier,
        batch_policy: Policy,
    ) -> None:
        self._service = service
        self._watches = watches
        self._creates = creates
        self._create = create
        self._slots = slots
        self._verifier = verifier
        self._batch_policy = batch_policy

    async def CreateTask(self, request: pb.CreateTaskRequest, _: Context) -> pb.CreateTaskResponse:
        call = BatchCall(request, current(), principal())
        return await self._creates.submit(call, size=request.ByteSize(), deadline=call.context.deadline)

    async def CoalesceCreateTask(
        self, request: pb.CoalesceCreateTaskRequest, _: Context
    ) -> pb.CoalesceCreateTaskResponse:
        reply = await serve_batch(
            request.batch,
            policy=self._batch_policy,
            verifier=self._verifier,
            request_class=pb.CreateTaskRequest,
            handle=self._create_batch,
        )
        return pb.CoalesceCreateTaskResponse(reply=reply)

    async def GetTask(self, request: pb.GetTaskRequest, _: Context) -> pb.GetTaskResponse:
        task = await self._service.get(principal().tenant_id, UUID(request.task_id))
        return pb.GetTaskResponse(task=convert.task_to_proto(task))

    async def ListTasks(self, request: pb.ListTasksRequest, _: Context) -> pb.ListTasksResponse:
        place = pages.decode(request, request.page_token, 1)
        before = _task_id(place[0]) if place else None
        size = pages.page_size(request.page_size)
        tasks, more = await self._service.page(principal().tenant_id, convert.filter_from_proto(request), before, size)
        following = pages.encode(request, [str(tasks[-1].task_id)]) if more else ""
        return pb.ListTasksResponse(tasks=map(convert.task_to_proto, tasks), next_page_token=following)

    async def UpdateTask(self, request: pb.UpdateTaskRequest, _: Context) -> pb.UpdateTaskResponse:
        change = convert.task_change_from_proto(request.task, request.update_mask)
        revision = convert.revision_from_etag(request.task.etag)
        task_id = _existing_id(request.task.task_id)
        task = await self._service.update(principal().tenant_id, task_id, change, revision)
        return pb.UpdateTaskResponse(task=convert.task_to_proto(task))

    async def CancelTask(self, request: pb.CancelTaskRequest, _: Context) -> pb.CancelTaskResponse:
        task = await self._service.cancel(principal().tenant_id, UUID(request.task_id))
        return pb.CancelTaskResponse(task=convert.task_to_proto(task))

    async def RetryTask(self, request: pb.RetryTaskRequest, _: Context) -> pb.RetryTaskResponse:
        task = await self._service.retry(principal().tenant_id, UUID(request.task_id))
        return pb.RetryTaskResponse(task=convert.task_to_proto(task))

    async def WatchTask(self, request: pb.WatchTaskRequest, _: Context) -> AsyncGenerator[pb.WatchTaskResponse, None]:
        after = int(request.after) if request.after else -1
        watching = self._watches.watch(principal().tenant_id, UUID(request.task_id), after)
        async with aclosing(watching) as states:
            async for task in states:
                yield pb.WatchTaskResponse(task=convert.task_to_proto(task), position=str(task.revision))

    async def ListTaskAttempts(self, request: pb.ListTaskAttemptsRequest, _: Context) -> pb.ListTaskAttemptsResponse:
        place = pages.decode(request, request.page_token, 1)
        before = _number(place[0]) if place else LAST_NUMBER
        size = pages.page_size(request.page_size)
        attempts, more = await self._service.attempts(principal().tenant_id, UUID(request.task_id), before, size)
        following = pages.encode(request, [str(attempts[-1].number)]) if more else ""
        return pb.ListTaskAttemptsResponse(attempts=map(convert.attempt_to_proto, attempts), next_page_token=following)

    async def _create_batch(self, calls: Sequence[CreateCall]) -> Sequence[Message | bytes | MeshError]:
        async with self._slots:
            return await self._create(calls)


def _read(call: CreateCall) -> NewTask | MeshError:
    try:
        return convert.new_task_from_proto(call.request, call.principal.tenant_id)
    except MeshError as error:
        return error


def _answer(call: CreateCall, task: NewTask, created: Any) -> pb.CreateTaskResponse | MeshError:
    if isinstance(created, MeshError):
        return created
    return pb.CreateTaskResponse(task=convert.created_to_proto(call.request, task, created))


def _task_id(place: str) -> UUID:
    try:
        return UUID(place)
    except ValueError as error:
        raise pages.invalid() from error


def _number(place: str) -> int:
    if not (place.isascii() and place.isdigit() and len(place) < 10):
        raise pages.invalid()
    return int(place)


def _existing_id(text: str) -> UUID:
    """Returns an identifier, the nil one, which no task has, for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
