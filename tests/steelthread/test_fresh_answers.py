"""Answers that are used again are never old ones for long, and callers can tell what they have."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import Platform

USERS = "/api/v1/users"


async def test_a_changed_profile_decides_at_once(edge: Edge) -> None:
    await edge.post(USERS, {"user_id": "erin"})
    assert (await edge.check(user_id="erin"))["outcome"] == "approve"
    for tier, outcome in (("blocked", "decline"), ("standard", "approve"), ("blocked", "decline")):
        await edge.patch(f"{USERS}/erin/risk-profile", {"tier": tier})
        async with asyncio.timeout(5):
            while (await edge.check(user_id="erin"))["outcome"] != outcome:
                await asyncio.sleep(0.05)


async def test_a_writer_always_reads_back_what_it_wrote(edge: Edge) -> None:
    await edge.post(USERS, {"user_id": "frank"})
    for number in range(50):
        await edge.get(f"{USERS}/frank")
        written = await edge.patch(f"{USERS}/frank", {"display_name": f"Frank {number}"})
        assert await edge.get(f"{USERS}/frank") == written


async def test_reads_are_served_from_memory_and_say_so(edge: Edge) -> None:
    await edge.post(USERS, {"user_id": "grace"})
    decision = await edge.check(user_id="grace")
    for path in (f"{USERS}/grace", f"{USERS}/grace/risk-profile", f"/api/v1/decisions/{decision['decision_id']}"):
        answers = [await edge.send("GET", path) for _ in range(10)]
        assert any("age" in answer.headers for answer in answers), path
        assert len({answer.body for answer in answers}) == 1
        fresh = await edge.send("GET", path, headers={"cache-control": "no-cache"})
        assert "age" not in fresh.headers


async def test_nothing_is_served_from_memory_to_another_tenant(platform: Platform, edge: Edge) -> None:
    await edge.post(USERS, {"user_id": "heidi"})
    for _ in range(3):
        await edge.get(f"{USERS}/heidi")
    other = await platform.new_edge()
    assert (await other.send("GET", f"{USERS}/heidi")).status == 404


async def test_two_writers_of_one_state_do_not_overwrite_each_other(edge: Edge) -> None:
    await edge.post(USERS, {"user_id": "ivan"})
    etag = (await edge.send("GET", f"{USERS}/ivan")).headers["etag"]
    answers = await asyncio.gather(*[_patch(edge, "ivan", {"display_name": f"I{n}"}, etag) for n in range(8)])
    assert sorted(answer.status for answer in answers) == [200] + [412] * 7
    assert {refusal(answer)["reason"] for answer in answers if answer.status == 412} == {"ETAG_MISMATCH"}
    (won,) = [answer for answer in answers if answer.status == 200]
    assert (await edge.send("GET", f"{USERS}/ivan")).headers["etag"] == won.headers["etag"] != etag
    assert (await edge.send("GET", f"{USERS}/ivan", headers={"if-none-match": won.headers["etag"]})).status == 304


async def test_long_lists_travel_compressed(edge: Edge) -> None:
    for number in range(40):
        await edge.post(USERS, {"user_id": f"user-{number:03}"})
    plain = await edge.send("GET", f"{USERS}?page_size=50")
    packed = await edge.send("GET", f"{USERS}?page_size=50", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    patched = await _patch(edge, "user-000", {"display_name": "x"}, _etag_of(plain.body))
    assert patched.status == 200


def _etag_of(body: bytes) -> str:
    etag: str = json.loads(body)["users"][0]["etag"]
    return etag


async def _patch(edge: Edge, user_id: str, value: dict[str, Any], etag: str) -> Any:
    return await edge.send("PATCH", f"{USERS}/{user_id}", json.dumps(value).encode(), headers={"if-match": etag})
