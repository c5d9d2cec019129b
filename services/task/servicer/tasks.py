"""The methods of tasks as tenants call them. Tasks that are created at the same time share a commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from google.protobuf.message import Message
from rampart.task.v1 import task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.context import current, principal
from meshkit.continuations import Continuations
from meshkit.errors import MeshError, internal
from meshkit.identity.policy import Policy
from meshkit.identity.tokens import TokenVerifier
from meshkit.pages import Pages, page_size
from meshkit.preconditions import revision_from_etag
from meshkit.rpc.batches import BatchCall, serve_batch
from meshkit.rpc.coalesce import Coalescer
from services.task import convert, errors
from services.task.domain.tasks import NewTask, Task
from services.task.service.tasks import TaskService
from services.task.service.watching import TaskWatches

__all__ = ["Creates", "TaskCalls", "creating"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
CreateCall = BatchCall[pb.CreateTaskRequest]
Create = Callable[[Sequence[CreateCall]], Awaitable[Sequence[pb.CreateTaskResponse | MeshError]]]
Creates = Coalescer[CreateCall, pb.CreateTaskResponse]

_log = logging.getLogger(__name__)

LAST_NUMBER = (1 << 31) - 1
MAX_LISTED = 10_000


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
        continuations: Continuations,
        creates: Creates,
        create: Create,
        slots: asyncio.Semaphore,
        verifier: TokenVerifier,
        batch_policy: Policy,
    ) -> None:
        self._service = service
        self._watches = watches
        self._continuations = continuations
        self._pages = Pages(continuations)
        self._creates = creates
        self._create = create
        self._slots = slots
        self._verifier = verifier
        self._batch_policy = batch_policy
        self._listed = _Listed()

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
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        before = UUID(place[0]) if place else None
        tasks, more = await self._service.page(tenant_id, convert.filter_from_proto(request), before, size)
        following = self._pages.encode(tenant_id, request, [str(tasks[-1].task_id)]) if more else ""
        return pb.ListTasksResponse(tasks=map(self._listed.message, tasks), next_page_token=following)

    async def UpdateTask(self, request: pb.UpdateTaskRequest, _: Context) -> pb.UpdateTaskResponse:
        sent, mask = request.task, request.update_mask
        revision = revision_from_etag(sent.etag)
        with errors.within("task"):
            change = convert.task_change_from_proto(sent, mask)
            check = convert.task_check_from_proto(sent, mask)
            task = await self._service.update(
                principal().tenant_id,
                _existing_id(sent.task_id),
                change,
                revision,
                check,
                convert.admits_from_proto(request),
            )
        return pb.UpdateTaskResponse(task=convert.task_to_proto(task))

    async def CancelTask(self, request: pb.CancelTaskRequest, _: Context) -> pb.CancelTaskResponse:
        admits = convert.admits_from_proto(request)
        task = await self._service.cancel(principal().tenant_id, UUID(request.task_id), admits)
        return pb.CancelTaskResponse(task=convert.task_to_proto(task))

    async def RetryTask(self, request: pb.RetryTaskRequest, _: Context) -> pb.RetryTaskResponse:
        admits = convert.admits_from_proto(request)
        task = await self._service.retry(principal().tenant_id, UUID(request.task_id), admits)
        return pb.RetryTaskResponse(task=convert.task_to_proto(task))

    async def WatchTask(self, request: pb.WatchTaskRequest, _: Context) -> AsyncGenerator[pb.WatchTaskResponse, None]:
        tenant_id, task_id = principal().tenant_id, UUID(request.task_id)
        # A position is one of this task, however its identifier is written.
        watched = pb.WatchTaskRequest(task_id=str(task_id))
        after = -1
        if request.after:
            place = self._continuations.open(tenant_id, watched, request.after)
            if place is None:
                raise errors.position_invalid()
            after = int(place)
        async with aclosing(self._watches.watch(tenant_id, task_id, after)) as states:
            async for task in states:
                position = self._continuations.seal(tenant_id, watched, b"%d" % task.revision)
                yield pb.WatchTaskResponse(task=convert.task_to_proto(task), position=position)

    async def ListTaskAttempts(self, request: pb.ListTaskAttemptsRequest, _: Context) -> pb.ListTaskAttemptsResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        before = int(place[0]) if place else LAST_NUMBER
        attempts, more = await self._service.attempts(tenant_id, UUID(request.task_id), before, size)
        following = self._pages.encode(tenant_id, request, [str(attempts[-1].number)]) if more else ""
        return pb.ListTaskAttemptsResponse(attempts=map(convert.attempt_to_proto, attempts), next_page_token=following)

    async def _create_batch(self, calls: Sequence[CreateCall]) -> Sequence[Message | bytes | MeshError]:
        async with self._slots:
            return await self._create(calls)


class _Listed:
    """Messages of tasks in lists. A revision of a task never changes, and lists show the same ones again and again."""

    def __init__(self) -> None:
        self._messages: dict[tuple[UUID, int], task_pb2.Task] = {}

    def message(self, task: Task) -> task_pb2.Task:
        key = (task.task_id, task.revision)
        found = self._messages.get(key)
        if found is None:
            if len(self._messages) >= MAX_LISTED:
                self._messages.clear()
            found = self._messages[key] = convert.task_to_proto(task)
        return found


def _read(call: CreateCall) -> NewTask | MeshError:
    try:
        return convert.new_task_from_proto(call.request, call.principal.tenant_id)
    except MeshError as error:
        return error
    except Exception:
        # Whatever it is that this one brings, it is not its neighbours'.
        _log.exception("a task cannot be read", extra={"fields": {"request_id": call.context.request_id}})
        return internal()


def _answer(call: CreateCall, task: NewTask, created: Any) -> pb.CreateTaskResponse | MeshError:
    if isinstance(created, MeshError):
        return created
    try:
        made = convert.created_to_proto(call.request, task, created)
    except Exception:
        _log.exception("a created task cannot be told", extra={"fields": {"request_id": call.context.request_id}})
        return internal()
    return pb.CreateTaskResponse(task=made, created=created.existing is None)


def _existing_id(text: str) -> UUID:
    """Returns an identifier, the nil one, which no task has, for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
