"""Lists of values over REST and from the command line, to the database and the memory of every replica."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from console.http import Response
from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import Platform

LISTS, SCENARIOS = "/api/v1/lists", "/api/v1/scenarios"
BLOCKED = {"name": "blocked", "kind": "block", "field": "ip_address"}


async def send(edge: Edge, method: str, path: str, value: Any = None, **headers: str) -> Response:
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    return await edge.send(method, path, b"" if value is None else json.dumps(value).encode(), headers=sent)


async def upload(edge: Edge, path: str, rows: bytes) -> Response:
    return await edge.send("POST", path, rows, headers={"content-type": "text/csv"})


async def values(edge: Edge, name: str = "blocked", **query: Any) -> list[str]:
    return [each["value"] for each in (await edge.get(f"{LISTS}/{name}/entries", **query))["entries"]]


async def test_a_list_is_created_read_changed_listed_and_deleted(platform: Platform, edge: Edge) -> None:
    answer = await send(edge, "POST", LISTS, BLOCKED)
    made = answer.json()
    assert (answer.status, answer.headers["location"]) == (201, f"{LISTS}/blocked")
    assert (made["value_type"], made["entry_count"], made["description"]) == ("ip", 0, "")
    assert await edge.get(f"{LISTS}/blocked") == made
    changed = await edge.patch(f"{LISTS}/blocked", {**made, "description": "of October"})
    new = {name: changed[name] for name in ("update_time", "etag")}
    assert changed == made | {"description": "of October"} | new
    await edge.post(LISTS, {"name": "vip"})
    assert [each["name"] for page in await edge.pages(LISTS, "lists", page_size=1) for each in page] == [
        "blocked",
        "vip",
    ]
    other = await platform.new_edge()
    assert (await other.get(LISTS))["lists"] == []
    for method, path, value in (
        ("GET", "", None), ("PATCH", "", {"description": "x"}), ("DELETE", "", None), ("GET", "/entries", None),
        ("POST", "/entries:add", {"entries": [{"value": "203.0.113.7"}]}),
        ("POST", "/entries:remove", {"values": ["203.0.113.7"]}),
    ):  # fmt: skip
        refused = await send(other, method, f"{LISTS}/blocked{path}", value)
        assert (refused.status, refusal(refused)["reason"]) == (404, "RESOURCE_NOT_FOUND")
    assert (await send(edge, "DELETE", f"{LISTS}/blocked")).status == 200
    assert (await send(edge, "GET", f"{LISTS}/blocked")).status == 404


async def test_a_list_is_created_once_and_conflicting_edits_are_refused(edge: Edge) -> None:
    key = str(uuid.uuid4())
    first = await send(edge, "POST", LISTS, BLOCKED, Idempotency_Key=key)
    again = await send(edge, "POST", LISTS, BLOCKED, Idempotency_Key=key)
    assert (first.status, again.status, first.body) == (201, 201, again.body)
    assert (await send(edge, "POST", LISTS, BLOCKED)).status == 409
    etag = first.json()["etag"]
    path = f"{LISTS}/blocked"
    assert (await send(edge, "PATCH", path, {"description": "a"}, If_Match=etag)).status == 200
    for method, value in (("PATCH", {"description": "b"}), ("DELETE", None)):
        refused = await send(edge, method, path, value, If_Match=etag)
        assert (refused.status, refusal(refused)["reason"]) == (412, "ETAG_MISMATCH")
    assert (await edge.get(path))["description"] == "a"


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"kind": "block"}, "/field"),
        ({"name": "in"}, "/name"),
        ({"name": "Not_This"}, "/name"),
        ({"value_type": "colour"}, "/value_type"),
        ({"description": "x" * 501}, "/description"),
    ],
)
async def test_a_list_that_cannot_be_is_refused(edge: Edge, changed: dict[str, str], pointer: str) -> None:
    refused = await send(edge, "POST", LISTS, {"name": "l"} | changed)
    assert (refused.status, refusal(refused)["errors"][0]["pointer"]) == (400, pointer)
    assert (await edge.get(LISTS))["lists"] == []


async def test_what_never_changes_is_refused_in_an_update(edge: Edge) -> None:
    await edge.post(LISTS, BLOCKED)
    refused = await send(edge, "PATCH", f"{LISTS}/blocked", {"kind": "allow"})
    assert (refused.status, refusal(refused)["errors"][0]["pointer"]) == (400, "/kind")


async def test_entries_are_added_found_and_removed_in_any_spelling(edge: Edge) -> None:
    await edge.post(LISTS, BLOCKED)
    entries = [
        {"value": "2001:DB8:0::7", "note": "case 1"},
        {"value": "203.0.113.0/24", "expire_time": "2090-01-01T00:00:00.700Z"},
        {"value": "198.51.100.1", "expire_time": "2020-01-01T00:00:00Z"},
    ]
    added = await edge.post(f"{LISTS}/blocked/entries:add", {"entries": entries})
    assert (added["added_count"], added["list"]["entry_count"]) == (3, 3)
    found = (await edge.get(f"{LISTS}/blocked/entries"))["entries"]
    assert [(each["value"], each["note"], each.get("expire_time")) for each in found] == [
        ("2001:db8::7", "case 1", None),
        ("203.0.113.0/24", "", "2090-01-01T00:00:00Z"),
    ]
    assert all(each["changed_by"] for each in found)
    assert await values(edge, value="2001:db8::0007") == ["2001:db8::7"]
    assert await values(edge, prefix="203.") == ["203.0.113.0/24"]
    pages = await edge.pages(f"{LISTS}/blocked/entries", "entries", page_size=1)
    assert [[each["value"] for each in page] for page in pages] == [["2001:db8::7"], ["203.0.113.0/24"]]
    removed = await edge.post(f"{LISTS}/blocked/entries:remove", {"values": ["2001:DB8::7", "192.0.2.1"]})
    assert (removed["removed_count"], await values(edge)) == (1, ["203.0.113.0/24"])


async def test_every_entry_at_fault_is_named_and_none_is_stored(edge: Edge) -> None:
    await edge.post(LISTS, BLOCKED)
    entries = [{"value": "203.0.113.7"}, {"value": "203.0.113.7/24"}, {"value": "nobody"}]
    refused = await send(edge, "POST", f"{LISTS}/blocked/entries:add", {"entries": entries})
    assert [each["pointer"] for each in refusal(refused)["errors"]] == ["/entries/1/value", "/entries/2/value"]
    assert await values(edge) == []


async def test_rows_of_a_file_are_imported_at_once_or_none(edge: Edge) -> None:
    await edge.post(LISTS, BLOCKED)
    path = f"{LISTS}/blocked/entries:import"
    refused = await upload(edge, path, b"value,note\n203.0.113.7,a\nnobody,b\n203.0.113.9/8,c\n")
    words = [each["message"] for each in refusal(refused)["errors"]]
    assert [each.partition(":")[0] for each in words] == ["row 3", "row 4"]
    assert await values(edge) == []
    for counts in ((2, 2), (0, 0)):
        done = (await upload(edge, path, b"203.0.113.7\n203.0.113.0/24,2090-01-01T00:00:00Z,why\n")).json()
        assert (done["rows"], done["entered_rows"]) == (2, 2)
        assert (done["added_count"], done["changed_count"]) == counts
    too_many = await upload(edge, path, b"203.0.113.7\n" * 20_001)
    assert too_many.status == 400
    assert await values(edge) == ["203.0.113.0/24", "203.0.113.7"]


async def test_parts_of_an_import_are_entered_when_all_are_there(edge: Edge) -> None:
    await edge.post(LISTS, {"name": "blocked"})
    import_id = str(uuid.uuid4())
    for first, rows in ((1, b"a\nb\n"), (3, b"c\n"), (3, b"c\n")):
        answer = await upload(edge, f"{LISTS}/blocked/entries:import?import_id={import_id}&first_row={first}", rows)
        assert answer.status == 200
    assert await values(edge) == []
    commit = f"{LISTS}/blocked/imports/{import_id}:commit"
    refused = await send(edge, "POST", commit, {"rows": 4})
    assert (refused.status, refusal(refused)["reason"]) == (409, "STATE_NOT_ALLOWED")
    for added in (3, 0):
        done = await edge.post(commit, {"rows": 3})
        assert (done["rows"], done["entered_rows"], done["added_count"]) == (3, 3, added)
    assert await values(edge) == ["a", "b", "c"]


async def test_a_rule_asks_a_list_which_then_cannot_be_deleted(edge: Edge) -> None:
    await edge.post(LISTS, {"name": "watched", "field": "ip_address"})
    await edge.post(f"{LISTS}/watched/entries:add", {"entries": [{"value": "203.0.113.0/24"}]})
    rule = {
        "rule_id": "watched", "code": "WATCHED", "words": "{ip_address} is watched.", "contribution": 0.6,
        "expression": "ip_address in lists.watched",
    }  # fmt: skip
    await edge.post(SCENARIOS, {"scenario_id": "cards", "draft": {"event_type": "payment", "rules": [rule]}})
    await edge.post(f"{SCENARIOS}/cards/versions", {"note": "first"})
    await edge.post(f"{SCENARIOS}/cards/versions/1:deploy", {"target": "live"})
    async with asyncio.timeout(10):
        while (made := await edge.check(ip_address="203.0.113.7"))["risk_factors"] != ["WATCHED"]:
            await asyncio.sleep(0.05)
    assert (await edge.check(ip_address="198.51.100.7"))["risk_factors"] == []
    assert (await edge.post(f"/api/v1/decisions/{made['decision_id']}:replay", {}))["identical"]
    refused = await send(edge, "DELETE", f"{LISTS}/watched")
    assert (refused.status, refusal(refused)["reason"]) == (409, "STATE_NOT_ALLOWED")


async def test_scopes_keep_reading_from_writing(platform: Platform) -> None:
    reader = await platform.new_edge(scopes=("list:read",))
    refused = await send(reader, "POST", LISTS, BLOCKED)
    assert (refused.status, refusal(refused)["reason"]) == (403, "SCOPE_MISSING")
    assert (await reader.get(LISTS))["lists"] == []
    writer = await platform.new_edge(scopes=("list:write",))
    assert (await send(writer, "GET", LISTS)).status == 403


async def test_lists_are_kept_from_the_command_line(platform: Platform, tmp_path: Path) -> None:
    where = ("--home", str(platform.home))

    async def lists(*arguments: str) -> tuple[int, str]:
        return await platform.rampart("lists", *arguments, *where)

    name = f"l{uuid.uuid4().hex[:12]}"
    status, said = await lists(
        "create", name, "--kind", "block", "--field", "ip_address", "--description", "of October"
    )
    assert (status, "of October" in said) == (0, True), said
    status, said = await lists("add", name, "203.0.113.7", "198.51.100.0/24", "--note", "case 1")
    assert (status, said) == (0, f"2 added, 2 changed; {name} has 2 entries\n")
    file = tmp_path / "addresses.csv"
    file.write_text("note,value\n" + "".join(f"n,10.0.{each >> 8}.{each & 255}\n" for each in range(20_000)))
    status, said = await lists("import", name, str(file))
    assert (status, said.splitlines()[-1]) == (0, f"20,000 added, 20,000 changed; {name} has 20,002 entries")
    file.write_text("value\n203.0.113.8\nnobody\n203.0.113.9\n203.0.113.9/8\n")
    status, said = await lists("import", name, str(file))
    assert (status, "row 3: " in said, "row 5: " in said, "Nothing was imported" in said) == (2, True, True, True), said
    file.write_text("203.0.113.8\n" * 1_000_001)
    status, said = await lists("import", name, str(file))
    assert (status, "1,000,001 rows" in said) == (2, True), said
    status, said = await lists("entries", name, "--prefix", "203.", "--json")
    assert (status, [json.loads(line)["value"] for line in said.splitlines()]) == (0, ["203.0.113.7"])
    assert (await lists("remove", name, "203.0.113.7"))[1] == f"1 removed; {name} has 20,001 entries\n"
    assert name in (await lists("list"))[1]
    assert "ip_address" in (await lists("show", name))[1]
    assert (await lists("delete", name))[1] == f"deleted {name}\n"
    status, said = await lists("show", name)
    assert (status, "RESOURCE_NOT_FOUND" in said) == (1, True)
