from __future__ import annotations

from tests.support.gateway import Gateway


async def test_health_is_alive_whatever_is_missing() -> None:
    gateway = Gateway(checks={"fraud": _failing})
    assert (await gateway.request("GET", "/health", token=None)).status == 200


async def test_ready_names_what_is_missing() -> None:
    gateway = Gateway(checks={"fraud": _failing, "user": _working})
    reply = await gateway.request("GET", "/ready", token=None)
    assert reply.status == 503
    assert reply.json["ready"] is False
    assert list(reply.json["missing"]) == ["fraud"]


async def test_ready_when_everything_is_there_and_not_while_draining() -> None:
    gateway = Gateway(checks={"user": _working})
    assert (await gateway.request("GET", "/ready", token=None)).json == {"ready": True, "missing": {}}
    gateway.readiness.draining = True
    assert (await gateway.request("GET", "/ready", token=None)).status == 503


async def test_metrics_are_prometheus_text(gateway: Gateway) -> None:
    reply = await gateway.request("GET", "/metrics", token=None)
    assert reply.headers["content-type"].startswith("text/plain")
    assert b"http_request_duration_seconds_bucket" in reply.body


async def _failing() -> None:
    raise ConnectionError("10.0.0.7 refused")


async def _working() -> None:
    return None
