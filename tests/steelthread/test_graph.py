"""The graph over REST and by commands: what links entities, known fraud near by, and who launders money."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import Platform, eventually

NEIGHBOURHOOD, ENTITIES = "/api/v1/graph/neighbourhood", "/api/v1/graph/entities:batchGet"
SECONDS = 45.0
"""What was decided before is settled after 15 seconds, and filled in then."""
LAUNDERERS, ACCOUNTS, STEPS = 12, 60, 12
DEVICE = {"name": "device_users", "event_type": "payment", "key": ["device_fingerprint"], "measure": "degree"}
NEAR = {"name": "fraud_near", "event_type": "payment", "key": ["user_id"], "measure": "fraud_within_two_hops"}


def write_transfers(folder: Path) -> None:
    """Writes transfers of which those of launderers come again and again, in small amounts."""
    dice, rows = random.Random(3), list[tuple[int, int, float, int]]()
    for step in range(1, STEPS + 1):
        for payer in range(ACCOUNTS):
            payee = dice.randrange(ACCOUNTS)
            if payee != payer and not any(each[:2] == (payer, payee) for each in rows):
                rows.append((payer, payee, round(dice.uniform(100, 300), 2), step))
        rows += [(each, (each + 1) % LAUNDERERS, 20.0 + each, step) for each in range(LAUNDERERS)]
    for name, header, lines in (
        ("nodes.csv", ("nodeid", "isFraud"), [(each, each < LAUNDERERS) for each in range(ACCOUNTS)]),
        ("transactions.csv", ("sourceNodeId", "targetNodeId", "value", "time"), rows),
    ):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([header, *lines])


@pytest.fixture(scope="module")
async def linked(platform: Platform) -> Edge:
    """A client of a tenant with features of the graph, and payments of three users by one device."""
    edge = await platform.new_edge()
    await edge.check(user_id="user-0001", device_fingerprint="device-0001")
    for feature in (DEVICE, NEAR):
        made = await edge.post("/api/v1/features", feature)
        assert (made["state"], made["measure"], made["aggregate"]) == ("filling", feature["measure"], "")
    early = await edge.send("GET", f"{NEIGHBOURHOOD}?kind=user_id&value=user-0001")
    assert (early.status, refusal(early)["reason"]) == (409, "STATE_NOT_ALLOWED")
    return edge


async def test_accounts_that_launder_are_found_by_the_command(linked: Edge, platform: Platform, tmp_path: Path) -> None:
    write_transfers(tmp_path)
    command = ("evaluate", "amlsim", str(tmp_path), "--json", "--home", str(platform.home))
    code, said = await platform.rampart(*command)
    assert code == 0, said
    found = json.loads(said.splitlines()[-1])
    scores = {each["name"]: each for each in found["scores"]}
    assert scores["written score"]["auc"] > 0.98
    assert scores["written score"]["average_precision"] > 0.95
    code, again = await platform.rampart(*command)
    assert (code, json.loads(again.splitlines()[-1])["scores"]) == (0, found["scores"])


async def test_decisions_read_the_graph_and_people_see_it(linked: Edge, platform: Platform) -> None:
    async def ready() -> bool:
        features = [await linked.get(f"/api/v1/features/{name}") for name in ("device_users", "fraud_near")]
        return all(each["state"] == "ready" for each in features)

    await eventually(ready, SECONDS)
    bad = await linked.check(user_id="user-0002", device_fingerprint="device-0001")
    await linked.post("/api/v1/labels", {"transaction_id": bad["transaction_id"], "label": "fraud", "source": "bank"})
    read: dict[str, Any] = {}

    async def seen() -> bool:
        decided = await linked.check(user_id="user-0001", device_fingerprint="device-0001")
        read.update(await linked.get(f"/api/v1/decisions/{decided['decision_id']}"))
        return bool(read["inputs"]["features"].get("fraud_near") == 2)

    await eventually(seen, 20)
    assert read["inputs"]["features"]["device_users"] == 2
    assert int(read["inputs"]["graph"]["age_ms"]) < 20_000 and read["degraded"] == []
    replayed = await linked.post(f"/api/v1/decisions/{read['decision_id']}:replay", {})
    assert replayed["identical"] is True
    found = await linked.get(NEIGHBOURHOOD, kind="user_id", value="user-0001", depth=2)
    shown = [(each["kind"], each["value"], each["depth"]) for each in found["entities"]]
    assert shown[0] == ("user_id", "us…01", 0)
    assert ("device_fingerprint", "de…01", 1) in shown and ("user_id", "us…02", 2) in shown
    assert found["entities"][0]["fraud_within_two_hops"] == 2
    query = urlencode([("kind", "user_id"), ("values", "nobody"), ("values", "user-0002")])
    (batch,) = (await linked.get(f"{ENTITIES}?{query}"))["entities"]
    assert (batch["index"], batch["entity"]["frauds"]) == (1, 1)
    nobody = await linked.send("GET", f"{NEIGHBOURHOOD}?kind=user_id&value=nobody")
    assert (nobody.status, refusal(nobody)["reason"]) == (404, "RESOURCE_NOT_FOUND")
    misspelt = await linked.send("GET", f"{NEIGHBOURHOOD}?kind=userid&value=user-0001")
    assert (misspelt.status, refusal(misspelt)["reason"]) == (400, "VALIDATION_FAILED")
    (fault,) = misspelt.json()["errors"]
    assert fault["field"] == "kind" and "user_id" in fault["message"]
