"""What a server of the mesh tells the audit log of its calls."""

from __future__ import annotations

import time

import pytest
from google.protobuf.message import Message
from rampart.fraud.v1 import fraud_service_pb2 as pb

from meshkit.errors import Kind, unavailable
from tests.support.calls import Caller, calling, failure
from tests.support.certificates import Certificates
from tests.support.fraud import request
from tests.support.mesh import FRAUD, MeshNode
from tests.support.tokens import Issuer

REPLACE = "rampart.fraud.v1.FraudService/ReplaceExchangeRates"
READ = pb.GetDecisionRequest(decision_id="0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57")


@pytest.fixture
def writer(issuer: Issuer) -> str:
    return issuer.token(time.time(), scope="rate:write")


async def replaced(caller: Caller, token: str) -> Message:
    return await caller(pb.ReplaceExchangeRatesRequest(), pb.ReplaceExchangeRatesResponse, token=token)


async def told(node: MeshNode) -> list[tuple[str, str, str]]:
    await node.windows.flush()
    return [(each.action.rpartition("/")[2], each.outcome, each.reason) for each in node.audit.reports]


async def test_audited_call_is_told_of_before_and_after(node: MeshNode, gateway: Caller, writer: str) -> None:
    before: list[int] = []

    async def handle(_: Message) -> Message:
        before.append(len(node.audit.reports))
        return pb.ReplaceExchangeRatesResponse()

    node.behaviour.handle = handle
    await replaced(gateway, writer)
    assert before == [1]
    assert await told(node) == [("ReplaceExchangeRates", "started", ""), ("ReplaceExchangeRates", "done", "")]
    for report in node.audit.reports:
        assert (report.action, report.target, report.peer) == (REPLACE, "exchange-rates", "service/gateway")
        assert report.tenant_id and report.client_id and report.request_id


async def test_audited_call_has_no_effect_while_the_log_cannot_be_reached(
    node: MeshNode, gateway: Caller, writer: str
) -> None:
    node.audit.failure = unavailable("auth")
    refused = await failure(replaced(gateway, writer))
    assert (refused.kind, refused.metadata["dependency"]) == (Kind.UNAVAILABLE, "audit log")
    assert node.behaviour.requests == []


async def test_other_calls_go_on_without_the_log_and_are_no_events(node: MeshNode, gateway: Caller, token: str) -> None:
    node.audit.failure = unavailable("auth")
    await gateway(request(), pb.CheckFraudResponse, token=token)
    node.audit.failure = None
    assert await told(node) == []


async def test_calls_that_are_refused_are_told_of_whatever_the_method(
    node: MeshNode, gateway: Caller, certificates: Certificates, token: str, writer: str, issuer: Issuer
) -> None:
    stranger = Issuer().token(time.time(), scope="decision:read")
    for bad in ("", "x", stranger, issuer.token(time.time() - 1e6, scope="decision:read"), writer):
        await failure(gateway(READ, pb.GetDecisionResponse, token=bad))
    async with calling(node.address, FRAUD.full_name, certificates.identity("service/data")) as other:
        await failure(other(READ, pb.GetDecisionResponse, token=token))
    await failure(replaced(gateway, token))
    assert await told(node) == [
        ("GetDecision", "refused", "TOKEN_MISSING"),
        ("GetDecision", "refused", "TOKEN_INVALID"),
        ("GetDecision", "refused", "SCOPE_MISSING"),
        ("GetDecision", "refused", "CALLER_NOT_ALLOWED"),
        ("ReplaceExchangeRates", "refused", "SCOPE_MISSING"),
    ]
    counts = [each.details["count"] for each in node.audit.reports]
    assert counts == ["1", "3", "1", "1", "1"]
    assert [bool(each.client_id) for each in node.audit.reports] == [False, False, True, False, True]
    assert node.audit.reports[3].peer == "service/data"
