"""`rampart evaluate handbook` sets up a tenant, trains, and measures the answers; once more it measures the same."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.evaluating.weeks import DELAY_DAYS
from tests.steelthread.platform import Platform

FIRST, DAYS, A_DAY = datetime(2018, 7, 1, tzinfo=UTC), 42, 40
WEEK = "2018-08-05"
HEADER = ("TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD")


def write_payments(path: Path) -> int:
    """Writes payments of which the very large ones are fraud, now and then. Returns how many are, in the last week."""
    dice, recent = random.Random(11), 0
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEADER)
        for row in range(DAYS * A_DAY):
            when = FIRST + timedelta(days=row / A_DAY)
            is_fraud = dice.random() < 0.06
            amount = dice.uniform(230, 400) if is_fraud else dice.uniform(5, 180)
            customer = f"{row}" if is_fraud else f"{dice.randrange(60)}"
            rows.writerow(
                (row, f"{when:%Y-%m-%d %H:%M:%S}", customer, dice.randrange(50), f"{amount:.2f}", int(is_fraud))
            )
            recent += is_fraud and when >= FIRST + timedelta(days=DAYS - DELAY_DAYS)
    return recent


async def test_a_file_is_decided_labelled_learned_from_and_measured(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "payments.csv"
    frauds = write_payments(file)
    command = ("evaluate", "handbook", str(file), "--test-week", WEEK, "--json", "--home", str(platform.home))
    code, said = await platform.rampart(*command)
    assert code == 0, said
    found = json.loads(said.splitlines()[-1])
    (week,) = found["weeks"]
    assert (week["start"], week["transactions"], week["frauds"]) == (WEEK, 7 * A_DAY, frauds)
    assert (found["degraded"], week["average_precision"] > 0.95, week["auc"] > 0.95) == (0, True, True)
    assert week["calibration_error"] < 0.2
    code, again = await platform.rampart(*command)
    assert (code, json.loads(again.splitlines()[-1])) == (0, found)
