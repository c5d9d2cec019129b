"""A task in the hands of its handler: arguments, progress, checkpoints, and whether the lease still holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from rampart.task.v1 import task_pb2, task_service_pb2

from meshkit.errors import Kind, MeshError

__all__ = ["Handler", "LeaseLostError", "LeasedTask", "Reference", "Report", "Result", "TaskFailure", "struct_of"]


MAX_WORDS = 200


class TaskFailure(Exception):
    """Raised by a handler to fail its attempt with a typed error. Its words are read by people and stored."""

    def __init__(self, type_: str, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.type = type_
        self.message = message
        self.retryable = retryable


class LeaseLostError(Exception):
    """The worker has lost the task: nothing of it may be written any more."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A result that is kept elsewhere, for example the URL of an object."""

    place: str


Result = Mapping[str, object] | Reference | None
"""What a handler returns: members of a JSON object up to 1 MiB, or where a larger result is kept."""


@dataclass(slots=True)
class Report:
    """What the next heartbeat tells besides that the worker is there."""

    progress: task_pb2.Progress | None = None
    checkpoint: Struct | None = None
    stored: asyncio.Future[None] | None = None
    """Done when the checkpoint is stored."""


class LeasedTask:
    """What a handler knows of its task, and tells of it.

    Cancellation arrives as asyncio's: of the task by its tenant, of a lost lease, of a process that stops. Effects that
    the worker has elsewhere stay safe by the `token`, which is greater with every lease: whatever is written should
    refuse a token that is less than one that it has seen.
    """

    def __init__(self, message: task_service_pb2.LeasedTask, leased_at: float) -> None:
        """`leased_at` is a `time.monotonic()` before which the lease has not begun: its end comes here first."""
        self._message = message
        self.tenant_id = message.tenant_id
        """Tenant for whom the work is done."""
        self.task_id = message.task_id
        self.kind = message.kind
        self.token = message.token
        """Fencing token of this attempt."""
        self.attempt = message.attempt
        """Which attempt this is, counted from 1."""
        self.max_attempts = message.max_attempts
        self.arguments: dict[str, Any] = _values(message, "arguments") or {}
        self.resumed: dict[str, Any] | None = _values(message, "checkpoint")
        """The last checkpoint of an earlier attempt, None if there is none."""
        self.lease_seconds = message.lease_seconds
        self.until = leased_at + message.lease_seconds
        """`time.monotonic()` at which the lease ends unless a heartbeat extends it."""
        self.reported = asyncio.Event()
        """Set when there is something to tell."""
        self._report = Report()

    @property
    def lease(self) -> task_service_pb2.Lease:
        return task_service_pb2.Lease(tenant_id=self.tenant_id, task_id=self.task_id, token=self.token)

    @property
    def held(self) -> bool:
        """False once the lease has ended by the worker's own count, also while the process was stopped."""
        return time.monotonic() < self.until

    def progress(self, done: int, total: int = 0, message: str = "") -> None:
        """Tells how far the work is: `done` of `total` units, 0 for nobody knows. Sent within a second; never waits."""
        self._report.progress = task_pb2.Progress(done=done, total=total, message=message[:MAX_WORDS])
        self.reported.set()

    async def checkpoint(self, value: Mapping[str, object]) -> None:
        """Stores from where the next attempt goes on, with the last progress. Returns when it is stored.

        Raises LeaseLostError: then nothing was stored, and nothing will be.
        """
        self._report.checkpoint = struct_of(value)
        if self._report.stored is None:
            self._report.stored = asyncio.get_running_loop().create_future()
        self.reported.set()
        await asyncio.shield(self._report.stored)

    def take_report(self) -> Report:
        """Returns what there is to tell; what is told from now on is for the next heartbeat."""
        report, self._report = self._report, Report()
        self.reported.clear()
        return report


Handler = Callable[[LeasedTask], Awaitable[Result]]
"""Does a task. What it raises fails the attempt: TaskFailure and MeshError with their words, all else by its type."""


def struct_of(value: Mapping[str, object]) -> Struct:
    """Raises MeshError INVALID_ARGUMENT for what is no JSON."""
    try:
        return json_format.ParseDict(dict(value), Struct())
    except (json_format.ParseError, ValueError, TypeError) as error:
        raise MeshError(Kind.INVALID_ARGUMENT, "MALFORMED_REQUEST", "the value is not a JSON object") from error


def _values(message: Message, name: str) -> dict[str, Any] | None:
    if not message.HasField(name):
        return None
    values: dict[str, Any] = json_format.MessageToDict(getattr(message, name))
    return values
