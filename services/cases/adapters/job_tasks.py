"""Has jobs done as tasks of the task service, for the tenant whose call is carried out."""

from __future__ import annotations

from datetime import UTC
from typing import Any, TypeVar

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.context import current
from meshkit.identity.policy import policies
from meshkit.rpc.channel import call_timeout
from meshkit.rpc.unary import invoke
from services.cases.domain.jobs import JobState

__all__ = ["RemoteJobTasks"]

TASK_SERVICE = pb.DESCRIPTOR.services_by_name["TaskService"]
ATTEMPTS = 5
RUNNING = frozenset({"pending", "running", "cancelling", "succeeded"})
GONE = JobState("failed", "there is no such task any more")

Answer = TypeVar("Answer", bound=Message)


class RemoteJobTasks:
    """Implements `JobTasks`."""

    def __init__(self, channel: grpc.aio.Channel, kind: str) -> None:
        self._channel = channel
        self._kind = kind
        self._policies = policies([TASK_SERVICE])

    async def submit(self, job_id: str, title: str) -> str:
        task = pb.CreateTaskRequest(title=title, kind=self._kind, max_attempts=ATTEMPTS, request_id=job_id)
        json_format.ParseDict({"job_id": job_id}, task.arguments)
        answer = await self._call("SubmitTask", pb.SubmitTaskRequest(task=task), pb.SubmitTaskResponse)
        return answer.task.task_id

    async def state(self, task_id: str) -> JobState:
        request = pb.GetSubmittedTasksRequest(task_ids=[task_id])
        answer = await self._call("GetSubmittedTasks", request, pb.GetSubmittedTasksResponse)
        for task in answer.tasks:
            finished = task.finish_time.ToDatetime(UTC) if task.HasField("finish_time") else None
            return JobState(task.state, "" if task.state in RUNNING else task.error.message, finished)
        return GONE

    async def _call(self, name: str, request: Message, response: type[Answer]) -> Answer:
        path = f"/{TASK_SERVICE.full_name}/{name}"
        method: Any = self._channel.unary_unary(
            path, request_serializer=type(request).SerializeToString, response_deserializer=response.FromString
        )
        call = current()
        timeout = call_timeout(self._policies[path], call)
        answer: Answer = await invoke(method, request, timeout=timeout, call=call, span=None, dependency="task")
        return answer
