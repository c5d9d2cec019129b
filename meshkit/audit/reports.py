"""What a process tells the audit log of, and how calls become that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from meshkit.context import SYSTEM_TENANT, CallContext

__all__ = ["DONE", "FAILED", "REFUSED", "STARTED", "AuditReport", "AuditReporter", "action_of", "report_of"]

STARTED, DONE, REFUSED, FAILED = "started", "done", "refused", "failed"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """One event as the process that saw it tells of it."""

    tenant_id: str
    """The tenant of the verified token; `SYSTEM_TENANT` if there was none."""
    at: datetime
    action: str
    """Full name of the method: "rampart.fraud.v1.ScenarioService/DeployScenario"."""
    outcome: str
    actor: str = ""
    client_id: str = ""
    target: str = ""
    reason: str = ""
    request_id: str = ""
    peer: str = ""
    address: str = ""
    """A network, no address of one machine."""
    details: Mapping[str, str] = field(default_factory=dict)


class AuditReporter(Protocol):
    """Hands reports to the audit log."""

    async def report(self, reports: Sequence[AuditReport]) -> None:
        """Returns when the log has all of them. Raises MeshError, after which it may have some of them."""
        ...


def action_of(path: str) -> str:
    """Returns the action of a call of the method "/package.Service/Method"."""
    return path.removeprefix("/")


def report_of(call: CallContext, path: str, outcome: str, at: datetime, *, target: str = "") -> AuditReport:
    """Returns the report of a call: who made it is known by its verified token, or not."""
    caller = call.principal
    return AuditReport(
        tenant_id=caller.tenant_id if caller is not None else SYSTEM_TENANT,
        at=at,
        action=action_of(path),
        outcome=outcome,
        actor=call.actor,
        client_id=caller.client_id if caller is not None else "",
        target=target,
        request_id=call.request_id,
        peer=call.peer,
    )
