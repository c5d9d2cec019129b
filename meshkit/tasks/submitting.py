"""Has work done as tasks of the task service, for the tenant whose call is carried out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC
from typing import Any, TypeVar

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from rampart.task.v1 import task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.context import current
from meshkit.identity.policy import policies
from meshkit.rpc.channel import call_timeout
from meshkit.rpc.unary import invoke
from meshkit.tasks.submitted import UNFINISHED, OrderedWork, WorkState

__all__ = ["RemoteTasks"]

TASK_SERVICE = pb.DESCRIPTOR.services_by_name["TaskService"]
ATTEMPTS = 5

Response = TypeVar("Response", bound=Message)


class RemoteTasks:
    """Implements `SubmittedTasks`."""

    def __init__(self, channel: grpc.aio.Channel, kind: str) -> None:
        self._channel = channel
        self._kind = kind
        self._policies = policies([TASK_SERVICE])

    async def submit(self, work: OrderedWork) -> str:
        task = pb.CreateTaskRequest(title=work.title, kind=self._kind, max_attempts=ATTEMPTS, request_id=work.name)
        json_format.ParseDict(dict(work.arguments), task.arguments)
        answer = await self._call("SubmitTask", pb.SubmitTaskRequest(task=task), pb.SubmitTaskResponse)
        return answer.task.task_id

    async def states(self, task_ids: Collection[str]) -> Mapping[str, WorkState]:
        request = pb.GetSubmittedTasksRequest(task_ids=task_ids)
        answer = await self._call("GetSubmittedTasks", request, pb.GetSubmittedTasksResponse)
        return {task.task_id: _state(task) for task in answer.tasks}

    async def cancel(self, task_id: str) -> WorkState:
        request = pb.CancelSubmittedTaskRequest(task_id=task_id)
        return _state((await self._call("CancelSubmittedTask", request, pb.CancelSubmittedTaskResponse)).task)

    async def _call(self, name: str, request: Message, response: type[Response]) -> Response:
        path = f"/{TASK_SERVICE.full_name}/{name}"
        method: Any = self._channel.unary_unary(
            path, request_serializer=type(request).SerializeToString, response_deserializer=response.FromString
        )
        call = current()
        answer: Response = await invoke(
            method, request, timeout=call_timeout(self._policies[path], call), call=call, span=None, dependency="task"
        )
        return answer


def _state(task: task_pb2.Task) -> WorkState:
    return WorkState(
        state=task.state,
        done=task.progress.done,
        total=task.progress.total,
        message=task.progress.message,
        error=task.error.message if task.state not in (*UNFINISHED, "succeeded") else "",
        finished_at=task.finish_time.ToDatetime(UTC) if task.HasField("finish_time") else None,
    )
