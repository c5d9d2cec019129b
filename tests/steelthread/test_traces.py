"""One trace from a caller's `traceparent` to PostgreSQL, as a real OTLP receiver gets it from the real processes."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from typing import Any

from tests.steelthread.edge import CHECK, Edge, a_check
from tests.steelthread.platform import Platform, eventually
from tests.steelthread.test_streams import watching
from tests.support.otlp import CLIENT, INTERNAL, SERVER, Collector, Received

SERVICE = "rampart.fraud.v1.FraudService"
BATCH, ITEM = f"{SERVICE}/CoalesceCheckFraud", f"{SERVICE}/CheckFraud"
TOGETHER = "batch CoalesceCheckFraud"
PROFILES = "rampart.user.v1.UserService/CoalesceGetRiskProfile"
STORED = "SELECT record_decisions"
EDGE = f"POST {CHECK}"
AGAIN = {"cache-control": "no-cache"}


def a_trace(flags: str = "01") -> tuple[str, str, dict[str, str]]:
    """Returns a caller's trace and span, and the headers that name them."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return trace, span, {"traceparent": f"00-{trace}-{span}-{flags}"}


def one(spans: Sequence[Received], name: str, kind: int) -> Received:
    (found,) = [span for span in spans if (span.name, span.kind) == (name, kind)]
    return found


async def until(collector: Collector, trace: str, *names: str) -> list[Received]:
    return await asyncio.to_thread(collector.until, trace, *names)


async def test_a_check_is_one_tree_from_its_caller_to_the_commit(
    platform: Platform, collector: Collector, edge: Edge
) -> None:
    trace, caller, headers = a_trace()
    check = a_check()
    answer = await edge.send(
        "POST", CHECK, json.dumps(check).encode(), headers=headers | {"tracestate": "vendor=1", "x-request-id": trace}
    )
    assert answer.status == 200
    profiles = (PROFILES, PROFILES, "batch CoalesceGetRiskProfile")
    spans = await until(collector, trace, EDGE, TOGETHER, BATCH, BATCH, ITEM, STORED, "EVALSHA", *profiles)
    served = one(spans, EDGE, SERVER)
    together, sent, batch = one(spans, TOGETHER, INTERNAL), one(spans, BATCH, CLIENT), one(spans, BATCH, SERVER)
    item, stored = one(spans, ITEM, SERVER), one(spans, STORED, CLIENT)
    assert [span.parent for span in (served, together, sent, batch, item, stored)] == [
        caller, served.id, together.id, sent.id, served.id, batch.id,
    ]  # fmt: skip
    known = {span.id for span in spans}
    assert all(span.parent in known for span in spans if span is not served)
    assert served.place in together.links and together.place in served.links
    assert item.place in batch.links and batch.place in item.links
    assert {span.service for span in spans} == {"rampart-gateway", "rampart-fraud", "rampart-user"}
    assert not any(span.failed for span in spans if span.name != "EVALSHA")
    assert {span.tracestate for span in spans} == {"vendor=1"}
    await _lines_name_the_spans(platform, trace, served, item)
    _says_nothing_personal(spans, check, await edge.token(), edge.target.client_secret)


async def _lines_name_the_spans(platform: Platform, trace: str, served: Received, item: Received) -> None:
    expected = {("gateway", "gateway.access", served.id), ("fraud", "decisions", item.id)}

    async def written() -> bool:
        lines = [line for name in ("gateway", "fraud") for line in platform.log(name) if line.get("trace_id") == trace]
        assert {line["request_id"] for line in lines} <= {trace}
        return {(line["service"], line["logger"], line["span_id"]) for line in lines} >= expected

    await eventually(written, 5)


def _says_nothing_personal(spans: Sequence[Received], check: dict[str, Any], *secret: str) -> None:
    text = "".join(str(span.raw) for span in spans)
    for value in (check["user_id"], check["device_fingerprint"], check["ip_address"], *secret):
        assert value not in text


