"""Programs over REST: an API key in place of a token, and a leak that is ended everywhere by one call."""

from __future__ import annotations

import asyncio
import time

from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import Platform

SCOPES = ["client:read", "client:write", "user:read", "task:read"]
SECONDS = 5.0
READS = ("/api/v1/users", "/api/v1/tasks", "/api/v1/clients")
"""Of three services."""


async def boss(platform: Platform) -> Edge:
    return await platform.new_edge(scopes=SCOPES)


async def refused_within(edge: Edge, reasons: set[str], **headers: str) -> None:
    """Waits until every service refuses what the headers show."""
    until = time.monotonic() + SECONDS
    while True:
        answers = [await edge.bare("GET", path, b"", **headers) for path in READS]
        if {answer.status for answer in answers} == {401}:
            assert {refusal(answer)["reason"] for answer in answers} <= reasons
            return
        assert time.monotonic() < until
        await asyncio.sleep(0.2)


async def test_api_key_is_good_in_either_header_until_it_is_revoked(platform: Platform) -> None:
    edge = await boss(platform)
    made = await edge.post("/api/v1/api-keys", {"scopes": ["client:read", "user:read", "task:read"]})
    key = made["secret"]
    for headers in ({"x_api_key": key}, {"authorization": f"Bearer {key}"}):
        assert [(await edge.bare("GET", path, b"", **headers)).status for path in READS] == [200] * 3
    forbidden = await edge.bare("DELETE", f"/api/v1/api-keys/{made['api_key']['key_id']}", x_api_key=key)
    assert refusal(forbidden)["reason"] == "SCOPE_MISSING"
    assert (await edge.send("DELETE", f"/api/v1/api-keys/{made['api_key']['key_id']}")).status == 200
    await refused_within(edge, {"API_KEY_INVALID", "TOKEN_REVOKED"}, x_api_key=key)


async def test_leaked_secret_and_its_tokens_are_refused_everywhere_after_one_call(platform: Platform) -> None:
    edge = await boss(platform)
    made = await edge.post("/api/v1/clients", {"scopes": ["client:read", "user:read", "task:read"]})
    leaked = platform.edge_of(made["client"]["client_id"], made["client_secret"])
    token = await leaked.token()
    assert [(await edge.bare("GET", path, authorization=f"Bearer {token}")).status for path in READS] == [200] * 3
    await edge.post(f"/api/v1/clients/{made['client']['client_id']}:revoke-secret", {})
    await refused_within(edge, {"TOKEN_REVOKED"}, authorization=f"Bearer {token}")
