from __future__ import annotations

import csv
import gzip
import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest

from console.__main__ import main
from console.replaying.records import TransactionFile

ROOT = Path(__file__).resolve().parents[3]
Row = dict[str, str]


def simulate(*options: str) -> int:
    return main(["simulate", *options])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulation") / "payments.csv"
    assert simulate("--customers", "500", "--terminals", "1000", "--days", "40", "-o", str(path)) == 0
    return path


@pytest.fixture(scope="module")
def rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def of_scenario(rows: list[Row], number: int) -> list[Row]:
    return [row for row in rows if row["fraud_scenario"] == str(number)]


def test_the_bytes_depend_on_the_options_alone(tmp_path: Path) -> None:
    """The digest holds on every Python and every machine; change it only with the simulation itself."""
    path = tmp_path / "small.csv"
    assert simulate("--customers", "50", "--terminals", "60", "--days", "5", "-o", str(path)) == 0
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == "6275ad4153bddf27327dad9d42d2e70675f3730b88e9274e21761148be24523d"


def test_another_seed_gives_other_payments_with_other_identifiers(tmp_path: Path) -> None:
    seen: list[set[str]] = []
    for seed in ("1", "2"):
        path = tmp_path / seed
        assert simulate("--seed", seed, "--customers", "20", "--days", "3", "-o", str(path)) == 0
        seen.append({line.split(",")[0] for line in path.read_text().splitlines()[1:]})
    assert seen[0] and seen[1] and not seen[0] & seen[1]


def test_payments_come_in_the_order_of_time_with_unique_identifiers(rows: list[Row]) -> None:
    times = [datetime.fromisoformat(row["event_time"]) for row in rows]
    assert times == sorted(times)
    assert times[0].utcoffset() is not None
    assert len({row["transaction_id"] for row in rows}) == len(rows)


def test_all_scenarios_occur_and_fraud_is_rare(rows: list[Row]) -> None:
    assert all(of_scenario(rows, number) for number in range(1, 6))
    frauds = [row for row in rows if row["is_fraud"] == "1"]
    assert frauds == [row for row in rows if row["fraud_scenario"] != "0"]
    assert 0.003 < len(frauds) / len(rows) < 0.03


def test_every_large_payment_is_fraud(rows: list[Row]) -> None:
    assert all(row["is_fraud"] == "1" for row in rows if float(row["amount"]) > 220)
    assert all(float(row["amount"]) > 220 for row in of_scenario(rows, 1))


def test_every_payment_at_a_compromised_merchant_is_fraud_for_28_days(rows: list[Row]) -> None:
    merchants: defaultdict[str, list[datetime]] = defaultdict(list)
    for row in of_scenario(rows, 2):
        merchants[row["merchant_id"]].append(datetime.fromisoformat(row["event_time"]))
    for row in rows:
        times = merchants.get(row["merchant_id"])
        if times and times[0] <= datetime.fromisoformat(row["event_time"]) <= times[-1]:
            assert row["is_fraud"] == "1"
    assert all((times[-1] - times[0]).days < 28 for times in merchants.values())


def test_a_third_of_a_compromised_customers_payments_is_large_fraud(rows: list[Row]) -> None:
    frauds = of_scenario(rows, 3)
    span: dict[str, list[str]] = defaultdict(list)
    for row in frauds:
        span[row["user_id"]].append(row["event_time"])
    all_of_them = [
        row
        for row in rows
        if row["user_id"] in span and span[row["user_id"]][0] <= row["event_time"] <= span[row["user_id"]][-1]
    ]
    assert 0.2 < len(frauds) / len(all_of_them) < 0.6
    ordinary = [float(row["amount"]) for row in all_of_them if row["is_fraud"] == "0"]
    assert sum(float(row["amount"]) for row in frauds) / len(frauds) > 3 * sum(ordinary) / len(ordinary)


def test_a_device_ring_uses_one_device_for_many_customers(rows: list[Row]) -> None:
    users: defaultdict[str, set[str]] = defaultdict(set)
    for row in of_scenario(rows, 4):
        assert row["channel"] == "online"
        users[row["device_fingerprint"]].add(row["user_id"])
    assert all(len(seen) >= 2 for seen in users.values())
    ordinary = {row["device_fingerprint"] for row in rows if row["fraud_scenario"] not in "45"}
    assert not ordinary & set(users)


def test_an_address_ring_uses_one_address_for_many_devices_and_customers(rows: list[Row]) -> None:
    seen: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in of_scenario(rows, 5):
        seen[row["ip_address"]].add((row["device_fingerprint"], row["user_id"]))
    assert all(len({device for device, _ in pairs}) > 3 for pairs in seen.values())
    assert all(len({user for _, user in pairs}) > 3 for pairs in seen.values())


def test_only_online_payments_have_a_device_and_an_address(rows: list[Row]) -> None:
    for row in rows:
        assert bool(row["device_fingerprint"]) == bool(row["ip_address"]) == (row["channel"] == "online")
    share = sum(row["channel"] == "online" for row in rows) / len(rows)
    assert 0.38 < share < 0.43


def test_a_replay_reads_what_a_simulation_writes(path: Path, rows: list[Row]) -> None:
    records = list(TransactionFile(path).records())
    assert [record.transaction_id for record in records] == [row["transaction_id"] for row in rows]
    assert [record.is_fraud for record in records] == [row["is_fraud"] == "1" for row in rows]


def test_a_name_that_ends_in_gz_is_compressed_reproducibly(tmp_path: Path) -> None:
    options = ("--customers", "20", "--days", "2", "-o")
    assert [simulate(*options, str(tmp_path / name)) for name in ("a.csv", "a.csv.gz", "b.csv.gz")] == [0, 0, 0]
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == (tmp_path / "a.csv").read_bytes()
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}"}
    command = [sys.executable, "-m", "console", "simulate"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith(b"transaction_id,")
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_file_that_cannot_be_written_is_one_clear_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate("-o", str(tmp_path / "none" / "x.csv")) == 1
    assert capsys.readouterr().err == f"rampart: Cannot write {tmp_path}/none/x.csv (No such file or directory).\n"
