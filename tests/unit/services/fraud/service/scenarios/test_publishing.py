"""Who lets which version decide, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from meshkit.errors import MeshError
from services.fraud.domain.scenarios.breaker import NOTHING_COUNTED, OutcomeCounts
from services.fraud.domain.scenarios.deployment import DeploymentMove, Role
from services.fraud.domain.scenarios.publication import DeploymentState, ScenarioPolicy, Step
from services.fraud.domain.scenarios.scenario import ScenarioContent, VersionRef
from services.fraud.domain.scenarios.starter import STARTER_REF
from services.fraud.service.scenarios.publishing import BREAKER
from tests.support.scenarios import ScenarioBench, rule

FIRST, SECOND, THIRD = (VersionRef("cards", number) for number in (1, 2, 3))
SHADOW, SHARE, LIVE = DeploymentMove.SHADOW, DeploymentMove.SHARE, DeploymentMove.LIVE


@pytest.fixture
def bench() -> ScenarioBench:
    return ScenarioBench()


@pytest.fixture
async def publishing(bench: ScenarioBench) -> Any:
    """Of a tenant with three versions: alice made the first two, bob the third."""
    await bench.version("t", "alice", "A")
    await bench.version("t", "alice", "A", "B")
    await bench.version("t", "bob", "A", "B", "C")
    return bench.publishing


async def refusal(coroutine: object) -> MeshError:
    with pytest.raises(MeshError) as caught:
        await coroutine  # type: ignore[misc]
    return caught.value


async def moves(bench: ScenarioBench) -> list[tuple[str, DeploymentMove, VersionRef]]:
    history = await bench.reads.history("t", "payment", 1 << 40, 100)
    assert [each.number for each in history] == list(range(len(history), 0, -1))
    assert [each.at for each in history] == sorted((each.at for each in history), reverse=True)
    return [(each.principal, each.move, each.ref) for each in reversed(history)]


async def two_persons(publishing: Any) -> None:
    await publishing.set_policy("t", ScenarioPolicy(two_persons=True))


async def test_a_version_goes_its_way_and_all_of_it_is_kept(bench: ScenarioBench, publishing: Any) -> None:
    await publishing.deploy("t", "alice", Step(FIRST, SHADOW))
    await publishing.deploy("t", "alice", Step(FIRST, SHARE, 1_000), "10 %")
    state = await publishing.deploy("t", "bob", Step(FIRST, LIVE))
    assert (state.deployment.live, state.deployment.former) == (FIRST, (STARTER_REF,))
    state = await publishing.roll_back("t", "carol", FIRST, "too many declines")
    assert state.deployment.live == STARTER_REF
    assert await moves(bench) == [
        ("alice", SHADOW, FIRST),
        ("alice", SHARE, FIRST),
        ("bob", LIVE, FIRST),
        ("carol", DeploymentMove.ROLL_BACK, FIRST),
    ]
    back, live, share, _ = await bench.reads.history("t", "payment", 1 << 40, 9)
    assert (share.parts, share.reason, live.replaced, back.replaced) == (1_000, "10 %", STARTER_REF, FIRST)
    assert bench.writer.told == ["t"] * 4


async def test_the_same_step_again_is_no_step(bench: ScenarioBench, publishing: Any) -> None:
    for step in (Step(FIRST, SHADOW), Step(SECOND, SHARE, 100), Step(THIRD, LIVE)):
        assert await publishing.deploy("t", "alice", step) == await publishing.deploy("t", "bob", step)
    assert await publishing.withdraw("t", "alice", FIRST) == await publishing.withdraw("t", "alice", FIRST)
    assert len(await moves(bench)) == 4


async def test_a_refused_step_changes_nothing(bench: ScenarioBench, publishing: Any) -> None:
    await publishing.deploy("t", "alice", Step(FIRST, SHARE, 100))
    error = await refusal(publishing.deploy("t", "alice", Step(SECOND, SHARE, 100)))
    assert (error.reason, error.metadata) == ("STATE_NOT_ALLOWED", {"state": "ready"})
    assert (await refusal(publishing.roll_back("t", "alice", SECOND))).reason == "STATE_NOT_ALLOWED"
    assert (await refusal(publishing.withdraw("t", "alice", STARTER_REF))).reason == "STATE_NOT_ALLOWED"
    for tenant, ref in (("t", VersionRef("cards", 9)), ("other", FIRST)):
        assert (await refusal(publishing.deploy(tenant, "alice", Step(ref, LIVE)))).reason == "RESOURCE_NOT_FOUND"
        assert (await refusal(publishing.roll_back(tenant, "alice", ref))).reason == "RESOURCE_NOT_FOUND"
    assert len(await moves(bench)) == 1


async def test_where_two_are_wanted_an_author_asks_and_another_approves(bench: ScenarioBench, publishing: Any) -> None:
    await two_persons(publishing)
    state = await publishing.deploy("t", "alice", Step(FIRST, LIVE), "it is good")
    assert state.deployment.live == STARTER_REF
    (request,) = state.requests
    assert (request.step, request.requested_by, request.comment) == (Step(FIRST, LIVE), "alice", "it is good")
    assert await publishing.deploy("t", "alice", Step(FIRST, LIVE)) == state
    for principal in ("alice", ""):
        error = await refusal(publishing.approve("t", principal, "payment", request.request_id))
        assert (error.reason, error.metadata) == ("SECOND_PERSON_NEEDED", {"scenario_id": "cards", "version": "1"})
    for tenant, event_type in (("t", "login"), ("other", "payment")):
        error = await refusal(publishing.approve(tenant, "bob", event_type, request.request_id))
        assert error.reason == "RESOURCE_NOT_FOUND"
    state = await publishing.approve("t", "bob", "payment", request.request_id)
    assert (state.deployment.live, state.requests) == (FIRST, ())
    assert (await bench.reads.history("t", "payment", 9, 9))[0].requested_by == "alice"
    assert (await refusal(publishing.approve("t", "bob", "payment", request.request_id))).reason == "RESOURCE_NOT_FOUND"


async def test_who_has_not_edited_is_the_second_person(publishing: Any) -> None:
    await two_persons(publishing)
    assert (await publishing.deploy("t", "bob", Step(FIRST, LIVE))).deployment.live == FIRST


async def test_nothing_is_published_in_anothers_version(publishing: Any, bench: ScenarioBench) -> None:
    """Bob's third version has what alice wrote, which was never live: alice is no second person for it."""
    await two_persons(publishing)
    for principal in ("alice", "bob"):
        assert (await publishing.deploy("t", principal, Step(THIRD, LIVE))).deployment.live == STARTER_REF
    assert (await publishing.deploy("t", "carol", Step(SECOND, LIVE))).deployment.live == SECOND
    state = await publishing.deploy("t", "alice", Step(THIRD, LIVE))
    assert state.deployment.live == THIRD