async def test_checks_that_travel_together_keep_their_traces(collector: Collector, edge: Edge) -> None:
    traces = [a_trace() for _ in range(40)]
    await edge.token()
    bodies = [json.dumps(a_check()).encode() for _ in traces]
    answers = await asyncio.gather(
        *(edge.send("POST", CHECK, body, headers=headers) for body, (_, _, headers) in zip(bodies, traces, strict=True))
    )
    assert {answer.status for answer in answers} == {200}
    callers: dict[tuple[str, str], Received] = {}
    for trace, caller, _ in traces:
        spans = await until(collector, trace, EDGE, ITEM)
        served, item = one(spans, EDGE, SERVER), one(spans, ITEM, SERVER)
        assert (served.parent, item.parent) == (caller, served.id)
        callers[served.place] = served
    batches = [span for trace, _, _ in traces for span in collector.trace(trace) if span.name == TOGETHER]
    linked = [link for batch in batches for link in batch.links]
    assert sorted(linked) == sorted(callers)
    assert max(len(batch.links) for batch in batches) > 1
    assert all(batch.place in callers[link].links for batch in batches for link in batch.links)
    for batch in batches:
        # What serves the batch, down to the commit, is in the trace of the caller that it is under.
        below = await until(collector, batch.trace, BATCH, BATCH, STORED)
        sent, served = one(below, BATCH, CLIENT), one(below, BATCH, SERVER)
        assert (sent.parent, served.parent, len(served.links)) == (batch.id, sent.id, len(batch.links))


async def test_a_get_reaches_the_database_in_its_callers_trace(collector: Collector, edge: Edge) -> None:
    trace, caller, headers = a_trace()
    await edge.send("GET", "/api/v1/users?page_size=1", headers=headers)
    list_users = "rampart.user.v1.UserService/ListUsers"
    spans = await until(collector, trace, "GET /api/v1/users", list_users, list_users, "SELECT users", "COMMIT")
    served, called = one(spans, "GET /api/v1/users", SERVER), one(spans, list_users, CLIENT)
    answered, read = one(spans, list_users, SERVER), one(spans, "SELECT users", CLIENT)
    assert [served.parent, called.parent, answered.parent, read.parent] == [caller, served.id, called.id, answered.id]


async def test_reads_that_share_a_call_link_to_it(collector: Collector, edge: Edge) -> None:
    decision = (await edge.check())["decision_id"]
    traces = [a_trace() for _ in range(30)]
    await asyncio.gather(
        *(edge.send("GET", f"/api/v1/decisions/{decision}", headers=headers | AGAIN) for *_, headers in traces)
    )
    route, called = "GET /api/v1/decisions/{decision_id}", f"{SERVICE}/GetDecision"
    served = [one(await until(collector, trace, route), route, SERVER) for trace, *_ in traces]
    shared = {span.place: span for span in collector.all() if span.name == called and span.kind == CLIENT}
    above = {(span.trace, span.parent) for span in shared.values()}
    followers = [span for span in served if span.place not in above]
    assert 0 < len(followers) < len(served)
    assert all(len(span.links) == 1 and span.links <= shared.keys() for span in followers)


async def test_a_caller_that_does_not_record_leaves_its_trace_in_the_logs_alone(
    platform: Platform, collector: Collector, edge: Edge
) -> None:
    (silent, _, unsampled), (loud, _, sampled) = a_trace("00"), a_trace()
    for headers in (unsampled, sampled):
        await edge.send("POST", CHECK, json.dumps(a_check()).encode(), headers=headers)
    await until(collector, loud, EDGE, ITEM)

    async def written() -> bool:
        return all(any(line.get("trace_id") == silent for line in platform.log(name)) for name in ("gateway", "fraud"))

    await eventually(written, 5)
    assert collector.trace(silent) == []


async def test_a_stream_is_one_trace_until_it_ends(collector: Collector, edge: Edge) -> None:
    trace, caller, headers = a_trace()
    async with watching(edge, more=headers) as events:
        expected = (await edge.check())["decision_id"]
        assert await events.decision() == expected
    watched = f"{SERVICE}/WatchDecisions"
    spans = await until(collector, trace, "GET /api/v1/decisions:watch", watched, watched)
    served, called, answered = (
        one(spans, "GET /api/v1/decisions:watch", SERVER), one(spans, watched, CLIENT), one(spans, watched, SERVER),
    )  # fmt: skip
    assert [served.parent, called.parent, answered.parent] == [caller, served.id, called.id]
    assert not served.failed


async def test_a_repeated_answer_names_the_request_that_it_repeats(collector: Collector, edge: Edge) -> None:
    body = json.dumps(a_check()).encode()
    (_, _, first), (trace, _, second) = a_trace(), a_trace()
    sent = {"idempotency-key": f'"{secrets.token_hex(8)}"'}
    answer = await edge.send("POST", CHECK, body, headers=first | sent)
    again = await edge.send("POST", CHECK, body, headers=second | sent)
    assert again.body == answer.body
    served = one(await until(collector, trace, EDGE), EDGE, SERVER)
    assert served.attributes["rampart.replayed"] == answer.headers["x-request-id"]
