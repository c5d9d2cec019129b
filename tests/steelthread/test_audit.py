"""The audit log as its readers meet it: over REST, and from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from meshkit.context import SYSTEM_TENANT
from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import SCOPES, Platform, eventually

EVENTS, LISTS = "/api/v1/audit-events", "/api/v1/lists"
DELETE = "rampart.fraud.v1.ListService/DeleteList"


@pytest.fixture(scope="module")
async def reader(platform: Platform) -> Edge:
    """A client that reads the audit log of its tenant, in which a list was deleted."""
    edge = await platform.new_edge(scopes=(*SCOPES, "audit:read"))
    await edge.post(LISTS, {"name": "blocked"})
    assert (await edge.send("DELETE", f"{LISTS}/blocked")).status == 200
    await until(edge, action=DELETE, outcome="done")
    return edge


async def until(edge: Edge, **query: Any) -> dict[str, Any]:
    """Waits for an event and returns it."""
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        found[:] = (await edge.get(EVENTS, **query))["events"]
        return bool(found)

    await eventually(there, 10)
    return found[0]


async def test_audited_call_is_an_event_before_and_after(reader: Edge) -> None:
    started, done = [await until(reader, action=DELETE, outcome=outcome) for outcome in ("started", "done")]
    assert int(started["sequence"]) < int(done["sequence"])
    for event in (started, done):
        assert (event["target"], event["peer"], event["recorder"]) == (
            "lists/blocked",
            "service/gateway",
            "service/fraud",
        )
        assert event["actor"] == event["client_id"] == reader.target.client_id
        assert event["request_id"] == started["request_id"] != ""
    assert await reader.get(f"{EVENTS}/{done['sequence']}") == done


async def test_refused_call_is_an_event_of_the_tenant_of_its_token(platform: Platform, reader: Edge) -> None:
    own = (await reader.get(EVENTS))["events"][0]["tenant_id"]
    (name,) = await platform.rows("auth", "SELECT name FROM tenants WHERE tenant_id = $1", own)
    weak = await platform.new_edge(name[0], scopes=("list:read",))
    for _ in range(3):
        assert refusal(await weak.send("DELETE", f"{LISTS}/blocked"))["reason"] == "SCOPE_MISSING"
    event = await until(reader, outcome="refused")
    assert (event["action"], event["reason"], event["recorder"]) == (DELETE, "SCOPE_MISSING", "service/gateway")
    assert (event["client_id"], event["address"]) == (weak.target.client_id, "127.0.0.0/24")


async def test_forged_tokens_are_counted_in_the_log_of_the_platform(platform: Platform, edge: Edge) -> None:
    for _ in range(5):
        await edge.send("GET", f"{LISTS}/nothing", token="e30.e30.e30")

    async def counted() -> bool:
        rows = await platform.rows(
            "auth",
            "SELECT content FROM audit_events WHERE tenant_id = $1 AND action LIKE '%/GetList' AND outcome = 'refused'",
            SYSTEM_TENANT,
        )
        return sum(int(json.loads(row["content"])["details"]["count"]) for row in rows) >= 5

    await eventually(counted, 10)


async def test_log_is_read_by_its_tenant_with_the_scope_alone(platform: Platform, reader: Edge, edge: Edge) -> None:
    assert refusal(await edge.send("GET", EVENTS))["reason"] == "SCOPE_MISSING"
    other = await platform.new_edge(scopes=("audit:read",))
    seen, ours = [{event["tenant_id"] for event in (await each.get(EVENTS))["events"]} for each in (other, reader)]
    assert seen and ours and not seen & ours
    last = int((await other.get("/api/v1/audit-head"))["sequence"])
    assert refusal(await other.send("GET", f"{EVENTS}/{last + 1}"))["reason"] == "RESOURCE_NOT_FOUND"
    for query in ("action=x%27--", "outcome=maybe", "page_token=x"):
        assert (await reader.send("GET", f"{EVENTS}?{query}")).status == 400


async def test_pages_are_the_whole_log_in_either_order(reader: Edge) -> None:
    newest = [each for page in await reader.pages(EVENTS, "events", page_size=1) for each in page]
    oldest = [each for page in await reader.pages(EVENTS, "events", page_size=2, oldest_first="true") for each in page]
    assert newest == oldest[::-1] and len(newest) >= 2
    assert [int(each["sequence"]) for each in oldest] == list(range(1, len(oldest) + 1))


async def test_log_is_verified_exported_and_verified_elsewhere(
    platform: Platform, reader: Edge, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(reader.target.client_secret)
    where = ("--base-url", reader.target.base_url, "--client-id", reader.target.client_id)

    async def audit(*arguments: str) -> tuple[int, str]:
        return await platform.rampart("audit", *arguments, *where, "--client-secret-file", str(secret))

    status, anchor = await audit("anchor")
    status, said = await audit("verify", "--anchor", anchor.strip(), "--anchors", str(platform.home / "logs/auth.log"))
    assert (status, "are whole" in said) == (0, True), said
    status, said = await audit("list", "--action", "rampart.fraud.*", "--json")
    assert {json.loads(line)["outcome"] for line in said.splitlines()} >= {"started", "done"}
    file = tmp_path / "log.jsonl"
    assert (await audit("export", str(file)))[0] == 0
    offline = ("audit", "verify", "--file", str(file))
    status, said = await platform.rampart(*offline, "--anchor", anchor.strip())
    assert (status, "are whole" in said) == (0, True), said
    file.write_text(file.read_text().replace("lists/blocked", "lists/others", 1))
    status, said = await platform.rampart(*offline)
    assert (status, "does not say what its hash says" in said) == (3, True), said
    status, said = await audit("verify", "--anchor", f"1:{'0' * 64}")
    assert (status, "Event 1 is not the event that an anchor names" in said) == (3, True), said
