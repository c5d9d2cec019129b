"""Tasks as tests make and watch them, and workers of the fraud service."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from rampart.task.v1 import task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.ids import uuid7
from meshkit.rpc.channel import open_channel
from meshkit.settings import TlsFiles
from meshkit.tasks import Handler, Worker, task_policies
from tests.support.calls import Caller, Credentials

__all__ = ["NAME", "TASK_SERVICE", "Tasks", "a_kind", "struct", "working"]

TASK_SERVICE = pb.DESCRIPTOR.services_by_name["TaskService"]
NAME = TASK_SERVICE.full_name
SECONDS = 20.0


def a_kind() -> str:
    """Returns a kind of the fraud service that no other test has tasks of."""
    return f"fraud.k{uuid7().hex}"


def struct(**values: object) -> Struct:
    return json_format.ParseDict(values, Struct())


class Tasks:
    """What one client does with tasks."""

    def __init__(self, gateway: Caller, client: Credentials) -> None:
        self._gateway = gateway
        self.client = client

    async def call(self, request: Any, answer: Any) -> Any:
        return await self._gateway(request, answer, token=self.client.token)

    async def create(self, **fields: Any) -> task_pb2.Task:
        fields.setdefault("title", "work")
        answer = await self.call(pb.CreateTaskRequest(**fields), pb.CreateTaskResponse)
        task: task_pb2.Task = answer.task
        return task

    async def get(self, task_id: str) -> task_pb2.Task:
        task: task_pb2.Task = (await self.call(pb.GetTaskRequest(task_id=task_id), pb.GetTaskResponse)).task
        return task

    async def cancel(self, task_id: str) -> task_pb2.Task:
        task: task_pb2.Task = (await self.call(pb.CancelTaskRequest(task_id=task_id), pb.CancelTaskResponse)).task
        return task

    async def attempts(self, task_id: str) -> list[task_pb2.Attempt]:
        request = pb.ListTaskAttemptsRequest(task_id=task_id)
        return list((await self.call(request, pb.ListTaskAttemptsResponse)).attempts)

    async def until(self, task_id: str, *states: str, seconds: float = SECONDS) -> task_pb2.Task:
        """Waits until a task is in one of some states."""
        deadline = time.monotonic() + seconds
        while True:
            task = await self.get(task_id)
            if task.state in states:
                return task
            assert time.monotonic() < deadline, task
            await asyncio.sleep(0.03)

    def watch(self, task_id: str) -> Any:
        return self._gateway.stream(pb.WatchTaskRequest(task_id=task_id), pb.WatchTaskResponse, token=self.client.token)


@contextlib.asynccontextmanager
async def working(
    address: str, tls: TlsFiles, handlers: Mapping[str, Handler], **options: Any
) -> AsyncIterator[Worker]:
    """Runs a worker while the block does, and stops it as a host does."""
    async with open_channel(address, tls, task_policies(), rare=True) as channel:
        worker = Worker(channel, handlers, **options)
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
