"""Runs one attempt: the handler beside its heartbeats, until it ends or the lease does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from google.protobuf.struct_pb2 import Struct
from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from rampart.task.v1 import task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.context import CallContext, set_current
from meshkit.errors import Kind, MeshError
from meshkit.tasks.client import WorkClient
from meshkit.tasks.leased import Handler, LeasedTask, LeaseLostError, Reference, Report, Result, TaskFailure, struct_of
from meshkit.tracing import setup, w3c

__all__ = ["CANCELLED", "LOST", "STOPPING", "RunningAttempt"]

_log = logging.getLogger(__name__)
_attempts = Counter(
    "worker_attempts", "Attempts of this worker that have ended, by kind and outcome.", ["kind", "outcome"]
)

CANCELLED, LOST, STOPPING = "cancelled", "lost", "stopping"
"""Why a handler is cancelled."""
PACE_SECONDS = 0.5
"""Least time between two heartbeats that tell progress."""
RETRY_SECONDS = 0.25
AGAIN_SECONDS = 1.0
HOPELESS = frozenset(
    {
        Kind.INVALID_ARGUMENT,
        Kind.NOT_FOUND,
        Kind.ALREADY_EXISTS,
        Kind.PERMISSION_DENIED,
        Kind.FAILED_PRECONDITION,
        Kind.OUT_OF_RANGE,
        Kind.UNIMPLEMENTED,
    }
)
"""Errors that another attempt would meet as well."""


class RunningAttempt:
    """One task and its handler. `stop` ends it early, for a reason that decides what is written."""

    def __init__(self, client: WorkClient, task: LeasedTask, handler: Handler) -> None:
        self._client = client
        self.task = task
        self._handler = handler
        self._work: asyncio.Future[Result] | None = None
        self._reason = ""

    def stop(self, reason: str) -> None:
        """Cancels the handler. A lost lease is the last word: nothing is written after it."""
        if reason == LOST or not self._reason:
            self._reason = reason
        if self._work is not None and not self._work.done():
            self._work.cancel()

    async def run(self) -> None:
        """Runs the handler and tells what came of it. Raises nothing but its own cancellation."""
        call = _call(self.task)
        set_current(call)
        try:
            outcome = await self._run()
            if call.span is not None:
                call.span.attributes["rampart.outcome"] = outcome
                call.span.error = "failed" if outcome == "failed" else ""
        finally:
            if call.span is not None:
                call.span.end()

    async def _run(self) -> str:
        self._work = asyncio.ensure_future(self._handle())
        if self._reason:
            self._work.cancel()
        beating = asyncio.create_task(self._beat())
        try:
            await self._ended(self._work)
            outcome = await self._tell()
            _attempts.labels(self.task.kind, outcome).inc()
            return outcome
        finally:
            self._work.cancel()
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating
            self._settle(self.task.take_report(), LeaseLostError("the attempt has ended"))

    async def _ended(self, work: asyncio.Future[Result]) -> None:
        """Waits for the handler; one that is to stop is asked again and again."""
        while not work.done():
            await asyncio.wait([work], timeout=AGAIN_SECONDS)
            if self._reason:
                work.cancel()

    async def _handle(self) -> Result:
        return await self._handler(self.task)

    async def _beat(self) -> None:
        """Sends heartbeats: a third of a lease apart, sooner if there is something to tell. Ends with the lease."""
        while self._reason != LOST:
            interval = self.task.lease_seconds / 3
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await self.task.reported.wait()
            report = self.task.take_report()
            if not await self._beat_once(report):
                return
            if report.checkpoint is None:
                await asyncio.sleep(min(PACE_SECONDS, interval))

    async def _beat_once(self, report: Report) -> bool:
        """Tells a report; tries again until the lease is over. Returns False if it is lost."""
        while self.task.held:
            began = time.monotonic()
            try:
                pulse = await self._send(report)
            except MeshError as error:
                _log.info("a heartbeat failed: %s", error.message)
                if error.kind in HOPELESS:
                    # What it told cannot be stored; that the worker is there can still be told.
                    self._settle(report, error)
                    report = Report()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if pulse == LOST:
                break
            self.task.until = began + self.task.lease_seconds
            self._settle(report, None)
            if pulse == CANCELLED:
                self.stop(CANCELLED)
            return True
        self._settle(report, LeaseLostError("the lease is lost"))
        self.stop(LOST)
        return False

    async def _send(self, report: Report) -> str:
        return await self._client.beat(
            pb.Beat(
                lease=self.task.lease,
                progress=report.progress,
                checkpoint=report.checkpoint,
                lease_seconds=self.task.lease_seconds,
            )
        )

    @staticmethod
    def _settle(report: Report, error: Exception | None) -> None:
        """Tells whoever waits for a checkpoint what became of it."""
        stored = report.stored
        if stored is None or stored.done():
            return
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error)
            # Whoever waited may have been cancelled: then nobody asks.
            stored.exception()

    async def _tell(self) -> str:
        """Writes what came of the attempt, again and again while the lease holds. Returns the outcome."""
        while self._reason != LOST and self.task.held:
            try:
                return await self._write()
            except MeshError as error:
                if error.reason == "LEASE_LOST":
                    break
                if error.kind in HOPELESS:
                    return await self._give_up(error)
                await asyncio.sleep(RETRY_SECONDS)
        _log.warning("the lease of a task was lost", extra={"fields": self._fields()})
        return LOST

    async def _write(self) -> str:
        assert self._work is not None
        if self._work.cancelled():
            return await self._write_stopped()
        error = self._work.exception()
        if error is None:
            await self._client.complete(_completion(self.task, self._work.result()))
            return "succeeded"
        if not isinstance(error, TaskFailure | MeshError | LeaseLostError):
            _log.error("a task failed unexpectedly", exc_info=error, extra={"fields": self._fields()})
        await self._client.fail(self.task.lease, _task_error(error))
        return "failed"

    async def _write_stopped(self) -> str:
        if self._reason == STOPPING:
            await self._client.release(self.task.lease)
            return "returned"
        words = "the task was cancelled" if self._reason else "the handler was cancelled from inside"
        await self._client.fail(
            self.task.lease, task_pb2.TaskError(type="Cancelled", message=words, retryable=not self._reason)
        )
        return CANCELLED if self._reason else "failed"

    async def _give_up(self, error: MeshError) -> str:
        """Fails the attempt because what came of it cannot be stored."""
        _log.warning("the end of a task was refused: %s", error.message, extra={"fields": self._fields()})
        try:
            await self._client.fail(self.task.lease, _task_error(error))
        except MeshError:
            return LOST
        return "failed"

    def _fields(self) -> dict[str, object]:
        task = self.task
        return {"task_id": task.task_id, "tenant_id": task.tenant_id, "kind": task.kind, "token": task.token}


def _call(task: LeasedTask) -> CallContext:
    """Returns the context of an attempt: logs and calls of its handler carry its id, and a trace of its own."""
    call = CallContext(request_id=f"{task.task_id}.{task.token}", traceparent=w3c.started())
    recorder = setup.recorder()
    if recorder is not None:
        attributes = {"rampart.task": task.task_id, "rampart.kind": task.kind, "rampart.request_id": call.request_id}
        call.record(recorder, f"attempt {task.kind}", SpanKind.CONSUMER, attributes)
    return call


def _completion(task: LeasedTask, result: Result) -> pb.CompleteTaskRequest:
    if isinstance(result, Reference):
        return pb.CompleteTaskRequest(lease=task.lease, result_reference=result.place)
    stored: Struct | None = struct_of(result) if result is not None else None
    return pb.CompleteTaskRequest(lease=task.lease, result=stored)


def _task_error(error: BaseException) -> task_pb2.TaskError:
    """Returns what may be stored of an error: the text of an unexpected one stays in the worker's log."""
    match error:
        case TaskFailure():
            told = (error.type, error.message, error.retryable)
        case MeshError():
            told = (error.reason, error.message, error.kind not in HOPELESS)
        case _:
            told = (type(error).__name__, "the handler failed; the worker's log says why", True)
    kind, message, retryable = told
    return task_pb2.TaskError(type=kind[:100], message=message[:2000], retryable=retryable)
