"""Cases over gRPC."""

from __future__ import annotations

from typing import Any, TypeAlias
from uuid import UUID

import grpc
from rampart.cases.v1 import case_service_pb2 as pb

from meshkit.context import principal
from meshkit.named_requests import IdempotentChanges, named_request
from meshkit.pages import Pages, invalid, page_size
from meshkit.tasks import WorkState
from services.cases import convert
from services.cases.domain.cases import CaseDisposition
from services.cases.domain.jobs import JobAction
from services.cases.ports import CaseChanges, CaseWriter
from services.cases.service.cases import CaseDesk
from services.cases.service.closing import CaseClosing
from services.cases.service.jobs import CaseJobs
from services.cases.servicer.callers import case_seen_by, note_seen_by, sees_pii

__all__ = ["CaseServicer"]

CaseContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class CaseServicer:
    """Implements `rampart.cases.v1.CaseService`. Claims have a writer of their own: they wait for nobody."""

    def __init__(
        self,
        desk: CaseDesk,
        closing: CaseClosing,
        jobs: CaseJobs,
        writer: CaseWriter,
        claiming: CaseWriter,
        pages: Pages,
    ) -> None:
        self._desk = desk
        self._jobs = jobs
        self._closing = closing
        self._writer = writer
        self._idempotent: IdempotentChanges[CaseChanges] = IdempotentChanges(writer)
        self._claims: IdempotentChanges[CaseChanges] = IdempotentChanges(claiming)
        self._pages = pages

    async def ListCases(self, request: pb.ListCasesRequest, _: CaseContext) -> pb.ListCasesResponse:
        caller, size = principal(), page_size(request.page_size)
        place = self._pages.decode(caller.tenant_id, request, request.page_token, 4)
        after = convert.queue_place_from_token(place) if place else None
        found, more = await self._desk.page(caller.tenant_id, convert.case_filter_from_proto(request), after, size)
        token = convert.queue_place_to_token(found[-1]) if more else ()
        return pb.ListCasesResponse(
            cases=[convert.case_to_proto(each, pii=sees_pii(caller)) for each in found],
            next_page_token=self._pages.encode(caller.tenant_id, request, token) if more else "",
        )

    async def GetCase(self, request: pb.GetCaseRequest, _: CaseContext) -> pb.GetCaseResponse:
        caller = principal()
        whole = await self._desk.whole(caller.tenant_id, UUID(request.case_id))
        return pb.GetCaseResponse(fraud_case=convert.case_to_proto(*whole, pii=sees_pii(caller)))

    async def ListCaseTransactions(
        self, request: pb.ListCaseTransactionsRequest, _: CaseContext
    ) -> pb.ListCaseTransactionsResponse:
        caller, size = principal(), page_size(request.page_size)
        place = self._pages.decode(caller.tenant_id, request, request.page_token, 2)
        after = convert.evidence_place_from_token(place) if place else None
        found, more = await self._desk.transactions(caller.tenant_id, UUID(request.case_id), after, size)
        token = convert.evidence_place_to_token(found[-1]) if more else ()
        return pb.ListCaseTransactionsResponse(
            transactions=[convert.evidence_to_proto(each, pii=sees_pii(caller)) for each in found],
            next_page_token=self._pages.encode(caller.tenant_id, request, token) if more else "",
        )

    async def ListCaseHistory(self, request: pb.ListCaseHistoryRequest, _: CaseContext) -> pb.ListCaseHistoryResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        if place and not place[0].isdecimal():
            raise invalid()
        after = int(place[0]) if place else 0
        found, more = await self._desk.history(tenant_id, UUID(request.case_id), after, size)
        return pb.ListCaseHistoryResponse(
            entries=map(convert.entry_to_proto, found),
            next_page_token=self._pages.encode(tenant_id, request, [str(found[-1].number)]) if more else "",
        )

    async def ClaimNextCase(self, request: pb.ClaimNextCaseRequest, _: CaseContext) -> pb.ClaimNextCaseResponse:
        caller, level = principal(), convert.level_from_word(request.min_priority)

        async def claim(changes: CaseChanges) -> pb.ClaimNextCaseResponse:
            found = await self._desk.claim(changes, caller.actor, level)
            return pb.ClaimNextCaseResponse(fraud_case=convert.case_to_proto(found, pii=True))

        named = named_request(request, lambda content: None)
        answer = await self._claims.respond(caller.tenant_id, named, claim, pb.ClaimNextCaseResponse)
        return pb.ClaimNextCaseResponse(fraud_case=case_seen_by(caller, answer.fraud_case))

    async def AssignCase(self, request: pb.AssignCaseRequest, _: CaseContext) -> pb.AssignCaseResponse:
        caller, case_id = principal(), UUID(request.case_id)
        async with self._writer.begin(caller.tenant_id) as changes:
            found = await self._desk.assign(changes, case_id, caller.actor, request.assignee, request.etag)
        return pb.AssignCaseResponse(fraud_case=convert.case_to_proto(found, pii=sees_pii(caller)))

    async def AddCaseNote(self, request: pb.AddCaseNoteRequest, _: CaseContext) -> pb.AddCaseNoteResponse:
        caller = principal()

        async def add(changes: CaseChanges) -> pb.AddCaseNoteResponse:
            note = await self._desk.note(changes, UUID(request.case_id), caller.actor, request.words)
            return pb.AddCaseNoteResponse(note=convert.note_to_proto(note, pii=True))

        named = named_request(request, lambda content: None)
        answer = await self._idempotent.respond(caller.tenant_id, named, add, pb.AddCaseNoteResponse)
        return pb.AddCaseNoteResponse(note=note_seen_by(caller, answer.note))

    async def AddCaseAttachment(
        self, request: pb.AddCaseAttachmentRequest, _: CaseContext
    ) -> pb.AddCaseAttachmentResponse:
        caller = principal()
        told = request.uri, request.name, request.media_type, request.size

        async def attach(changes: CaseChanges) -> pb.AddCaseAttachmentResponse:
            made = await self._desk.attach(changes, UUID(request.case_id), caller.actor, *told)
            return pb.AddCaseAttachmentResponse(attachment=convert.attached_to_proto(made))

        named = named_request(request, lambda content: None)
        return await self._idempotent.respond(caller.tenant_id, named, attach, pb.AddCaseAttachmentResponse)

    async def CloseCase(self, request: pb.CloseCaseRequest, _: CaseContext) -> pb.CloseCaseResponse:
        caller, disposition = principal(), CaseDisposition(request.disposition)
        place = caller.tenant_id, UUID(request.case_id), caller.actor
        closed = await self._closing.close(*place, disposition, request.transaction_ids, request.etag)
        return pb.CloseCaseResponse(fraud_case=convert.case_to_proto(closed, pii=sees_pii(caller)))

    async def ReopenCase(self, request: pb.ReopenCaseRequest, _: CaseContext) -> pb.ReopenCaseResponse:
        caller, case_id = principal(), UUID(request.case_id)
        async with self._writer.begin(caller.tenant_id) as changes:
            found = await self._desk.reopen(changes, case_id, caller.actor, request.reason, request.etag)
        return pb.ReopenCaseResponse(fraud_case=convert.case_to_proto(found, pii=sees_pii(caller)))

    async def MergeCases(self, request: pb.MergeCasesRequest, _: CaseContext) -> pb.MergeCasesResponse:
        caller, case_id, other_id = principal(), UUID(request.case_id), UUID(request.other_case_id)
        async with self._writer.begin(caller.tenant_id) as changes:
            found = await self._closing.merge(changes, case_id, caller.actor, other_id, request.etag)
        return pb.MergeCasesResponse(fraud_case=convert.case_to_proto(found, pii=sees_pii(caller)))

    async def SplitCase(self, request: pb.SplitCaseRequest, _: CaseContext) -> pb.SplitCaseResponse:
        caller, case_id = principal(), UUID(request.case_id)

        async def split(changes: CaseChanges) -> pb.SplitCaseResponse:
            made = await self._closing.split(changes, case_id, caller.actor, request.alert_ids, request.etag)
            return pb.SplitCaseResponse(fraud_case=convert.case_to_proto(made, pii=True))

        named = named_request(request, lambda content: None)
        answer = await self._idempotent.respond(caller.tenant_id, named, split, pb.SplitCaseResponse)
        return pb.SplitCaseResponse(fraud_case=case_seen_by(caller, answer.fraud_case))

    async def CreateCaseJob(self, request: pb.CreateCaseJobRequest, _: CaseContext) -> pb.CreateCaseJobResponse:
        caller, action = principal(), JobAction(request.action)
        only = convert.job_filter_from_proto(request)

        async def create(changes: CaseChanges) -> pb.CreateCaseJobResponse:
            items = await self._jobs.matching(caller.tenant_id, only)
            argument = request.reason or request.assignee
            made = await self._jobs.create(changes, caller.actor, action, argument, items)
            return pb.CreateCaseJobResponse(job=convert.job_to_proto(made, WorkState("pending")))

        named = named_request(request, lambda content: None)
        return await self._idempotent.respond(caller.tenant_id, named, create, pb.CreateCaseJobResponse)

    async def GetCaseJob(self, request: pb.GetCaseJobRequest, _: CaseContext) -> pb.GetCaseJobResponse:
        found = await self._jobs.get(principal().tenant_id, UUID(request.job_id))
        return pb.GetCaseJobResponse(job=convert.job_to_proto(*found))
