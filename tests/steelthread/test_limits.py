"""Rate limits, and the thread of one request through the logs."""

from __future__ import annotations

import asyncio
import json
import math
import re
import secrets

from tests.steelthread.edge import Edge, a_check, refusal
from tests.steelthread.platform import Platform, eventually

PLACES = ("gateway", "fraud")
BURST, LIMIT = 60, 20
POLICY = re.compile(r'"(?P<name>[a-z]+)";q=(?P<quota>\d+);w=1')
STATE = re.compile(r'"(?P<name>[a-z]+)";r=(?P<remaining>\d+);t=(?P<reset>\d+)')


async def test_a_client_over_its_limit_is_told_when_to_come_back_and_then_served(platform: Platform) -> None:
    limited = platform.edge("limited_client")
    await limited.token()
    # What earlier calls of this client have used is there again.
    await asyncio.sleep(1.1)
    answers = await asyncio.gather(*[limited.post_check(**a_check()) for _ in range(BURST)])
    served = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status != 200]
    assert LIMIT <= len(served) < BURST
    assert {answer.status for answer in refused} == {429}
    for answer in answers:
        policy = POLICY.fullmatch(answer.headers["ratelimit-policy"])
        state = STATE.fullmatch(answer.headers["ratelimit"])
        assert policy is not None and state is not None
        assert policy["name"] == state["name"] == "decision"
        assert int(policy["quota"]) == LIMIT
        assert 0 <= int(state["remaining"]) < LIMIT
        assert int(state["reset"]) >= 1
    for answer in refused:
        assert refusal(answer)["reason"] == "RATE_LIMITED"
        assert int(answer.headers["retry-after"]) >= 1
        assert "r=0;" in answer.headers["ratelimit"]
    # Workers that had not heard of each other yet may have served more than the limit at once: it is paid back first.
    for _ in range(math.ceil(len(served) / LIMIT)):
        await asyncio.sleep(int(refused[-1].headers["retry-after"]))
        refused.append(await limited.post_check(**a_check()))
        if refused[-1].status != 429:
            break
    assert refused[-1].status == 200


async def test_a_client_over_its_limit_does_not_disturb_its_tenant(platform: Platform) -> None:
    limited, other = platform.edge("limited_client"), platform.edge("client")
    await limited.token()
    await asyncio.gather(*[limited.post_check(**a_check()) for _ in range(BURST)])
    answers = await asyncio.gather(*[other.post_check(**a_check()) for _ in range(BURST)])
    assert {answer.status for answer in answers} == {200}


async def test_a_request_can_be_followed_through_the_logs(platform: Platform, edge: Edge) -> None:
    request, trace = f"order-{secrets.token_hex(8)}", secrets.token_hex(16)
    headers = {"x-request-id": request, "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
    answer = await edge.send("GET", "/api/v1/decisions", headers=headers)
    assert answer.headers["x-request-id"] == request
    check = a_check()
    answer = await edge.send("POST", "/api/v1/fraud-check", json.dumps(check).encode(), headers=headers)
    decision = answer.json()["decision_id"]

    async def said() -> bool:
        lines = {name: [line for line in platform.log(name) if line.get("request_id") == request] for name in PLACES}
        return (
            any(line.get("route") == "/api/v1/fraud-check" for line in lines["gateway"])
            and any(line.get("decision_id") == decision for line in lines["fraud"])
            and all(line["trace_id"] == trace for found in lines.values() for line in found)
        )

    await eventually(said, 5)
    for name in PLACES:
        text = platform.log_text(name)
        assert await edge.token() not in text
        assert edge.target.client_secret not in text
        assert check["device_fingerprint"] not in text


async def test_a_request_without_an_identifier_gets_one(edge: Edge) -> None:
    first, second = [await edge.send("GET", "/api/v1/decisions") for _ in range(2)]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    strange = await edge.send("GET", "/api/v1/decisions", headers={"x-request-id": "a b\tc"})
    assert re.fullmatch(r"[0-9a-f]{32}", strange.headers["x-request-id"])
