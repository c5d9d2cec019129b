"""Weeks are tested on by the protocol of the handbook: without customers of whom it is known that they were robbed."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from console.evaluating.measures import measure
from console.evaluating.transactions import Transactions
from console.evaluating.weeks import Week, last_weeks, measured_days
from console.failure import CommandFailure
from console.replaying.layout import HANDBOOK
from console.replaying.records import Record

FIRST = date(2018, 7, 1)


def record(row: int, day: int, customer: str, is_fraud: bool | None, hour: int = 12) -> Record:
    moment = datetime(FIRST.year, FIRST.month, FIRST.day, hour, tzinfo=UTC) + timedelta(days=day)
    return Record(row, row + 2, f"t{row}", moment.timestamp(), (f"user_id={customer}",), b"", is_fraud, HANDBOOK)


def some_transactions(seed: int, days: int = 30) -> tuple[list[tuple[int, str, bool]], Transactions]:
    dice = random.Random(seed)
    made = [
        (day, f"c{dice.randrange(40)}", dice.random() < 0.05)
        for day in range(days)
        for _ in range(dice.randrange(10, 30))
    ]
    return made, Transactions.read(record(row, *each) for row, each in enumerate(made))


@pytest.mark.parametrize("seed", range(10))
def test_who_was_robbed_in_the_week_before_the_delay_or_long_enough_ago_to_be_known_is_not_tested(seed: int) -> None:
    made, transactions = some_transactions(seed)
    start = 16
    tested = list(measured_days(Week(FIRST + timedelta(days=start)), transactions))
    assert len(tested) == 7
    for ahead, places in enumerate(tested):
        # The week that ends with the delay, and each day after it that is a week and a day ago.
        known = {customer for day, customer, bad in made if bad and start - 14 <= day < start - 7 + ahead}
        wanted = [
            place for place, (day, customer, _) in enumerate(made) if day == start + ahead and customer not in known
        ]
        assert list(places) == wanted


def test_the_last_weeks_are_whole_and_end_with_the_file() -> None:
    weeks = last_weeks(date(2018, 8, 1), date(2018, 8, 31), 4)
    assert [str(week) for week in weeks] == ["2018-08-04", "2018-08-11", "2018-08-18", "2018-08-25"]
    assert weeks[-1].end == date(2018, 9, 1)
    assert len(last_weeks(date(2018, 8, 25), date(2018, 8, 31), 4)) == 1
    assert last_weeks(date(2018, 8, 26), date(2018, 8, 31), 4) == []


def test_scores_that_say_the_truth_are_worth_everything() -> None:
    _, transactions = some_transactions(3)
    week = Week(FIRST + timedelta(days=16))
    found = measure(week, transactions, lambda place: 0.99 if transactions.fraud[place] else 0.0)
    assert (found.auc, found.average_precision, found.certain_true) == (1.0, 1.0, 1.0)
    assert found.certain == found.frauds > 0
    assert found.calibration_error == pytest.approx(0.01 * found.frauds / found.transactions)


def test_shuffled_labels_are_as_many_of_each_day_and_of_others() -> None:
    made, asis = some_transactions(4, days=20)
    records = [record(row, *each) for row, each in enumerate(made)]
    one, again, other = (Transactions.read(records, seed) for seed in (1, 1, 2))
    assert one.fraud == again.fraud
    assert len({bytes(each.fraud) for each in (asis, one, other)}) == 3
    for ahead in range(20):
        day = FIRST + timedelta(days=ahead)
        frauds = [place for place in one.of(day) if one.fraud[place]]
        assert len(frauds) == sum(asis.fraud[place] for place in asis.of(day))
        assert one.compromised(day) == {one.customers[place] for place in frauds}


def test_a_file_that_is_not_in_order_of_days_is_refused_with_its_line() -> None:
    with pytest.raises(CommandFailure, match=r"Line 3 is of 2018-07-03, after lines of 2018-07-04: sort the file"):
        Transactions.read([record(0, 3, "a", False), record(1, 2, "b", False)])


def test_a_transaction_of_which_nobody_says_whether_it_is_fraud_is_refused() -> None:
    with pytest.raises(CommandFailure, match="Line 2 does not say whether it is fraud"):
        Transactions.read([record(0, 0, "a", None)])
    with pytest.raises(CommandFailure, match="no transactions"):
        Transactions.read([])
