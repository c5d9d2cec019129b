"""Alerts and cases over their messages, on a store in memory: who an analyst is."""

from __future__ import annotations

from typing import Any

import pytest
from rampart.cases.v1 import alert_service_pb2, case_service_pb2

from meshkit.context import CallContext, Principal, set_current
from meshkit.errors import MeshError
from services.cases.adapters.memory import MemoryCaseRows, MemoryCaseWriter
from services.cases.adapters.memory_reads import MemoryCaseReads, MemoryTenantsWithCases
from services.cases.service.jobs import CaseJobs
from services.cases.servicer import AlertServicer, CaseServicer
from tests.support.cases import CaseWorld
from tests.support.continuations import PAGES
from tests.support.submitted import MemoryTasks


class AnalystWire:
    """Calls methods as analysts who share one client."""

    def __init__(self) -> None:
        rows = MemoryCaseRows()
        self.world = CaseWorld(MemoryCaseReads(rows), MemoryCaseWriter(rows), MemoryTenantsWithCases(rows))
        world = self.world
        jobs = CaseJobs(world.reads, MemoryTasks(), lambda: world.now)
        self._alerts = AlertServicer(world.alerts, PAGES)
        self._cases = CaseServicer(world.desk, world.closing, jobs, world.writer, world.claiming, PAGES)

    async def call(self, subject: str, request: Any) -> Any:
        caller = Principal(self.world.tenant, "console", frozenset(), 100, "USD", subject)
        set_current(CallContext(request_id="r-1", principal=caller))
        method = request.DESCRIPTOR.name.removesuffix("Request")
        servicer = self._alerts if request.DESCRIPTOR.file.name.endswith("alert_service.proto") else self._cases
        return await getattr(servicer, method)(request, None)


@pytest.fixture
def wire() -> AnalystWire:
    return AnalystWire()


async def test_analysts_behind_one_client_are_told_apart(wire: AnalystWire) -> None:
    await wire.world.decide("a")
    claimed = (await wire.call("ana", case_service_pb2.ClaimNextCaseRequest())).fraud_case
    assert claimed.assignee == "ana"
    case_id = claimed.case_id
    taking = case_service_pb2.AssignCaseRequest(case_id=case_id, assignee="bob")
    with pytest.raises(MeshError) as caught:
        await wire.call("bob", taking)
    assert caught.value.reason == "STATE_NOT_ALLOWED"
    note = case_service_pb2.AddCaseNoteRequest(case_id=case_id, words="Called.")
    assert (await wire.call("bob", note)).note.author == "bob"
    attaching = case_service_pb2.AddCaseAttachmentRequest(
        case_id=case_id, uri="s3://evidence/1", name="one", media_type="text/plain"
    )
    assert (await wire.call("bob", attaching)).attachment.author == "bob"
    given = (await wire.call("ana", taking)).fraud_case
    assert given.assignee == "bob"
    closing = case_service_pb2.CloseCaseRequest(case_id=case_id, disposition="inconclusive")
    await wire.call("bob", closing)
    again = (await wire.call("ana", case_service_pb2.ReopenCaseRequest(case_id=case_id))).fraud_case
    assert again.assignee == "ana"
    entries = (await wire.call("ana", case_service_pb2.ListCaseHistoryRequest(case_id=case_id))).entries
    assert [(each.action, each.actor) for each in entries if each.actor] == [
        ("assigned", "ana"), ("noted", "bob"), ("attached", "bob"), ("assigned", "ana"), ("closed", "bob"),
        ("reopened", "ana"),
    ]  # fmt: skip


async def test_alerts_and_jobs_name_who_asked_and_a_client_without_a_user_is_itself(wire: AnalystWire) -> None:
    await wire.world.decide("a")
    (alert,) = (await wire.call("ana", alert_service_pb2.ListAlertsRequest())).alerts
    seen = await wire.call("ana", alert_service_pb2.AcknowledgeAlertRequest(alert_id=alert.alert_id))
    assert seen.alert.changed_by == "ana"
    job = case_service_pb2.CreateCaseJobRequest(action="dismiss", state="acknowledged")
    assert (await wire.call("bob", job)).job.created_by == "bob"
    dismissed = await wire.call("", alert_service_pb2.DismissAlertRequest(alert_id=alert.alert_id))
    assert dismissed.alert.changed_by == "console"
