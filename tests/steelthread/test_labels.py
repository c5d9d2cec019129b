"""Labels over REST and from the command line: stored, corrected, waited for, read from files, counted by features."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.lines import read_lines
from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import Platform, eventually

LABELS, IMPORTS, FEATURES = "/api/v1/labels", "/api/v1/label-imports", "/api/v1/features"
NAMES = ("merchant_fraud", "merchant_share", "merchant_known")


async def payment(edge: Edge, transaction_id: str, merchant: str = "m1", **more: Any) -> dict[str, Any]:
    """Has a payment decided. Returns it as it is read."""
    asked = {"transaction_id": transaction_id, "user_id": "jane", "transaction_amount": 12.5, "merchant_id": merchant}
    decided = await edge.post("/api/v1/fraud-check", asked | {"channel": "card_present"} | more)
    found: dict[str, Any] = await edge.get(f"/api/v1/decisions/{decided['decision_id']}")
    return found


async def values(edge: Edge, merchant: str) -> dict[str, Any]:
    """Returns what a payment sees of its merchant."""
    seen = (await payment(edge, uuid.uuid4().hex, merchant))["inputs"]["features"]
    return {name: seen.get(name) for name in NAMES}


@pytest.fixture(scope="module")
async def counting(platform: Platform) -> Edge:
    """A client of a tenant whose features count fraud of a merchant."""
    edge = await platform.new_edge()
    for name, aggregate in zip(NAMES, ("count_fraud", "share_fraud", "known_fraud"), strict=True):
        feature = {"name": name, "event_type": "payment", "key": ["merchant_id"], "aggregate": aggregate,
                   "window": "604800s"}  # fmt: skip
        await edge.post(FEATURES, feature)
    async with asyncio.timeout(90):
        while (await values(edge, "none"))["merchant_fraud"] is None:
            await asyncio.sleep(0.2)
    return edge


@pytest.fixture
def merchant() -> str:
    return uuid.uuid4().hex


async def test_a_label_is_created_read_listed_and_corrected(platform: Platform, edge: Edge) -> None:
    decided = await payment(edge, "tx-1")
    said = {"transaction_id": "tx-1", "label": "chargeback", "source": "issuer", "reason": "4837", "amount": 12.5,
            "currency": "USD"}  # fmt: skip
    answer = await edge.send("POST", LABELS, json.dumps(said).encode())
    made = answer.json()
    assert (answer.status, answer.headers["location"]) == (201, f"{LABELS}/{made['label_id']}")
    assert said.items() <= made.items()
    assert (made["state"], made["number"], made["decision_id"]) == ("effective", 1, decided["decision_id"])
    assert await edge.get(f"{LABELS}/{made['label_id']}") == made
    again = await edge.send("POST", LABELS, json.dumps(said).encode())
    assert (again.status, again.json()) == (200, made)
    await edge.post(LABELS, {"transaction_id": "tx-1", "label": "false_positive"})
    history = (await edge.get(LABELS, transaction_id="tx-1"))["labels"]
    assert [(each["number"], each["label"], each["state"]) for each in history] == [
        (2, "false_positive", "effective"),
        (1, "chargeback", "superseded"),
    ]
    other = await platform.new_edge()
    assert (await other.get(LABELS))["labels"] == []
    assert (await other.send("GET", f"{LABELS}/{made['label_id']}")).status == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"known_time": "2099-01-01T00:00:00Z"}, "known_time"),
        ({"known_time": "2020-01-01T00:00:00Z"}, "known_time"),
        ({"label": "maybe"}, "label"),
        ({"transaction_id": ""}, "transaction_id"),
        ({"amount": 12.345, "currency": "USD"}, "amount"),
        ({"amount": 12.5}, "currency"),
        ({"currency": "XXX", "amount": 1.0}, "currency"),
        ({"source": "The Bank"}, "source"),
    ],
)
async def test_what_is_wrong_with_a_label_is_said_of_its_field(edge: Edge, changes: dict[str, Any], field: str) -> None:
    await payment(edge, "tx-1")
    asked = {"transaction_id": "tx-1", "label": "fraud"} | changes
    answer = await edge.send("POST", LABELS, json.dumps(asked).encode())
    assert (answer.status, refusal(answer)["reason"]) == (400, "VALIDATION_FAILED")
    assert [each["field"] for each in refusal(answer)["errors"]] == [f"label.{field}"]
    assert (await edge.get(LABELS))["labels"] == []


async def test_of_a_batch_each_label_is_answered_for_itself(edge: Edge) -> None:
    await payment(edge, "tx-1")
    labels = [
        {"transaction_id": "tx-1", "label": "fraud"},
        {"transaction_id": "tx-1", "label": "nonsense"},
        {"transaction_id": "tx-2", "label": "legitimate"},
        {"transaction_id": "tx-1", "label": "fraud"},
    ]
    answer = await edge.post(f"{LABELS}:batch", {"labels": labels})
    first, wrong, waited, again = answer["results"]
    assert answer["created_count"] == 2
    assert (first["label"]["state"], waited["label"]["state"]) == ("effective", "pending")
    assert again["label"] == first["label"]
    assert wrong["error"]["details"][0]["reason"] == "VALIDATION_FAILED"


async def test_ten_thousand_labels_are_one_request(edge: Edge) -> None:
    names = [f"0199c2a4-5f6e-7c31-9d0a-{number:012d}" for number in range(10_000)]
    labels = [{"transaction_id": name, "label": "fraud", "source": "issuer"} for name in names]
    answer = await edge.post(f"{LABELS}:batch", {"labels": labels})
    assert (answer["created_count"], len(answer["results"])) == (10_000, 10_000)
    assert len((await edge.get(LABELS, page_size=1000, pending="true"))["labels"]) == 1000


async def test_a_label_that_came_first_is_counted_once_its_transaction_is_there(counting: Edge, merchant: str) -> None:
    early, late = f"{merchant}-early", f"{merchant}-late"
    for name in (early, late):
        await counting.post(LABELS, {"transaction_id": name, "label": "fraud"})
    assert (await values(counting, merchant))["merchant_fraud"] == 0
    await payment(counting, early, merchant, event_time=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
    await payment(counting, late, merchant)

    async def state(name: str) -> str:
        return str((await counting.get(LABELS, transaction_id=name))["labels"][0]["state"])

    await eventually(lambda: is_so(state(early), "effective"), 30)
    # It was known before the transaction happened.
    await eventually(lambda: is_so(state(late), "refused"), 30)
    assert (await values(counting, merchant))["merchant_fraud"] == 1


async def is_so(found: Awaitable[object], expected: object) -> bool:
    return await found == expected


async def test_the_next_payment_counts_what_is_known_by_then_and_a_correction_takes_it_back(
    counting: Edge, merchant: str
) -> None:
    for number in range(4):
        await payment(counting, f"{merchant}-{number}", merchant)
    nothing = {"merchant_fraud": 0, "merchant_share": 0.0, "merchant_known": False}
    assert await values(counting, merchant) == nothing
    await counting.post(LABELS, {"transaction_id": f"{merchant}-0", "label": "fraud"})
    assert await values(counting, merchant) == {"merchant_fraud": 1, "merchant_share": 0.2, "merchant_known": True}
    assert await values(counting, f"not {merchant}") == nothing
    await counting.post(LABELS, {"transaction_id": f"{merchant}-0", "label": "false_positive"})
    assert await values(counting, merchant) == nothing


async def test_what_was_said_first_of_all_is_counted_as_well_once_it_is_not_the_last(
    counting: Edge, merchant: str
) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    await payment(counting, merchant, merchant, event_time=hour_ago.isoformat())
    for label, minutes in (("legitimate", 40), ("fraud", 20)):
        known = (hour_ago + timedelta(minutes=minutes)).isoformat()
        await counting.post(LABELS, {"transaction_id": merchant, "label": label, "known_time": known})
    # It was taken for fraud until it was known better, whichever was told first.
    assert (await values(counting, merchant))["merchant_fraud"] == 0
    when = (hour_ago + timedelta(minutes=30)).isoformat()
    seen = await payment(counting, f"{merchant}-then", merchant, event_time=when)
    assert seen["inputs"]["features"]["merchant_fraud"] == 1


async def test_a_label_changes_nothing_of_a_payment_that_happened_before_it_was_known(
    counting: Edge, merchant: str
) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    await payment(counting, merchant, merchant, event_time=hour_ago.isoformat())
    known = (hour_ago + timedelta(minutes=30)).isoformat()
    await counting.post(LABELS, {"transaction_id": merchant, "label": "fraud", "known_time": known})

    async def seen(minutes: int) -> Any:
        when = (hour_ago + timedelta(minutes=minutes)).isoformat()
        read = await payment(counting, f"{merchant}-{minutes}", merchant, event_time=when)
        return read["inputs"]["features"]["merchant_fraud"]

    assert [await seen(29), await seen(31)] == [0, 1]


async def test_values_that_hang_on_labels_are_the_same_when_they_are_computed_again(
    counting: Edge, merchant: str
) -> None:
    for number in range(6):
        await payment(counting, f"{merchant}-{number}", merchant)
        if number % 2:
            await counting.post(LABELS, {"transaction_id": f"{merchant}-{number - 1}", "label": "fraud"})
    await counting.post(LABELS, {"transaction_id": f"{merchant}-0", "label": "legitimate"})
    assert (await values(counting, merchant))["merchant_fraud"] == 2
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    headers = [("authorization", f"Bearer {await counting.token()}"), ("accept", "application/x-ndjson")]
    path = f"{FEATURES}:verify?since={since}&" + "&".join(f"features={name}" for name in NAMES)
    *_, last, _ = [json.loads(line) async for line in read_lines(counting.target.base_url, path, headers, idle=60.0)]
    summary = last["result"]["summary"]
    assert (int(summary["decisions"]) > 5, summary["unlawful"]) == (True, "0"), summary
    assert {each["cause"] for each in summary["causes"]} <= {"filling"}, summary


async def test_a_file_is_entered_row_by_row_and_names_those_at_fault(platform: Platform, tmp_path: Path) -> None:
    edge, own = platform.edge(), uuid.uuid4().hex
    for number in range(3):
        await payment(edge, f"{own}-{number}")
    rows = [
        "transaction_id,label,source,reason,amount,currency,known_time",
        f"{own}-0,fraud,issuer,4837,12.50,USD,",
        f"{own}-1,perhaps,issuer,,,,",
        f'{own}-2,legitimate,analyst,"called, and was right",,,',
        f"{own}-2,fraud,analyst,,,,2020-01-01T00:00:00Z",
        f"{own}-3,fraud",
        f"{own}-0,fraud,issuer,4837,12.50,USD,",
    ]
    file = tmp_path / "labels.csv"
    file.write_text("\n".join(rows) + "\n")
    code, shown = await platform.rampart("label", "import", str(file), "--json", "--home", str(platform.home))
    done = json.loads(shown.splitlines()[-1])
    assert (code, done["state"]) == (1, "succeeded")
    counts = [done[f"{name}_rows"] for name in ("stored", "unchanged", "refused")]
    assert (counts, done["rows"]) == ([2, 1, 3], 6)
    assert [(each["row"], each["field"]) for each in done["errors"]] == [(3, "label"), (5, "known_time"), (6, "")]
    labels = {each["transaction_id"]: each for each in (await edge.get(LABELS, page_size=10))["labels"]}
    assert (labels[f"{own}-2"]["reason"], labels[f"{own}-0"]["amount"]) == ("called, and was right", 12.5)
    code, shown = await platform.rampart("label", "list", "--transaction-id", f"{own}-0", "--home", str(platform.home))
    assert (code, "issuer" in shown) == (0, True)


async def test_a_file_of_other_columns_is_refused_as_a_whole(edge: Edge) -> None:
    answer = await edge.send("POST", IMPORTS, b"id,verdict\n1,fraud\n", headers={"content-type": "text/csv"})
    assert answer.status == 400
    assert "transaction_id and label" in refusal(answer)["errors"][0]["message"]


async def test_scopes_of_labels_are_enough_to_enter_a_file(platform: Platform) -> None:
    edge = await platform.new_edge(scopes=("label:read", "label:write"))
    answer = await edge.send("POST", IMPORTS, b"transaction_id,label\nt1,fraud\n", headers={"content-type": "text/csv"})
    assert answer.status == 200, answer
    path, found = f"{IMPORTS}/{answer.json()['import_id']}", answer.json()
    async with asyncio.timeout(30):
        while found["state"] not in ("succeeded", "failed", "dead"):
            await asyncio.sleep(0.1)
            found = await edge.get(path)
    assert (found["state"], found["stored_rows"]) == ("succeeded", 1)
