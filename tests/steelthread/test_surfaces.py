"""What stands beside the API: documentation, probes, metrics, verification keys, and gRPC for teams inside."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from rampart.fraud.v1 import fraud_service_pb2, fraud_service_pb2_grpc

from console.http import HttpClient
from gateway.edge.metrics import FLUSH_SECONDS
from meshkit.topology import load
from tests.steelthread.edge import Edge, a_check
from tests.steelthread.platform import REPLICAS, Platform

PATHS = {
    "/api/v1/fraud-check": {"post"},
    "/api/v1/fraud-check:batch": {"post"},
    "/api/v1/decisions": {"get"},
    "/api/v1/decisions/{decision_id}": {"get"},
    "/api/v1/users": {"get", "post"},
    "/api/v1/users/{user_id}": {"get", "patch", "delete"},
    "/api/v1/users/{user_id}/risk-profile": {"get", "patch"},
    "/api/v1/transactions": {"get"},
    "/api/v1/totals/daily": {"get"},
    "/api/v1/oauth/token": {"post"},
    "/.well-known/jwks.json": {"get"},
}
SERVICES = {service.name: service.full_names for service in load().services}


async def test_the_openapi_document_has_every_route(edge: Edge) -> None:
    answer = await edge.bare("GET", "/openapi.json")
    document = answer.json()
    assert answer.status == 200
    assert document["openapi"].startswith("3.1.")
    verbs = ("get", "post", "patch", "delete")
    found = {path: {name for name in item if name in verbs} for path, item in _plain(document)}
    assert found.items() >= PATHS.items()


def _plain(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Returns the paths with the last name of each variable: `{user.user_id}` is `{user_id}`."""
    merged: dict[str, dict[str, Any]] = {}
    for path, item in document["paths"].items():
        merged.setdefault(re.sub(r"\{[a-z_]+\.", "{", path), {}).update(item)
    return list(merged.items())


async def test_the_documentation_needs_no_network(edge: Edge) -> None:
    page = await edge.bare("GET", "/docs")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())
    assert links
    for link in links:
        assert link.startswith(("/", "data:")), link
        if link.startswith("/"):
            assert (await edge.bare("GET", link)).status == 200


async def test_a_problem_says_where_it_is_explained(edge: Edge) -> None:
    problem = (await edge.send("GET", "/api/v1/nothing")).json()
    assert (await edge.bare("GET", problem["type"])).status == 200


async def test_every_process_answers_its_probes(platform: Platform, edge: Edge) -> None:
    addresses = [platform.dev["base_url"], *(f"http://{address}" for address in platform.dev["admin"].values())]
    replicas = sum(number - 1 for number in REPLICAS.values())
    assert len(addresses) == len(load().process_names) + replicas + 1
    await edge.check()
    for address in addresses:
        client = HttpClient(address, connections=1)
        assert (await client.request("GET", "/health")).status == 200
        assert (await client.request("GET", "/ready")).json() == {"ready": True, "missing": {}}
        metrics = await client.request("GET", "/metrics")
        if address == platform.dev["base_url"]:
            assert metrics.status == 404, "they are for the admin port alone"
            client.close()
            continue
        assert metrics.headers["content-type"].startswith("text/plain")
        assert re.search(rb"^# TYPE \w+ counter$", metrics.body, re.MULTILINE)
        client.close()


async def test_the_metrics_count_requests_and_show_batches(platform: Platform, edge: Edge) -> None:
    scrape = HttpClient(f"http://{platform.dev['admin']['gateway']}", connections=1)
    series = 'http_requests_total{method="POST",route="/api/v1/fraud-check",status="200"} '
    pattern = re.compile(f"^{re.escape(series)}(.+)$", re.MULTILINE)

    async def counted() -> float:
        # The workers of the gateway count a few tenths of a second later, and one of them answers for all.
        await asyncio.sleep(2 * FLUSH_SECONDS)
        found = pattern.search((await scrape.request("GET", "/metrics")).body.decode())
        return float(found[1]) if found else 0.0

    await edge.check()
    before = await counted()
    for _ in range(3):
        await edge.check()
    assert await counted() == before + 3
    assert b"coalesce" in (await scrape.request("GET", "/metrics")).body
    scrape.close()


