"""What callers of teams' own are charged by the services themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.message import Message
from rampart.auth.v1 import auth_service_pb2 as auth_pb
from rampart.fraud.v1 import fraud_service_pb2 as pb

from meshkit.context import CallContext, Principal, Quota
from meshkit.errors import Kind, MeshError
from meshkit.identity.policy import policies
from meshkit.limits import MemoryRateLimiter
from meshkit.rpc.interceptors.chain import Call
from meshkit.rpc.interceptors.quota import PEER_RATE, ClientQuota
from tests.support.clock import Clock

FRAUD, AUTH = pb.DESCRIPTOR.services_by_name["FraudService"], auth_pb.DESCRIPTOR.services_by_name["AuthService"]
POLICIES = policies([FRAUD, AUTH])
CHECK = POLICIES["/rampart.fraud.v1.FraudService/CheckFraud"]
BATCH = POLICIES["/rampart.fraud.v1.FraudService/BatchCheckFraud"]
JWKS = POLICIES["/rampart.auth.v1.AuthService/GetJwks"]
CALLER = Principal("tenant", "acme-1", frozenset(), 10, "USD", "acme-1")


class Charged:
    """Calls one after the other."""

    def __init__(self) -> None:
        self.clock = Clock(1_000.0)
        self._quota = ClientQuota(MemoryRateLimiter(), self.clock)

    async def call(
        self, policy: Any = CHECK, request: Message | None = None, *, peer: str = "client/orders", of: Any = CALLER
    ) -> MeshError | None:
        """Returns the refusal, None of a call that is answered."""
        answered = []

        async def handler(asked: Message, _: Call) -> Message:
            answered.append(asked)
            return asked

        context: Any = CallContext(peer=peer, principal=of)
        servicer: Any = None
        try:
            await self._quota(request or pb.CheckFraudRequest(), Call(policy, context, {}, servicer), handler)
        except MeshError as error:
            assert not answered
            return error
        assert answered
        return None

    async def answered(self, count: int, **options: Any) -> int:
        return [await self.call(**options) for _ in range(count)].count(None)


async def test_a_caller_has_the_limit_of_its_token_and_it_comes_back() -> None:
    charged = Charged()
    assert await charged.answered(12) == 10
    error = await charged.call()
    assert error is not None
    assert (error.kind, error.reason) == (Kind.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert error.metadata == {"class": "decision", "limit": "10", "violated_policies": "decision"}
    assert error.retry_after is not None
    assert 0.1 <= error.retry_after <= 0.15
    charged.clock.now += 0.5
    assert await charged.answered(10) == 5


async def test_the_limit_is_the_clients_whatever_peer_it_comes_with() -> None:
    charged = Charged()
    assert await charged.answered(8) == 8
    assert await charged.answered(8, peer="client/other") == 2
    assert await charged.answered(8, of=replace(CALLER, client_id="acme-2")) == 8


@pytest.mark.parametrize("peer", ["service/gateway", "service/fraud", "operator"])
async def test_what_came_through_the_edge_is_not_charged_again(peer: str) -> None:
    assert await Charged().answered(50, peer=peer) == 50


async def test_limits_of_user_and_tenant_hold_as_at_the_edge() -> None:
    user = replace(CALLER, subject="user-1", quota=Quota(tenant=7, user=3, classes=()))
    charged = Charged()
    assert await charged.answered(5, of=user) == 3
    assert await charged.answered(9, of=replace(user, subject="user-2")) == 3
    assert await charged.answered(9, of=replace(user, subject="user-3")) == 1


async def test_each_item_of_a_batch_costs_what_a_call_costs() -> None:
    charged = Charged()
    batch = pb.BatchCheckFraudRequest(requests=[pb.CheckFraudRequest()] * 6)
    assert await charged.call(BATCH, batch) is None
    assert (await charged.answered(9)) == 4
    charged.clock.now += 0.5
    error = await charged.call(BATCH, batch)
    assert error is not None
    assert error.reason == "RATE_LIMITED"


async def test_a_batch_that_never_fits_is_told_what_does() -> None:
    batch = pb.BatchCheckFraudRequest(requests=[pb.CheckFraudRequest()] * 11)
    error = await Charged().call(BATCH, batch)
    assert error is not None
    assert (error.reason, error.metadata["largest"]) == ("BATCH_TOO_LARGE", "10")


async def test_methods_without_a_token_are_charged_to_the_peer() -> None:
    charged = Charged()
    asked = auth_pb.GetJwksRequest()
    assert await charged.answered(PEER_RATE + 9, policy=JWKS, request=asked, of=None) == PEER_RATE
    assert await charged.answered(9, policy=JWKS, request=asked, of=None, peer="client/other") == 9