async def test_only_what_changes_more_answers_waits(publishing: Any) -> None:
    await two_persons(publishing)
    assert (await publishing.deploy("t", "alice", Step(FIRST, SHADOW))).deployment.role(FIRST) is Role.SHADOW
    state = await publishing.deploy("t", "bob", Step(FIRST, SHARE, 500))
    assert state.deployment.decides(499) == FIRST
    assert (await publishing.deploy("t", "alice", Step(FIRST, SHARE, 100))).deployment.decides(100) == STARTER_REF
    assert (await publishing.deploy("t", "alice", Step(FIRST, SHARE, 200))).deployment.decides(100) == STARTER_REF
    assert (await publishing.roll_back("t", "alice", FIRST)).deployment.share is None


async def test_requests_are_answered_no_and_bounded(bench: ScenarioBench, publishing: Any) -> None:
    await two_persons(publishing)
    for parts in range(1, 21):
        state = await publishing.deploy("t", "alice", Step(FIRST, SHARE, parts))
    assert len(state.requests) == 20
    assert (await refusal(publishing.deploy("t", "alice", Step(FIRST, SHARE, 99)))).reason == "STATE_NOT_ALLOWED"
    asked = state.requests[3]
    state = await publishing.reject("t", "alice", "payment", asked.request_id, "a mistake")
    assert asked not in state.requests and state.deployment.share is None
    assert (await moves(bench))[-1] == ("alice", DeploymentMove.REJECT, FIRST)
    assert (await refusal(publishing.reject("t", "bob", "payment", asked.request_id))).reason == "RESOURCE_NOT_FOUND"