async def test_the_published_keys_verify_an_issued_token(edge: Edge) -> None:
    published = (await edge.bare("GET", "/.well-known/jwks.json")).json()["keys"]
    assert all("d" not in key for key in published)
    keys = KeySet([ECKey.import_key(key) for key in published])
    token = jwt.decode(await edge.token(), keys, algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt"
    assert token.claims["client_id"] == edge.target.client_id
    assert token.claims["exp"] > token.claims["iat"]
    assert "decision:create" in token.claims["scope"].split()


async def test_tokens_are_issued_for_basic_and_body_credentials_and_for_fewer_scopes(edge: Edge) -> None:
    form, path = "application/x-www-form-urlencoded", "/api/v1/oauth/token"
    target = edge.target
    pair = base64.b64encode(f"{target.client_id}:{target.client_secret}".encode()).decode()
    body = b"grant_type=client_credentials&scope=decision:read"
    basic = await edge.bare("POST", path, body, content_type=form, authorization=f"Basic {pair}")
    credentials = f"&client_id={target.client_id}&client_secret={target.client_secret}".encode()
    posted = await edge.bare("POST", path, body + credentials, content_type=form)
    for answer in (basic, posted):
        assert answer.status == 200
        assert answer.headers["cache-control"] == "no-store"
        assert (answer.json()["token_type"], answer.json()["scope"]) == ("Bearer", "decision:read")
        refused = await edge.send("POST", "/api/v1/fraud-check", b"{}", token=answer.json()["access_token"])
        assert refused.status == 403
    wide = await edge.bare("POST", path, body + b"%20fraud:backfill" + credentials, content_type=form)
    assert (wide.status, wide.json()["error"]) == (400, "invalid_scope")


@pytest.fixture
async def channels(platform: Platform) -> AsyncIterator[dict[str, grpc.aio.Channel]]:
    """A channel to each service with the certificate of dev.json, opened with nothing but grpc."""
    dev = platform.dev
    ca, certificate, key = (Path(dev[name]).read_bytes() for name in ("ca_file", "client_cert_file", "client_key_file"))
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    opened = {name: grpc.aio.secure_channel(address, credentials) for name, address in dev["grpc"].items()}
    yield opened
    for channel in opened.values():
        await channel.close()


async def test_health_is_told_over_grpc(channels: dict[str, grpc.aio.Channel]) -> None:
    for name, channel in channels.items():
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("", *SERVICES[name.partition("-")[0]]):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_nobody_speaks_grpc_without_a_certificate(platform: Platform) -> None:
    dev = platform.dev
    nobody = grpc.ssl_channel_credentials(Path(dev["ca_file"]).read_bytes())
    for address in dev["grpc"].values():
        for channel in (grpc.aio.secure_channel(address, nobody), grpc.aio.insecure_channel(address)):
            stub: Any = health_pb2_grpc.HealthStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.Check(health_pb2.HealthCheckRequest(), timeout=2)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            await channel.close()


async def test_reflection_lists_the_services(channels: dict[str, grpc.aio.Channel]) -> None:
    for name, channel in channels.items():
        # The stubs that come with grpcio's types know channels of threads only.
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast(Any, channel))
        ask = reflection_pb2.ServerReflectionRequest(list_services="")
        async for answer in stub.ServerReflectionInfo(iter([ask]), timeout=5):
            names = {service.name for service in answer.list_services_response.service}
            assert {*SERVICES[name.partition("-")[0]], "grpc.health.v1.Health"} <= names


async def test_reflection_knows_methods_and_members_like_services(channels: dict[str, grpc.aio.Channel]) -> None:
    """What `grpcurl describe` and load tools ask for."""
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast(Any, channels["fraud"]))
    package = "rampart.fraud.v1"
    known = ("FraudService", "FraudService.CheckFraud", "CheckFraudRequest", "CheckFraudRequest.user_id")
    unknown = ("FraudService.Unheard", "CheckFraudRequest.unheard", "Unheard.CheckFraud")
    asked = [
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=f"{package}.{name}") for name in known + unknown
    ]
    answers = [answer async for answer in stub.ServerReflectionInfo(iter(asked), timeout=5)]
    found = [answer.HasField("file_descriptor_response") for answer in answers]
    assert found == [True] * len(known) + [False] * len(unknown)


async def test_a_decision_over_grpc_is_the_one_of_rest(channels: dict[str, grpc.aio.Channel], edge: Edge) -> None:
    stub: Any = fraud_service_pb2_grpc.FraudServiceStub(channels["fraud"])
    request = fraud_service_pb2.CheckFraudRequest(
        user_id="alice", transaction_amount=12.5, device_fingerprint="device-1", ip_address="203.0.113.7",
        transaction_id="order-1",
    )  # fmt: skip
    metadata = (("authorization", f"Bearer {await edge.token()}"),)
    decision = (await stub.CheckFraud(request, timeout=5, metadata=metadata)).decision
    assert (await edge.get("/api/v1/decisions"))["decisions"][0]["decision_id"] == decision.decision_id
    fields = {"user_id": "alice", "transaction_amount": 12.5, "device_fingerprint": "device-1"}
    again = await edge.check(**fields, ip_address="203.0.113.7", transaction_id="order-1")
    assert again["decision_id"] == decision.decision_id


async def test_browsers_find_calls_and_no_streams_under_the_names_of_grpc(edge: Edge) -> None:
    service = "/rampart.fraud.v1.FraudService"
    called = await edge.send("POST", f"{service}/CheckFraud", json.dumps(a_check()).encode())
    assert (called.status, called.json()["decision"]["outcome"]) == (200, "approve")
    for protocol in ("application/connect+json", "application/grpc-web+proto"):
        # Either protocol reads this status, where it comes without words of its own, as `unimplemented`.
        watched = await edge.send("POST", f"{service}/WatchDecisions", headers={"content-type": protocol})
        assert watched.status == 404


async def test_grpc_asks_for_a_token_and_for_the_right_caller(channels: dict[str, grpc.aio.Channel]) -> None:
    stub: Any = fraud_service_pb2_grpc.FraudServiceStub(channels["fraud"])
    for call, request, code in (
        (stub.CheckFraud, fraud_service_pb2.CheckFraudRequest(), grpc.StatusCode.UNAUTHENTICATED),
        (stub.ReadEvents, fraud_service_pb2.ReadEventsRequest(consumer="x"), grpc.StatusCode.PERMISSION_DENIED),
        (stub.CoalesceCheckFraud, fraud_service_pb2.CoalesceCheckFraudRequest(), grpc.StatusCode.PERMISSION_DENIED),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(request, timeout=5)
        assert caught.value.code() is code


def test_dev_json_is_private(platform: Platform) -> None:
    assert (platform.home / "dev.json").stat().st_mode & 0o777 == 0o600
    assert platform.home.stat().st_mode & 0o777 == 0o700
