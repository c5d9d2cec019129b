"""Creations over HTTP: 201 with Location where something was created, 200 where not."""

from __future__ import annotations

from tests.support.gateway import Gateway

TASK = "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57"


async def test_a_created_user_is_201_where_it_can_be_read_whatever_the_host(gateway: Gateway) -> None:
    gateway.upstream.answer = {"user": {"user_id": "100% a/b?#", "etag": '"v1"'}}
    for host in ("evil.example", "a.example:99"):
        reply = await gateway.request("POST", "/api/v1/users", {"user_id": "x"}, headers={"host": host})
        assert (reply.status, reply.headers["location"]) == (201, "/api/v1/users/100%25%20a%2Fb%3F%23")
        assert reply.headers["etag"] == '"v1"'
    await gateway.request("GET", reply.headers["location"])
    assert gateway.upstream.last.request.user_id == "100% a/b?#"
    assert [line["status"] for line in gateway.access_lines()] == [201, 201, 200]


async def test_a_task_that_was_there_is_200(gateway: Gateway) -> None:
    gateway.upstream.answer = {"task": {"task_id": TASK}, "created": True}
    made = await gateway.request("POST", "/api/v1/tasks", {"title": "t"})
    assert (made.status, made.headers["location"]) == (201, f"/api/v1/tasks/{TASK}")
    gateway.upstream.answer = {"task": {"task_id": TASK}}
    there = await gateway.request("POST", "/api/v1/tasks", {"title": "t"})
    assert (there.status, "location" in there.headers) == (200, False)
    assert there.body == made.body


async def test_what_only_computes_or_changes_is_200(gateway: Gateway) -> None:
    check = {"user_id": "u1", "transaction_amount": 1, "device_fingerprint": "d", "ip_address": "203.0.113.7"}
    for method, target, body in (
        ("POST", "/api/v1/fraud-check", check),
        ("PATCH", "/api/v1/users/u1/risk-profile", {"tier": "blocked"}),
        ("POST", f"/api/v1/tasks/{TASK}:cancel", {}),
        ("DELETE", "/api/v1/users/u1", None),
    ):
        reply = await gateway.request(method, target, body)
        assert (reply.status, "location" in reply.headers) == (200, False), target


async def test_a_creation_that_failed_points_nowhere(gateway: Gateway) -> None:
    gateway.upstream.error = ConnectionError()
    reply = await gateway.request("POST", "/api/v1/users", {"user_id": "x"})
    assert (reply.status, "location" in reply.headers) == (500, False)


async def test_a_zero_that_would_be_read_as_absent_is_refused_where_it_is_written(gateway: Gateway) -> None:
    schedule = {"cron": "0 3 * * *", "title": "t"}
    for zero in (0, 0.0, "0", -0.0):
        for method, target, body in (
            ("POST", "/api/v1/tasks", {"title": "t"}),
            ("POST", "/api/v1/schedules", schedule),
            ("PATCH", "/api/v1/schedules/s1", {}),
        ):
            reply = await gateway.request(method, target, {**body, "max_attempts": zero})
            assert (reply.status, reply.json["errors"][0]["pointer"]) == (400, "/max_attempts")
            assert (await gateway.request(method, target, {**body, "maxAttempts": zero})).status == 400
    assert not gateway.upstream.calls
    for value in (None, 1, "5"):
        assert (await gateway.request("POST", "/api/v1/tasks", {"title": "t", "max_attempts": value})).status == 200
    await gateway.request("PATCH", "/api/v1/schedules/s1", {"max_attempts": None})
    assert list(gateway.upstream.last.request.update_mask.paths) == ["max_attempts"]
