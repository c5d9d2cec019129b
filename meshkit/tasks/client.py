"""Calls the task service as a worker does. Errors are MeshErrors; every call has its deadline."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from rampart.task.v1 import task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.identity.policy import Policy, policies
from meshkit.rpc.channel import call_metadata
from meshkit.rpc.failures import from_rpc_error

__all__ = ["TASK_SERVICE", "WorkClient", "task_policies"]

TASK_SERVICE = pb.DESCRIPTOR.services_by_name["TaskService"]
DEPENDENCY = "task"
WAIT_MARGIN = 4.0
"""Seconds that a long poll may take beyond its wait."""

Response = TypeVar("Response", bound=Message)


def task_policies() -> dict[str, Policy]:
    """Returns the policies of the task service's methods, with which a worker's channel is opened."""
    return policies([TASK_SERVICE])


class WorkClient:
    """The worker's side of `rampart.task.v1.TaskService`, on a channel that its user opens and closes."""

    def __init__(self, channel: grpc.aio.Channel, worker: str) -> None:
        self._channel = channel
        self._worker = worker
        self._policies = task_policies()

    async def declare(self, request: pb.DeclareWorkRequest) -> None:
        await self._call("DeclareWork", request, pb.DeclareWorkResponse)

    async def lease(self, kinds: Sequence[str], limit: int, seconds: int, wait: float) -> pb.LeaseTasksResponse:
        """Returns at most `limit` tasks, none if there were none for `wait` seconds."""
        request = pb.LeaseTasksRequest(
            worker=self._worker, kinds=kinds, max_tasks=limit, lease_seconds=seconds, wait_ms=int(wait * 1000)
        )
        return await self._call("LeaseTasks", request, pb.LeaseTasksResponse, timeout=wait + WAIT_MARGIN)

    async def watch(self) -> AsyncGenerator[Sequence[pb.Lease], None]:
        """Yields the leases of tasks that are to be stopped, until the stream ends."""
        path = f"/{TASK_SERVICE.full_name}/WatchLeases"
        call: Any = self._channel.unary_stream(
            path,
            request_serializer=pb.WatchLeasesRequest.SerializeToString,
            response_deserializer=pb.WatchLeasesResponse.FromString,
        )(pb.WatchLeasesRequest(worker=self._worker), timeout=self._policies[path].deadline, metadata=call_metadata())
        try:
            async for response in call:
                yield response.cancelled
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, DEPENDENCY) from error
        finally:
            call.cancel()

    async def beat(self, beat: pb.Beat) -> str:
        """Returns what became of the lease: "held", "cancelled" or "lost"."""
        response = await self._call("Heartbeat", pb.HeartbeatRequest(beats=[beat]), pb.HeartbeatResponse)
        return response.pulses[0].lease

    async def complete(self, request: pb.CompleteTaskRequest) -> None:
        """Raises LEASE_LOST and RESULT_TOO_LARGE."""
        await self._call("CompleteTask", request, pb.CompleteTaskResponse)

    async def fail(self, lease: pb.Lease, error: task_pb2.TaskError) -> str:
        """Returns the state of the task. Raises LEASE_LOST."""
        return (await self._call("FailTask", pb.FailTaskRequest(lease=lease, error=error), pb.FailTaskResponse)).state

    async def release(self, lease: pb.Lease) -> None:
        """Gives a task back because the worker stops. Raises LEASE_LOST."""
        request = pb.ReleaseTaskRequest(lease=lease, stopping_worker=self._worker)
        await self._call("ReleaseTask", request, pb.ReleaseTaskResponse)

    async def _call(
        self, name: str, request: Message, response: type[Response], *, timeout: float | None = None
    ) -> Response:
        path = f"/{TASK_SERVICE.full_name}/{name}"
        call: Any = self._channel.unary_unary(
            path, request_serializer=type(request).SerializeToString, response_deserializer=response.FromString
        )
        deadline = self._policies[path].deadline
        try:
            answer: Response = await call(request, timeout=min(timeout or deadline, deadline), metadata=call_metadata())
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, DEPENDENCY) from error
        return answer
