"""Tells the audit log, which the auth service keeps, of what happens in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import grpc
from rampart.auth.v1 import audit_service_pb2 as pb

from meshkit.audit.calls import CallAudit
from meshkit.audit.reports import AuditReport, AuditReporter
from meshkit.audit.windows import AuditWindows
from meshkit.context import current
from meshkit.errors import MeshError
from meshkit.identity.own import MeshIdentity
from meshkit.identity.policy import policies
from meshkit.rpc.channel import call_metadata, open_channel
from meshkit.rpc.failures import from_rpc_error
from meshkit.timestamps import time_to_proto

__all__ = ["AUDIT_SERVICE", "RemoteReporter", "audited_calls", "remote_audit"]

_log = logging.getLogger(__name__)

AUDIT_SERVICE = pb.DESCRIPTOR.services_by_name["AuditService"]
_PATH = "/rampart.auth.v1.AuditService/RecordAuditEvents"
_TIMEOUT = 2.0
FLUSH_SECONDS = 2.0
"""Longest that what nobody waits for stays in the process, and the window in which calls are counted."""
CLOSE_SECONDS = 3.0
MAX_CHARACTERS = 256
"""Of an identifier in a token, which the log cuts there too."""


class RemoteReporter:
    """Implements `AuditReporter` with the auth service."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._call: Any = channel.unary_unary(
            _PATH,
            request_serializer=pb.RecordAuditEventsRequest.SerializeToString,
            response_deserializer=pb.RecordAuditEventsResponse.FromString,
        )

    async def report(self, reports: Sequence[AuditReport]) -> None:
        """Raises MeshError if the auth service does not say that it has them."""
        request = pb.RecordAuditEventsRequest(reports=map(_report_to_proto, reports))
        # The log is told by this process, for whoever called it: the caller's token stays here.
        metadata = call_metadata(replace(current(), token=""))
        try:
            await self._call(request, timeout=_TIMEOUT, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "auth") from error


@contextlib.asynccontextmanager
async def remote_audit(identity: MeshIdentity, address: str) -> AsyncIterator[CallAudit]:
    """Tells the auth service of calls while the block runs."""
    channel = open_channel(address, identity, policies([AUDIT_SERVICE]), service="auth", rare=True)
    async with channel, audited_calls(RemoteReporter(channel)) as audit:
        yield audit


@contextlib.asynccontextmanager
async def audited_calls(
    reporter: AuditReporter, *, clock: Callable[[], float] = time.time, ahead: bool = True
) -> AsyncIterator[CallAudit]:
    """Tells a reporter of calls while the block runs, and of the last ones at its end."""
    windows = AuditWindows(reporter, clock)
    task = asyncio.create_task(_flush(windows))
    try:
        yield CallAudit(reporter, windows, clock, ahead=ahead)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await windows.flush_all()


async def _flush(windows: AuditWindows) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        try:
            while await windows.flush():
                pass
        except MeshError as error:
            _log.warning("the audit log is told later: %s", error.message)


def _report_to_proto(report: AuditReport) -> pb.AuditReport:
    return pb.AuditReport(
        tenant_id=report.tenant_id,
        time=time_to_proto(report.at),
        action=report.action,
        outcome=report.outcome,
        actor=report.actor[:MAX_CHARACTERS],
        client_id=report.client_id[:MAX_CHARACTERS],
        target=report.target,
        reason=report.reason,
        request_id=report.request_id,
        peer=report.peer,
        address=report.address,
        details=report.details,
    )
