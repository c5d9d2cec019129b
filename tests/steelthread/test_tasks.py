"""Tasks and schedules from REST to the database and to the workers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from console.up.state import State
from meshkit.settings import TlsFiles
from meshkit.tasks import LeasedTask, Result
from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import Platform, eventually
from tests.support.tasks import a_kind, working

TASKS, SCHEDULES = "/api/v1/tasks", "/api/v1/schedules"


@contextlib.asynccontextmanager
async def worker(platform: Platform, kind: str, handler: Any) -> AsyncIterator[None]:
    """Runs a worker beside those of the fraud service, with its certificate."""
    tls = platform.home / "tls"
    files = TlsFiles(tls / "ca.pem", tls / "fraud.pem", tls / "fraud.key")
    async with working(platform.dev["grpc"]["task"], files, {kind: handler}):
        yield


async def test_exactly_title_and_priority_make_a_task(platform: Platform, edge: Edge) -> None:
    made = await edge.post(TASKS, {"title": "Test task", "priority": "high"})
    assert made == {
        "task_id": made["task_id"],
        "title": "Test task",
        "priority": "high",
        "kind": "manual",
        "state": "pending",
        "assignee": "",
        "run_after": made["create_time"],
        "unique_key": "",
        "max_attempts": 5,
        "attempt_count": 0,
        "result_reference": "",
        "worker": "",
        "schedule_id": "",
        "create_time": made["create_time"],
        "update_time": made["create_time"],
        "etag": '"1"',
    }
    assert await edge.get(f"{TASKS}/{made['task_id']}") == made
    assert (await edge.get(TASKS))["tasks"] == [made]
    (row,) = await platform.rows("task", "SELECT * FROM tasks WHERE task_id = $1", uuid.UUID(made["task_id"]))
    assert (row["title"], row["priority"], row["state"]) == ("Test task", 2, "pending")


async def test_idempotency_key_makes_one_task(edge: Edge) -> None:
    body = json.dumps({"title": "once"}).encode()
    key = {"idempotency-key": f'"{uuid.uuid4()}"'}
    answers = [await edge.send("POST", TASKS, body, headers=key) for _ in range(3)]
    assert len({answer.body for answer in answers}) == 1
    assert len((await edge.get(TASKS))["tasks"]) == 1


async def test_person_does_a_manual_task_with_etags(edge: Edge) -> None:
    made = await edge.post(TASKS, {"title": "Call the customer", "due_time": "2027-01-01T00:00:00Z"})
    path = f"{TASKS}/{made['task_id']}"
    begun = await edge.patch(path, {"state": "running", "assignee": "ada", "due_time": None})
    assert (begun["state"], begun["assignee"], "due_time" in begun) == ("running", "ada", False)
    stale = await edge.send("PATCH", path, json.dumps({"title": "x", "etag": made["etag"]}).encode())
    assert (stale.status, refusal(stale)["reason"]) == (412, "ETAG_MISMATCH")
    done = await edge.patch(path, {"state": "succeeded", "etag": begun["etag"]})
    assert "finish_time" in done
    late = await edge.send("POST", f"{path}:cancel", b"{}")
    assert (late.status, refusal(late)["reason"], refusal(late)["metadata"]) == (
        409, "STATE_NOT_ALLOWED", {"state": "succeeded"}
    )  # fmt: skip


async def test_task_and_schedule_that_were_read_are_sent_back(edge: Edge) -> None:
    fields = {"title": "Call", "due_time": "2027-01-01T00:00:00.123456789Z", "arguments": {"fooBar": {"a.b": 1}}}
    made = await edge.send("POST", TASKS, json.dumps(fields).encode())
    task = made.json()
    assert (made.status, made.headers["location"]) == (201, f"{TASKS}/{task['task_id']}")
    assert await edge.get(made.headers["location"]) == task
    changed = await edge.patch(made.headers["location"], task | {"title": "Call again"})
    assert (changed["title"], changed["etag"]) == ("Call again", '"2"')
    kind = await edge.send("PATCH", made.headers["location"], json.dumps(changed | {"kind": "other"}).encode())
    assert (kind.status, refusal(kind)["errors"][0]["pointer"]) == (400, "/kind")
    named = json.dumps({"schedule_id": "often", "title": "Call", "cron": "0 3 * * *", "max_attempts": 3}).encode()
    for _ in range(2):
        made = await edge.send("POST", SCHEDULES, named)
        assert (made.status, made.headers["location"]) == (201, f"{SCHEDULES}/often")
    paused = await edge.post(f"{SCHEDULES}/often:pause", {})
    changed = await edge.patch(f"{SCHEDULES}/often", paused | {"arguments": {"a_1": {"A": 1}}, "max_attempts": None})
    assert (changed["state"], changed["max_attempts"], changed["arguments"]) == ("paused", 5, {"a_1": {"A": 1}})
    for name, value in (("state", None), ("cron", "x"), ("max_attempts", 0), ("title", "")):
        refused = await edge.send("PATCH", f"{SCHEDULES}/often", json.dumps({name: value}).encode())
        assert (refused.status, refusal(refused)["errors"][0]["pointer"]) == (400, f"/{name}")


async def test_task_of_a_key_that_is_there_is_not_created(edge: Edge) -> None:
    body = json.dumps({"title": "once", "unique_key": "k"}).encode()
    first, second = [await edge.send("POST", TASKS, body) for _ in range(2)]
    assert (first.status, second.status, "location" in second.headers) == (201, 200, False)
    assert first.json() == second.json()


async def test_lists_are_filtered_and_paged(edge: Edge) -> None:
    for number in range(5):
        await edge.post(TASKS, {"title": str(number), "priority": "low" if number % 2 else "urgent"})
    urgent = await edge.get(TASKS, priority="urgent")
    assert [task["title"] for task in urgent["tasks"]] == ["4", "2", "0"]
    pages = await edge.pages(TASKS, "tasks", page_size=2)
    assert [[task["title"] for task in page] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]
    assert (await edge.get(TASKS, state="running"))["tasks"] == []


async def test_worker_does_a_task_that_rest_made_and_watched(platform: Platform, edge: Edge) -> None:
    kind = a_kind()

    async def handler(task: LeasedTask) -> Result:
        for step in range(1, 4):
            task.progress(step, 3, f"step {step}")
            await task.checkpoint({"step": step})
        return {"sum": task.arguments["a"] + task.arguments["b"]}

    made = await edge.post(TASKS, {"kind": kind, "arguments": {"a": 1, "b": 2}})
    watching = asyncio.create_task(edge.send("GET", f"{TASKS}/{made['task_id']}:watch"))
    await asyncio.sleep(0.2)
    async with worker(platform, kind, handler):
        *frames, end = json.loads((await watching).body)
    assert end == {"status": {"code": 0, "message": "", "details": []}}
    states = [each["result"]["task"] for each in frames]
    assert [states[0]["state"], states[-1]["state"]] == ["pending", "succeeded"]
    assert states[-1]["result"] == {"sum": 3}
    assert states[-1]["progress"] == {"done": 3, "total": 3, "message": "step 3"}
    (attempt,) = (await edge.get(f"{TASKS}/{made['task_id']}/attempts"))["attempts"]
    assert (attempt["number"], attempt["outcome"]) == (1, "succeeded")


async def test_cancellation_over_rest_reaches_the_worker_within_a_second(platform: Platform, edge: Edge) -> None:
    kind, stopped = a_kind(), asyncio.Event()

    async def handler(_: LeasedTask) -> Result:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return None

    async with worker(platform, kind, handler):
        path = f"{TASKS}/{(await edge.post(TASKS, {'kind': kind}))['task_id']}"

        async def running() -> bool:
            return bool((await edge.get(path))["state"] == "running")

        await eventually(running, 10)
        asked = time.monotonic()
        assert (await edge.post(f"{path}:cancel", {}))["state"] == "cancelling"
        await stopped.wait()
        assert time.monotonic() - asked < 1.0

        async def cancelled() -> bool:
            return bool((await edge.get(path))["state"] == "cancelled")

        await eventually(cancelled, 5)
        again = await edge.post(f"{path}:retry", {})
        assert again["state"] in ("pending", "running")
        await edge.post(f"{path}:cancel", {})


async def test_schedule_makes_tasks(platform: Platform, edge: Edge) -> None:
    made = await edge.post(
        SCHEDULES, {"schedule_id": "daily", "title": "Report", "cron": "0 3 * * *", "time_zone": "Asia/Tokyo"}
    )
    assert made["next_run_time"].endswith("T18:00:00Z")
    assert await edge.get(f"{SCHEDULES}/daily") == made
    assert (await edge.get(SCHEDULES))["schedules"] == [made]
    await _pass_time(platform, "daily")

    async def ran() -> bool:
        return bool((await edge.get(TASKS))["tasks"])

    await eventually(ran, 5)
    (task,) = (await edge.get(TASKS))["tasks"]
    assert (task["title"], task["schedule_id"], task["kind"]) == ("Report", "daily", "manual")
    assert (await edge.get(f"{SCHEDULES}/daily"))["last_task_id"] == task["task_id"]
    assert (await edge.post(f"{SCHEDULES}/daily:pause", {}))["state"] == "paused"
    assert (await edge.post(f"{SCHEDULES}/daily:resume", {}))["state"] == "active"
    gone = await edge.send("DELETE", f"{SCHEDULES}/daily")
    assert (gone.status, gone.json()) == (200, {})


async def _pass_time(platform: Platform, schedule_id: str) -> None:
    """Lets three days pass for a schedule."""
    address = urlsplit(platform.dev["dsn"]["task"])
    role = "rampart_task_engine"
    login = f"{role}:{State(platform.home).password(role)}@{address.netloc.rpartition('@')[2]}"
    connection = await asyncpg.connect(urlunsplit(address._replace(netloc=login)))
    try:
        await connection.execute(
            "UPDATE schedules SET next_run_at = next_run_at - interval '3 days' WHERE schedule_id = $1", schedule_id
        )
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"title": "x", "priority": "HIGH"}, "/priority"),
        ({"priority": "high"}, "/title"),
        ({"title": "x", "state": "running"}, "/state"),
        ({"title": "x", "max_attempts": 1000}, "/max_attempts"),
        ({"title": "x", "kind": "fraud.decision_retention"}, "/kind"),
        ({"title": "x", "due_time": "0001-01-01T00:00:00Z"}, "/due_time"),
        ({"title": "x", "run_after": "9999-12-31T23:59:59.999999Z"}, "/run_after"),
    ],
)
async def test_what_breaks_a_constraint_is_pointed_at(edge: Edge, body: dict[str, object], pointer: str) -> None:
    answer = await edge.send("POST", TASKS, json.dumps(body).encode())
    assert answer.status == 400
    assert [each["pointer"] for each in refusal(answer)["errors"]] == [pointer]


async def test_tasks_of_another_tenant_are_not_there(platform: Platform, edge: Edge) -> None:
    made = await edge.post(TASKS, {"title": "ours"})
    other = await platform.new_edge()
    answer = await other.send("GET", f"{TASKS}/{made['task_id']}")
    assert (answer.status, refusal(answer)["reason"]) == (404, "RESOURCE_NOT_FOUND")
    assert (await other.get(TASKS))["tasks"] == []


async def test_retention_of_decisions_is_scheduled_once(platform: Platform) -> None:
    async def there() -> bool:
        return bool(
            await platform.value(
                "task", "SELECT count(*) FROM schedules WHERE schedule_id = 'fraud.decision_retention'"
            )
        )

    await eventually(there, 10)