async def test_an_approval_too_late_is_refused_and_the_request_stays(publishing: Any) -> None:
    await two_persons(publishing)
    state = await publishing.deploy("t", "alice", Step(FIRST, SHARE, 100))
    await publishing.deploy("t", "carol", Step(THIRD, SHARE, 100))
    (request,) = state.requests
    error = await refusal(publishing.approve("t", "bob", "payment", request.request_id))
    assert error.reason == "STATE_NOT_ALLOWED"
    await publishing.withdraw("t", "carol", THIRD)
    assert (await publishing.approve("t", "bob", "payment", request.request_id)).deployment.decides(0) == FIRST


async def test_nobody_approves_what_was_asked_before_the_version_was_taken_away(publishing: Any) -> None:
    await publishing.deploy("t", "carol", Step(FIRST, SHARE, 100))
    await publishing.deploy("t", "carol", Step(THIRD, SHADOW))
    await two_persons(publishing)
    await publishing.deploy("t", "alice", Step(FIRST, LIVE))
    state = await publishing.deploy("t", "bob", Step(THIRD, LIVE))
    assert len(state.requests) == 2
    state = await publishing.roll_back("t", "carol", FIRST)
    assert [each.step.ref for each in state.requests] == [THIRD]


async def test_the_breaker_trips_a_version_once_without_a_second_person(bench: ScenarioBench, publishing: Any) -> None:
    await two_persons(publishing)
    await publishing.deploy("t", "bob", Step(FIRST, LIVE))
    await publishing.deploy("t", "bob", Step(SECOND, LIVE))
    state = await publishing.trip("t", SECOND, "50 % of 200 decisions were decline")
    assert (state.deployment.live, state.deployment.tripped) == (FIRST, True)
    assert (await refusal(publishing.trip("t", SECOND, "again"))).reason == "STATE_NOT_ALLOWED"
    assert (await refusal(publishing.trip("t", FIRST, "and on"))).reason == "STATE_NOT_ALLOWED"
    assert (await moves(bench))[-1] == (BREAKER, DeploymentMove.TRIP, SECOND)
    assert (await publishing.deploy("t", "bob", Step(THIRD, SHARE, 5))).deployment.tripped


async def test_what_the_version_before_did_is_kept_when_it_is_replaced(bench: ScenarioBench) -> None:
    asked: list[tuple[str, str, VersionRef]] = []

    async def usual(*key: object) -> OutcomeCounts:
        asked.append(key)  # type: ignore[arg-type]
        return OutcomeCounts(200, 3, 1)

    await bench.version("t", "alice", "A")
    publishing = bench.publishing_with(usual)
    state: DeploymentState = await publishing.deploy("t", "alice", Step(FIRST, SHARE, 5))
    assert (asked, state.deployment.usual) == ([], NOTHING_COUNTED)
    state = await publishing.deploy("t", "alice", Step(FIRST, LIVE))
    assert (asked, state.deployment.usual) == ([("t", "payment", STARTER_REF)], OutcomeCounts(200, 3, 1))
    assert state.deployment.live_since == int(bench.now.timestamp())


async def test_of_two_who_set_the_policy_the_second_is_told(publishing: Any) -> None:
    first = await publishing.set_policy("t", ScenarioPolicy(two_persons=True), lambda at: at == 0)
    assert first.revision == 1
    assert await publishing.set_policy("t", replace(first, revision=0)) == first
    assert (await refusal(publishing.set_policy("t", ScenarioPolicy(), lambda at: at == 0))).reason == "ETAG_MISMATCH"


async def test_a_version_whose_names_are_gone_decides_no_more(bench: ScenarioBench, publishing: Any) -> None:
    bench.names.lists.append("watched")
    asking = ScenarioContent(event_type="payment", rules=(rule("D", expression="user_id in lists.watched"),))
    await bench.scenarios.create("t", "alice", "asking", asking)
    await bench.scenarios.make_version("t", "alice", "asking")
    ref = VersionRef("asking", 1)
    await publishing.set_policy("t", ScenarioPolicy(two_persons=True))
    asked = await publishing.deploy("t", "alice", Step(ref, LIVE))
    bench.names.lists.clear()
    for step in (Step(ref, SHADOW), Step(ref, SHARE, 100), Step(ref, LIVE)):
        error = await refusal(publishing.deploy("t", "bob", step))
        assert (error.reason, "lists.watched" in error.message) == ("STATE_NOT_ALLOWED", True)
    error = await refusal(publishing.approve("t", "bob", "payment", asked.requests[0].request_id))
    assert error.reason == "STATE_NOT_ALLOWED"
    assert (await bench.reads.deployments("t"))[0].deployment.live == STARTER_REF
