"""Makes events of calls: of those that are refused, and of those whose policy says so.

A call of an audited method is in the log before it can take effect, so that nothing that ends the process can hide it;
without the log it is refused. How it ended follows, and is worth less: without it the log says that nobody knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from meshkit.audit.reports import DONE, FAILED, REFUSED, STARTED, AuditReport, AuditReporter, report_of
from meshkit.audit.windows import AuditWindows
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError, unavailable
from meshkit.identity.policy import Policy

__all__ = ["DENIALS", "CallAudit"]

Answer = TypeVar("Answer")

DENIALS = frozenset({Kind.UNAUTHENTICATED, Kind.PERMISSION_DENIED})
"""What is answered to who may not, or did not prove who it is."""
RECORD_SECONDS = 1.0
"""Longest that a call waits for the log."""
LOG = "audit log"


class CallAudit:
    """Tells the audit log of calls.

    With `ahead` calls of audited methods are in the log before they take effect. The service that keeps the log needs
    it not: its changes are in there by their own transactions, or not made.
    """

    def __init__(
        self,
        reporter: AuditReporter,
        windows: AuditWindows,
        clock: Callable[[], float],
        *,
        ahead: bool = True,
    ) -> None:
        self._reporter = reporter
        self._windows = windows
        self._clock = clock
        self._ahead = ahead

    def refused(self, call: CallContext, path: str, error: MeshError, address: str = "") -> None:
        """Counts a call that was not let in. Other errors than refusals are none of the log's business."""
        if error.kind in DENIALS:
            self._windows.note(call, path, REFUSED, error.reason, address)

    def concerns(self, policy: Policy) -> bool:
        """Tells whether calls of a method that are let in are events."""
        return policy.audited or _may_be_elevated(policy)

    async def let_in(
        self, call: CallContext, policy: Policy, target: str, handle: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Handles a call that was let in, and tells of it. Raises UNAVAILABLE if the log does not have it in time."""
        if not policy.audited:
            if call.principal is not None and policy.elevated_scope in call.principal.scopes:
                self._windows.note(call, policy.path, DONE, policy.elevated_scope)
            return await handle()
        report = report_of(call, policy.path, STARTED, self._now(), target=target)
        if self._ahead:
            await self._begin(report)
        outcome, reason = FAILED, ""
        try:
            answer = await handle()
            outcome = DONE
            return answer
        except MeshError as error:
            outcome, reason = REFUSED if error.kind in DENIALS else FAILED, error.reason
            raise
        finally:
            self._windows.tell(replace(report, at=self._now(), outcome=outcome, reason=reason))

    async def _begin(self, report: AuditReport) -> None:
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                await self._reporter.report([report])
        except (MeshError, TimeoutError) as error:
            raise unavailable(LOG) from error

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _may_be_elevated(policy: Policy) -> bool:
    # Decisions are kept with all that they hang on, and are too many.
    return bool(policy.elevated_scope) and policy.rate_class in ("read", "write")
