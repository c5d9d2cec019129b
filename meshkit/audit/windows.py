"""Counts what happens often, so that a flood of refused calls is one event in each window of a few seconds.

Noting a call costs a look-up. Everything has a bound: callers that differ in their addresses alone become one when
there are too many of them, and what does not fit at all is counted as dropped.
"""

from __future__ import annotations

import ipaddress
import logging
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice

from prometheus_client import Counter

from meshkit.audit.reports import AuditReport, AuditReporter, action_of
from meshkit.context import SYSTEM_TENANT, CallContext
from meshkit.errors import Kind, MeshError

__all__ = ["AuditWindows", "network_of"]

_log = logging.getLogger(__name__)
_dropped = Counter("audit_events_dropped", "Events that found no room on their way to the audit log.")

MAX_KEYS = 2_000
"""Kinds of calls that one window tells apart."""
MAX_WAITING = 10_000
"""Reports that wait while the log cannot be reached."""
BATCH = 200

_Key = tuple[str, str, str, str, str, str, str, str]


class _Count:
    __slots__ = ("at", "calls", "request_id")

    def __init__(self, at: float, request_id: str) -> None:
        self.at = at
        self.request_id = request_id
        self.calls = 1


class AuditWindows:
    """Collects reports that nobody waits for, and hands them to the log."""

    def __init__(self, reporter: AuditReporter, clock: Callable[[], float]) -> None:
        self._reporter = reporter
        self._clock = clock
        self._counts: dict[_Key, _Count] = {}
        self._waiting: deque[AuditReport] = deque()

    def note(self, call: CallContext, path: str, outcome: str, reason: str = "", address: str = "") -> None:
        """Counts a call."""
        caller = call.principal
        key = (
            (SYSTEM_TENANT, "", "", path, outcome, reason, call.peer, address)
            if caller is None
            else (caller.tenant_id, caller.actor, caller.client_id, path, outcome, reason, call.peer, address)
        )
        found = self._counts.get(key)
        if found is not None:
            found.calls += 1
        elif len(self._counts) < MAX_KEYS:
            self._counts[key] = _Count(self._clock(), call.request_id)
        else:
            self._overflow((key[0], "", "", path, outcome, reason, "", ""))

    def tell(self, report: AuditReport) -> None:
        """Takes one report."""
        if len(self._waiting) >= MAX_WAITING:
            self._drop(1)
            return
        self._waiting.append(report)

    async def flush(self) -> int:
        """Hands over a batch of what there is; returns how much, 0 if nothing is left. Raises MeshError.

        What the log did not take stays for the next time.
        """
        self._close_window()
        batch = list(islice(self._waiting, BATCH))
        if batch:
            try:
                await self._reporter.report(batch)
            except MeshError as error:
                if error.kind is not Kind.INVALID_ARGUMENT:
                    raise
                # What the log will never take must not keep the rest from it.
                self._drop(len(batch))
                _log.error("the audit log refuses what it is told of: %s", error.message)
            for _ in batch:
                self._waiting.popleft()
        return len(batch)

    async def flush_all(self) -> None:
        """Hands over everything, when the process ends. What the log does not take then is lost, and said to be."""
        try:
            while await self.flush():
                pass
        except MeshError as error:
            self._drop(len(self._waiting))
            _log.error("the audit log does not take what was told of last: %s", error.message)

    def _overflow(self, key: _Key) -> None:
        found = self._counts.get(key)
        if found is not None:
            found.calls += 1
        elif len(self._counts) < 2 * MAX_KEYS:
            self._counts[key] = _Count(self._clock(), "")
        else:
            self._drop(1)

    def _close_window(self) -> None:
        counts, self._counts = self._counts, {}
        for report in _reports(counts):
            self.tell(report)

    def _drop(self, count: int) -> None:
        _dropped.inc(count)


def _reports(counts: dict[_Key, _Count]) -> Iterator[AuditReport]:
    """Yields an event for each kind of call. Addresses of one network are one."""
    merged: dict[_Key, _Count] = {}
    for key, count in counts.items():
        wider = (*key[:7], network_of(key[7]))
        if (found := merged.get(wider)) is not None:
            found.calls += count.calls
        else:
            merged[wider] = count
    for (tenant_id, actor, client_id, path, outcome, reason, peer, address), count in merged.items():
        yield AuditReport(
            tenant_id,
            datetime.fromtimestamp(count.at, UTC),
            action_of(path),
            outcome,
            actor=actor,
            client_id=client_id,
            reason=reason,
            request_id=count.request_id,
            peer=peer,
            address=address,
            details={"count": str(count.calls)},
        )


def network_of(address: str) -> str:
    """Returns the network of an address: 24 bits of IPv4, 48 of IPv6. Empty for what is none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))
