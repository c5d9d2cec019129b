"""The methods of the fraud service, on ports in memory."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import pytest
from google.rpc import code_pb2
from rampart.fraud.v1 import fraud_service_pb2 as pb

from meshkit.context import CallContext, set_current
from meshkit.errors import Kind, MeshError
from meshkit.identity.claims import TrustedIssuer
from meshkit.identity.policy import policies
from meshkit.identity.tokens import TokenVerifier
from meshkit.ids import uuid7_text
from meshkit.rpc.coalesce import Coalescer
from meshkit.telemetry.logs import EventLog
from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.memory import MemoryRates, MemoryRiskProfiles, MemoryStore
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes
from services.fraud.adapters.memory_log import MemoryLog
from services.fraud.adapters.memory_scenarios import MemoryScenarioRows, MemoryScenarios
from services.fraud.convert import Positions
from services.fraud.domain.outbox import BEGINNING, OutboxPage, Place, PlaceProof, StoredPage
from services.fraud.service.deciding.decider import CheckCall, Decider, Outcome
from services.fraud.service.deciding.judging import DecisionPolicy
from services.fraud.service.deciding.ways import CheckWays
from services.fraud.service.tenants.feature_sets import StarterFeatures
from services.fraud.service.tenants.models import ModelCatalog
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.verification.replaying import Replays
from services.fraud.service.watching.feed import DecisionFeed
from services.fraud.service.watching.limits import WatchLimits, WatchPace
from services.fraud.service.watching.watches import Watches
from services.fraud.servicer import DECISION_FIELDS, CheckMeans, FraudServicer
from tests.support.continuations import CONTINUATIONS, PAGES
from tests.support.fraud import IP, configured, decided, new_tenant, principal, record, request
from tests.support.fraud import check as checked
from tests.support.readers import reader_of
from tests.support.scorers import FakeModels

FRAUD = pb.DESCRIPTOR.services_by_name["FraudService"]
CONTEXT = cast("Any", None)


class NoOutbox:
    async def read(
        self, consumer: str, after: Place = BEGINNING, limit: int = 0, proof: PlaceProof = PlaceProof()
    ) -> OutboxPage:
        return OutboxPage(after, after, ())


class NoDecided:
    async def read(self, after: tuple[str, str], limit: int = 0) -> StoredPage:
        return StoredPage((), None, BEGINNING, PlaceProof())


class Counted(Decider):
    """Notes the sizes of what it decides together, and hangs where a transaction is."""

    sizes: list[int]
    hanging = ""

    async def decide_prompt(self, calls: Sequence[CheckCall], *, sheds: bool = False) -> Sequence[Outcome | MeshError]:
        self.sizes.append(len(calls))
        if any(call.check.transaction_id == self.hanging for call in calls):
            await asyncio.sleep(60)
        return await super().decide_prompt(calls, sheds=sheds)


class Service:
    """A servicer, the log of its decisions, and the sizes of what it decided together."""

    def __init__(self) -> None:
        store = MemoryStore()
        self.rates = ExchangeRates(MemoryRates())
        self.decider = Counted(
            reader=reader_of(MemoryLogs(time.time), store),
            profiles=MemoryRiskProfiles(),
            rates=self.rates,
            store=store,
            policy=DecisionPolicy(),
            states=configured,
            ip=IP,
        )
        self.watched = MemoryLog()
        self.feed = DecisionFeed(self.watched)
        self.sizes: list[int] = []
        self.lines = io.StringIO()
        self.log = EventLog("fraud", "decisions", "decided", DECISION_FIELDS, self.lines)
        self.decider.sizes = self.sizes
        apart = partial(Coalescer[CheckCall, Outcome], "test apart", max_items=64, max_bytes=1 << 20, max_in_flight=1)
        ways = CheckWays(self.decider, apart, in_flight=1)
        self.methods = FraudServicer(
            means=CheckMeans(
                checks=Coalescer("test", ways.decide_singles, max_items=256, max_bytes=1 << 20, max_in_flight=1),
                ways=ways,
                states=configured,
                verifier=TokenVerifier(self._no_keys, TrustedIssuer.own("", "")),
                batch_policy=policies([FRAUD])["/rampart.fraud.v1.FraudService/CoalesceCheckFraud"],
                decisions=self.log,
            ),
            store=store,
            outbox=NoOutbox(),
            decided=NoDecided(),
            watches=Watches(log=self.watched, feed=self.feed, limits=WatchLimits(2, 2), pace=WatchPace(1e6)),
            continuations=CONTINUATIONS,
            rates=self.rates,
            replays=Replays(
                MemoryScenarios(MemoryScenarioRows()),
                MemoryEventTypes(MemoryDeclarations()),
                StarterFeatures(),
                ModelCatalog(FakeModels()),
            ),
        )

    async def _no_keys(self) -> list[dict[str, str]]:
        return []

    def logged(self) -> list[dict[str, Any]]:
        self.log.flush()
        return [json.loads(line) for line in self.lines.getvalue().splitlines()]


@pytest.fixture
async def service() -> Service:
    return Service()


def act_as(tenant: str) -> None:
    set_current(CallContext(request_id="r-1", principal=principal(tenant)))


async def check(service: Service, name: str, **fields: Any) -> pb.CheckFraudResponse:
    return await service.methods.CheckFraud(request(name, **fields), CONTEXT)


async def test_decision_is_answered_logged_and_found_again(service: Service) -> None:
    act_as(new_tenant())
    answer = (await check(service, "t-1", transaction_amount=6_000.0)).decision
    (line,) = service.logged()
    assert (line["decision_id"], line["request_id"], line["outcome"]) == (answer.decision_id, "r-1", answer.outcome)
    found = await service.methods.GetDecision(pb.GetDecisionRequest(decision_id=answer.decision_id), CONTEXT)
    assert found.decision.inputs.amount_minor == 600_000
    found.decision.ClearField("inputs")
    assert found.decision == answer
    act_as(new_tenant())
    with pytest.raises(MeshError) as caught:
        await service.methods.GetDecision(pb.GetDecisionRequest(decision_id=answer.decision_id), CONTEXT)
    assert caught.value.kind is Kind.NOT_FOUND


async def test_decision_is_explained_and_computed_again_for_its_tenant_alone(service: Service) -> None:
    act_as(new_tenant())
    answer = (await check(service, "t-1", transaction_amount=6_000.0)).decision
    asked = pb.ExplainDecisionRequest(decision_id=answer.decision_id)
    explanation = (await service.methods.ExplainDecision(asked, CONTEXT)).explanation
    assert (explanation.outcome, explanation.versions) == (answer.outcome, answer.versions)
    fired = {rule.reason_code: rule.message for rule in explanation.rules if rule.state == "fired"}
    assert fired == {each.reason_code: each.message for each in answer.explanations}
    assert explanation.values["amount_usd"].number_value == 6_000.0
    again = pb.ReplayDecisionRequest(decision_id=answer.decision_id)
    replay = (await service.methods.ReplayDecision(again, CONTEXT)).replay
    assert (replay.decision_id, replay.identical, replay.intact) == (answer.decision_id, True, True)
    act_as(new_tenant())
    for ask in (service.methods.ExplainDecision(asked, CONTEXT), service.methods.ReplayDecision(again, CONTEXT)):
        with pytest.raises(MeshError) as caught:
            await ask
        assert (caught.value.kind, caught.value.metadata) == (Kind.NOT_FOUND, {"resource": "decision"})


async def test_long_decision_is_answered_whole(service: Service) -> None:
    """Its length takes more than one byte of the wire format."""
    act_as(new_tenant())
    name = "x" * 120
    for _ in range(30):
        await check(service, "", transaction_amount=9_000.0)
    answer = (await check(service, name, transaction_amount=9_000.0, user_id="u" * 120)).decision
    assert (answer.transaction_id, answer.user_id, answer.outcome) == (name, "u" * 120, "decline")
    assert answer.ByteSize() > 300


async def test_retry_is_answered_with_the_same_and_logged_once(service: Service) -> None:
    act_as(new_tenant())
    answers = [await check(service, "t-1") for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(service.logged()) == 1


async def test_public_batch_answers_each_in_order_with_its_own_error(service: Service) -> None:
    act_as(new_tenant())
    batch = pb.BatchCheckFraudRequest(
        requests=[
            request("a"),
            request("b", user_id=""),
            request("c", transaction_amount=0.001),
            request("a"),
            request("a", transaction_amount=1.0),
            request("d"),
        ]
    )
    results = (await service.methods.BatchCheckFraud(batch, CONTEXT)).results
    assert [result.WhichOneof("result") for result in results] == [
        "decision", "error", "error", "decision", "error", "decision"
    ]  # fmt: skip
    assert [results[n].error.code for n in (1, 2, 4)] == [
        code_pb2.INVALID_ARGUMENT, code_pb2.INVALID_ARGUMENT, code_pb2.ALREADY_EXISTS
    ]  # fmt: skip
    assert results[0].decision == results[3].decision
    assert [results[n].decision.transaction_id for n in (0, 5)] == ["a", "d"]


async def test_large_batch_is_decided_in_parts(service: Service) -> None:
    act_as(new_tenant())
    asked = [request(f"t-{number}", user_id=f"u{number}", merchant_id="") for number in range(600)]
    answer = await service.methods.BatchCheckFraud(pb.BatchCheckFraudRequest(requests=asked), CONTEXT)
    assert service.sizes == [256, 256, 88]
    assert [result.decision.transaction_id for result in answer.results] == [each.transaction_id for each in asked]


async def test_public_batch_is_answered_before_its_deadline_with_what_is_decided_by_then(service: Service) -> None:
    """Who waits no longer for the batch would otherwise learn of none of its decisions."""
    tenant = new_tenant()
    asked = [request(f"t-{number}") for number in range(300)]
    service.decider.hanging = "t-256"
    deadline = time.monotonic() + 1.0
    set_current(CallContext(principal=principal(tenant), deadline=deadline))
    answer = await service.methods.BatchCheckFraud(pb.BatchCheckFraudRequest(requests=asked), CONTEXT)
    assert time.monotonic() < deadline
    assert {each.WhichOneof("result") for each in answer.results[:256]} == {"decision"}
    assert {each.error.code for each in answer.results[256:]} == {code_pb2.DEADLINE_EXCEEDED}


async def test_list_goes_through_all_pages(service: Service) -> None:
    act_as(new_tenant())
    for number in range(7):
        await check(service, f"t-{number}")
    found: list[str] = []
    asked = pb.ListDecisionsRequest(page_size=3)
    while True:
        page = await service.methods.ListDecisions(asked, CONTEXT)
        found += [decision.transaction_id for decision in page.decisions]
        if not page.next_page_token:
            break
        asked.page_token = page.next_page_token
    assert found == [f"t-{number}" for number in reversed(range(7))]


async def test_last_page_that_is_full_has_no_next_one(service: Service) -> None:
    act_as(new_tenant())
    for number in range(4):
        await check(service, f"t-{number}")
    assert not (await service.methods.ListDecisions(pb.ListDecisionsRequest(page_size=4), CONTEXT)).next_page_token


async def test_forged_page_token_is_the_callers_fault(service: Service) -> None:
    tenant = new_tenant()
    act_as(tenant)
    for forged in ("no token", PAGES.encode(new_tenant(), pb.ListDecisionsRequest(), [uuid7_text()])):
        with pytest.raises(MeshError) as caught:
            await service.methods.ListDecisions(pb.ListDecisionsRequest(page_token=forged), CONTEXT)
        assert (caught.value.kind, caught.value.reason) == (Kind.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_watcher_gets_what_it_selects_of_its_tenant_and_can_go_on_after_any_of_it(service: Service) -> None:
    tenant = new_tenant()
    act_as(tenant)
    following = asyncio.create_task(service.feed.run())
    request = pb.WatchDecisionsRequest(outcomes=["approve"], user_id="u1", min_confidence_score=0.0)
    watching = service.methods.WatchDecisions(request, CONTEXT)
    first = await anext(watching)
    assert first.position and not first.HasField("decision")
    made = [decided(checked(tenant, f"t-{number}", user_id=f"u{number % 2}")) for number in range(4)]
    service.watched.commit([*made, decided(checked(new_tenant(), "theirs"))])
    answers = [await anext(watching) for _ in range(2)]
    assert [answer.decision.SerializeToString() for answer in answers] == [record(made[n]).answer for n in (1, 3)]
    await watching.aclose()
    resumed = service.methods.WatchDecisions(pb.WatchDecisionsRequest(after=answers[0].position), CONTEXT)
    positions = [await anext(resumed) for _ in range(3)]
    assert [answer.decision.transaction_id for answer in positions] == ["", "t-2", "t-3"]
    await resumed.aclose()
    following.cancel()


async def test_watcher_with_a_place_that_is_none_is_refused(service: Service) -> None:
    act_as(new_tenant())
    theirs = Positions(CONTINUATIONS, new_tenant()).write(Place(1, 1))
    for after in ("nowhere", theirs):
        with pytest.raises(MeshError) as caught:
            await anext(service.methods.WatchDecisions(pb.WatchDecisionsRequest(after=after), CONTEXT))
        assert caught.value.reason == "VALIDATION_FAILED"
