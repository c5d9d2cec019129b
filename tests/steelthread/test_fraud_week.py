"""A fraud team's week from the command line: labels, drift, a model in shadow, share and live, a case, a report."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.steelthread.analyst import Analyst
from tests.steelthread.edge import CHECK, Edge, a_check
from tests.steelthread.platform import Platform, eventually
from tests.steelthread.test_models import teach

SECONDS = 40.0
LEARNED = ("--feature", "amount", "--feature", "user_count_1h", "--feature", "user_new_device", "--folds", "2",
           "--days", "15", "--test-days", "4", "--delay-days", "2")  # fmt: skip
LARGE = 950.0
AT_ONCE = 100
# What is known of each outcome at a time: by hand.
BY_HAND = """
SELECT d.outcome, count(*) AS decisions, count(*) FILTER (WHERE l.label IN ('fraud', 'chargeback')) AS fraud,
    sum((convert_from(d.event, 'UTF8')::json -> 'amount' ->> 0)::bigint)
        FILTER (WHERE l.label IN ('fraud', 'chargeback')) AS minor
FROM decisions AS d LEFT JOIN LATERAL (
    SELECT label FROM labels AS one WHERE one.tenant_id = d.tenant_id AND one.transaction_id = d.transaction_id
        AND NOT one.refused AND one.known_time <= $2 ORDER BY known_time DESC, number DESC LIMIT 1
) AS l ON true
WHERE d.tenant_id = $1 AND d.event_time < $2 GROUP BY 1"""


class Team:
    """A team whose tenant has payments and labels of two weeks, and what it does."""

    def __init__(self, platform: Platform, edge: Edge, secret: Path) -> None:
        self.platform, self.edge = platform, edge
        self.analyst = Analyst(platform, edge, secret)

    async def trains(self, *parameters: str) -> dict[str, Any]:
        return dict((await self.analyst.reads("model", "train", "stolen", *LEARNED, *parameters))[-1])

    async def makes_version(self, model: int) -> None:
        """Makes a version of the scenario that is scored by a version of the model."""
        await self.analyst.does("scenario", "model", "cards", f"stolen@{model}")
        await self.analyst.does("scenario", "version", "cards", "--note", f"model {model}")

    async def deploys(self, version: int, *to: str) -> None:
        await self.analyst.does("scenario", "deploy", "cards", str(version), "--to", *to)

    async def payments(self, amount: float = 40.0) -> Sequence[dict[str, Any]]:
        requests = [
            a_check(transaction_id=(name := uuid.uuid4().hex), user_id=name, transaction_amount=amount + number / 100)
            for number in range(AT_ONCE)
        ]
        results = (await self.edge.post(f"{CHECK}:batch", {"requests": requests}))["results"]
        return [each["decision"] for each in results]

    async def until(self, holds: Callable[[Sequence[dict[str, Any]]], bool], amount: float = 40.0) -> None:
        """Has payments decided until something holds of a batch of them."""
        async with asyncio.timeout(SECONDS):
            while not holds(await self.payments(amount)):
                await asyncio.sleep(0.1)


def versions(made: Sequence[dict[str, Any]]) -> set[int]:
    return {each["versions"]["scenario_version"] for each in made if each["versions"]["scenario"] == "cards"}


async def test_a_fraud_team_s_week(platform: Platform, tmp_path: Path) -> None:
    team = Team(platform, (await teach(platform)).edge, tmp_path / "secret")
    await _first_model(team)
    await _drift_is_seen(team)
    await _next_model(team)
    transaction_id = await _case_becomes_label(team)
    await _report_agrees(team, transaction_id)
    (verified,) = await team.analyst.reads("decision", "verify", "--limit", "300")
    assert (verified["decisions"], verified["identical"]) == (300, 300), verified["others"]


async def _first_model(team: Team) -> None:
    await team.analyst.does("model", "create", "stolen")
    trained = await team.trains("--trees", "10")
    assert (trained["state"], trained["metrics"]["auc_roc"] > 0.7) == ("ready", True)
    await team.analyst.does("scenario", "create", "cards")
    await team.analyst.does(
        "rules", "add", "cards", "--id", "large", "--code", "LARGE", "--words", "{amount:.2f} is much.",
        "--expression", f"amount == {LARGE}", "--contribution", "0.9", "--outcome", "decline", "--alert",
    )  # fmt: skip
    await team.makes_version(1)
    await team.deploys(1, "live")
    await team.until(lambda made: versions(made) == {1} and {each["score_source"] for each in made} == {"model"})


async def _drift_is_seen(team: Team) -> None:
    """Payments are far larger than those learned from, all of them from new users."""

    async def seen() -> bool:
        await team.payments(amount=5_000.0)
        return int((await team.edge.get("/api/v1/models/stolen/versions/1:drift", days=1))["rows"]) > 1_500

    await eventually(seen, 2 * SECONDS)
    (found,) = await team.analyst.reads("model", "drift", "stolen", "1", "--days", "1")
    assert "amount" in [each["name"] for each in found["inputs"] if each["state"] == "drifted"]

    async def told() -> bool:
        found = await team.analyst.reads("alert", "list", "--cause", "drift")
        return [(each["entity_kind"], each["entity"]) for each in found] == [("model", "stolen")]

    await eventually(told, SECONDS)


async def _next_model(team: Team) -> None:
    assert (await team.trains("--trees", "20"))["version"] == 2
    await team.makes_version(2)
    await team.deploys(2, "shadow")

    async def compared() -> bool:
        assert versions(await team.payments()) == {1}
        (found,) = await team.analyst.reads("scenario", "shadow", "cards", "2")
        return int(found["decisions"]) > AT_ONCE

    await eventually(compared, SECONDS)
    await team.deploys(2, "share", "--share", "10")
    await team.until(lambda made: versions(made) == {1, 2})
    await team.deploys(2, "live")
    await team.until(lambda made: versions(made) == {2})


async def _case_becomes_label(team: Team) -> str:
    stolen = await team.edge.check(user_id="carol", transaction_amount=LARGE)
    assert (stolen["outcome"], "LARGE" in stolen["risk_factors"]) == ("decline", True)
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        found[:] = await team.analyst.reads("case", "next")
        return bool(found)

    await eventually(there, SECONDS)
    await team.analyst.does("case", "close", found[0]["case_id"], "fraud")
    transaction_id = str(stolen["transaction_id"])

    async def labelled() -> bool:
        labels = (await team.edge.get("/api/v1/labels", transaction_id=transaction_id))["labels"]
        return [(each["label"], each["source"]) for each in labels] == [("fraud", "case")]

    await eventually(labelled, SECONDS)
    return transaction_id


async def _report_agrees(team: Team, transaction_id: str) -> None:
    horizon, tenant = (
        datetime.now(UTC),
        await team.platform.value(
            "fraud", "SELECT tenant_id FROM transactions WHERE transaction_id = $1", transaction_id
        ),
    )
    since = (horizon - timedelta(days=30)).isoformat()
    (report,) = (
        await team.analyst.reads("report", "create", "--since", since, "--as-of", horizon.isoformat(), "--by", "model")
    )[-1:]
    rows = {row["outcome"]: row for row in await team.platform.rows("fraud", BY_HAND, tenant, horizon)}
    total = report["result"]["total"]
    assert int(total["decisions"]) == sum(row["decisions"] for row in rows.values())
    told = {each["outcome"]: int(each["fraud"]) for each in total["outcomes"]}
    assert {outcome: told.get(outcome, 0) for outcome in rows} == {name: row["fraud"] for name, row in rows.items()}
    assert told["decline"] >= 1
    (money,) = total["money"]
    for name, outcome in (("fraud_declined", "decline"), ("fraud_approved", "approve")):
        assert money[name] == f"{(rows[outcome]['minor'] or 0) / 100:.2f}"
    (by_model,) = report["result"]["breakdowns"]
    assert {each["value"] for each in by_model["groups"]} >= {"stolen@1", "stolen@2"}
