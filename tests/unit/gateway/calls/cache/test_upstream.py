"""Answers that are used again, through the whole gateway with a mesh in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest

from gateway.calls.cache.store import AnswerStore
from gateway.calls.cache.upstream import AnswerCache, cache_use, topic_of
from gateway.calls.upstream import CacheUse
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError
from meshkit.storage.changes import Change, Freshness
from tests.support.gateway import PRINCIPAL, TOKEN, Gateway, MemoryUpstream, Reply

USER = "/api/v1/users/u1"
DECISION = "/api/v1/decisions/018f3a6e-0000-7000-8000-000000000001"


@dataclass
class Gated:
    """An upstream whose calls can be held back."""

    inner: MemoryUpstream
    gate: asyncio.Event

    async def call(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None) -> bytes:
        gate = self.gate
        data = await self.inner.call(method, request, call, use)
        await gate.wait()
        return data


class CachedGateway(Gateway):
    """A gateway whose upstream remembers. `mesh` is what lies behind."""

    def __init__(self) -> None:
        self.mesh = MemoryUpstream({"user": {"user_id": "u1", "display_name": "old"}})
        self.gated = Gated(self.mesh, asyncio.Event())
        self.gated.gate.set()
        self.now = 1000.0
        self.ear = Freshness(key=topic_of)
        self.ear.live = True
        self.cache = AnswerCache(self.gated, AnswerStore(1 << 20), self.ear, clock=lambda: self.now)
        super().__init__(upstream=self.cache)

    async def get(self, target: str = USER, **options: str) -> Reply:
        headers = {"cache-control": options["control"]} if "control" in options else {}
        return await self.request("GET", target, headers=headers, token=options.get("token", TOKEN))

    def hold(self) -> None:
        """Lets calls reach the mesh and their answers wait."""
        self.gated.gate.clear()

    def rename(self, name: str) -> None:
        self.mesh.answer = {"user": {"user_id": "u1", "display_name": name}}


@pytest.fixture
def gateway() -> CachedGateway:
    return CachedGateway()


async def test_second_read_is_served_from_memory_and_says_how_old_it_is(gateway: CachedGateway) -> None:
    first, second = await gateway.get(), await gateway.get()
    assert first.body == second.body
    assert "age" not in first.headers
    assert second.headers["age"] == "0"
    assert second.headers["etag"] == first.headers["etag"]
    assert len(gateway.mesh.calls) == 1


async def test_other_requests_are_other_answers(gateway: CachedGateway) -> None:
    for target in (USER, "/api/v1/users/u2", f"{USER}/risk-profile", USER):
        await gateway.get(target)
    assert len(gateway.mesh.calls) == 3


async def test_tenants_never_see_each_others_answers(gateway: CachedGateway) -> None:
    await gateway.get()
    gateway.verifier.tokens["other"] = replace(PRINCIPAL, tenant_id="tenant-2")
    gateway.rename("of the other tenant")
    assert (await gateway.get(token="other")).json["display_name"] == "of the other tenant"
    assert (await gateway.get()).json["display_name"] == "old"


async def test_caller_without_the_scope_is_refused_although_the_answer_is_known(gateway: CachedGateway) -> None:
    await gateway.get()
    gateway.verifier.tokens["weak"] = replace(PRINCIPAL, scopes=frozenset({"decision:read"}))
    assert (await gateway.get(token="weak")).status == 403


@pytest.mark.parametrize("path", [USER, f"{USER}/risk-profile"])
async def test_writer_reads_back_what_was_written_through_the_same_gateway(gateway: CachedGateway, path: str) -> None:
    await gateway.get()
    gateway.mesh.answer = {}
    assert (await gateway.request("PATCH", path, {})).status == 200
    gateway.rename("new")
    assert (await gateway.get()).json["display_name"] == "new"


async def test_write_that_failed_may_have_happened(gateway: CachedGateway) -> None:
    await gateway.get()
    gateway.mesh.error = MeshError(Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "too late")
    assert (await gateway.request("PATCH", USER, {})).status == 504
    gateway.mesh.error = None
    gateway.rename("new")
    assert (await gateway.get()).json["display_name"] == "new"


async def test_change_elsewhere_ends_the_use_of_the_tenants_answers(gateway: CachedGateway) -> None:
    await gateway.get()
    gateway.rename("new")
    gateway.ear.heard(Change("user", "tenant-2", "u1"))
    gateway.ear.heard(Change("other", "tenant-1", "u1"))
    assert (await gateway.get()).json["display_name"] == "old"
    gateway.ear.heard(Change("user", "tenant-1", "u1"))
    assert (await gateway.get()).json["display_name"] == "new"


async def test_read_that_was_under_way_during_a_change_is_not_kept(gateway: CachedGateway) -> None:
    gateway.hold()
    reading = asyncio.create_task(gateway.get())
    await asyncio.sleep(0.01)
    gateway.ear.heard(Change("user", "tenant-1", "u1"))
    gateway.rename("new")
    gateway.gated.gate.set()
    assert (await reading).json["display_name"] == "old", "it began before the change"
    assert (await gateway.get()).json["display_name"] == "new"


async def test_late_answer_from_before_a_change_does_not_push_out_the_one_from_after_it(gateway: CachedGateway) -> None:
    gateway.hold()
    reading = asyncio.create_task(gateway.get())
    await asyncio.sleep(0.01)
    held, gateway.gated.gate = gateway.gated.gate, asyncio.Event()
    gateway.gated.gate.set()
    gateway.ear.heard(Change("user", "tenant-1", "u1"))
    await gateway.get()
    held.set()
    await reading
    assert "age" in (await gateway.get()).headers


async def test_reads_before_and_after_a_change_are_of_different_generations(gateway: CachedGateway) -> None:
    await gateway.get()
    gateway.ear.heard(Change("user", "tenant-1", "u1"))
    await gateway.get()
    first, second = [call.use for call in gateway.mesh.calls]
    assert first is not None
    assert second is not None
    assert first.generation < second.generation


async def test_nothing_that_depends_on_changes_is_used_while_nobody_tells_of_them(gateway: CachedGateway) -> None:
    await gateway.get()
    gateway.ear.live = False
    gateway.rename("new")
    assert (await gateway.get()).json["display_name"] == "new"
    gateway.ear.everything_changed()
    gateway.ear.live = True
    assert (await gateway.get()).json["display_name"] == "new"
    assert len(gateway.mesh.calls) == 3


async def test_what_never_changes_needs_nobody_to_tell(gateway: CachedGateway) -> None:
    gateway.ear.live = False
    gateway.mesh.answer = {"decision": {"decision_id": "018f3a6e-0000-7000-8000-000000000001"}}
    for _ in range(3):
        assert (await gateway.get(DECISION)).status == 200
    assert len(gateway.mesh.calls) == 1


async def test_errors_are_not_kept(gateway: CachedGateway) -> None:
    gateway.mesh.error = MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such decision")
    assert (await gateway.get(DECISION)).status == 404
    gateway.mesh.error = None
    gateway.mesh.answer = {}
    assert (await gateway.get(DECISION)).status == 200


@pytest.mark.parametrize(
    ("control", "fresh"),
    [
        ("no-cache", True),
        ("No-Cache", True),
        ("max-age=0", True),
        ("no-store", True),
        ("foo, no-cache", True),
        ("max-age=00", False),
        ("max-age=10", False),
        ("no-cachex", False),
        ("", False),
    ],
)
async def test_caller_may_ask_for_an_answer_that_is_made_now(gateway: CachedGateway, control: str, fresh: bool) -> None:
    assert cache_use(control.encode()).fresh is fresh
    await gateway.get()
    gateway.rename("new")
    assert (await gateway.get(control=control)).json["display_name"] == ("new" if fresh else "old")
    assert (await gateway.get()).json["display_name"] == ("new" if fresh else "old"), "and the next one has it"


async def test_answer_is_used_no_longer_than_the_policy_says(gateway: CachedGateway) -> None:
    await gateway.get()
    gateway.rename("new")
    gateway.now += 29.9
    reply = await gateway.get()
    assert (reply.json["display_name"], reply.headers["age"]) == ("old", "29")
    gateway.now += 0.2
    assert (await gateway.get()).json["display_name"] == "new"


async def test_lists_are_always_read(gateway: CachedGateway) -> None:
    gateway.mesh.answer = {}
    for _ in range(2):
        await gateway.get("/api/v1/users")
    assert len(gateway.mesh.calls) == 2
