"""Reads transfers between accounts, and which accounts launder money, as the simulator AMLSim writes them.

A folder has `nodes.csv` with the columns nodeid and isFraud, and `transactions.csv` with sourceNodeId, targetNodeId,
value and time, a step from 1 on; both may be compressed with gzip.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from console.failure import CommandFailure

__all__ = ["EVENT_TYPE", "SimulatedTransfers", "Transfer", "TransferRequest", "step_length"]

EVENT_TYPE = "transfer"
LONGEST_STEP, ALL_STEPS = timedelta(days=1), timedelta(days=150)
"""Steps are shorter if there are many: a graph takes in nothing that happened more than 180 days ago."""
NODES, TRANSFERS = "nodes.csv", "transactions.csv"


def step_length(steps: int) -> timedelta:
    """Returns how long each of so many steps is."""
    return min(LONGEST_STEP, ALL_STEPS / steps)


class Transfer(NamedTuple):
    """A transfer, by its place in the file."""

    row: int
    source: str
    target: str
    amount: float
    step: int
    place: int
    """Among those of its step."""

    def request(self, start: datetime, length: timedelta) -> TransferRequest:
        """Returns its check, if the first step begins then and each is so long: a second after the one before it."""
        when = start + (self.step - 1) * length + min(timedelta(seconds=self.place), length - timedelta(seconds=1))
        body = {
            "event_type": EVENT_TYPE,
            "transaction_id": f"amlsim-{self.row}",
            "event_time": when.isoformat().replace("+00:00", "Z"),
            "fields": {
                "payer": self.source,
                "payee": self.target,
                "amount": {"amount": self.amount, "currency": "USD"},
            },
        }
        return TransferRequest(self.row, json.dumps(body).encode())


class TransferRequest(NamedTuple):
    """The check of a transfer. Implements `Sendable`."""

    row: int
    body: bytes

    @property
    def line(self) -> int:
        return self.row + 2

    def fault(self, field: str, expected: str) -> str:
        return f"line {self.line}: {field} {expected}"


class SimulatedTransfers:
    """The files of a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises CommandFailure for what is no such folder."""
        self.transfers_file = _file(folder, TRANSFERS)
        self.is_fraud = {row["nodeid"]: row["isFraud"].lower() in ("1", "true") for row in _rows(_file(folder, NODES))}
        """Whether each account launders money."""
        self.steps = max((each.step for each in self.transfers()), default=0)
        if not self.steps:
            raise CommandFailure(f"{self.transfers_file} has no transfers.")

    def transfers(self) -> Iterator[Transfer]:
        """Yields the transfers in the order of their steps. Raises CommandFailure for lines that are none."""
        last = places = 0
        for row, each in enumerate(_rows(self.transfers_file)):
            try:
                source, target = each["sourceNodeId"], each["targetNodeId"]
                amount, step = float(each["value"]), int(each["time"])
            except (KeyError, TypeError, ValueError) as error:
                raise CommandFailure(f"{self.transfers_file}, line {row + 2} is no transfer: {error!r}.") from None
            if step < max(last, 1):
                raise CommandFailure(f"{self.transfers_file}, line {row + 2}: sort the file by time, from 1 on.")
            places = places + 1 if step == last else 0
            last = step
            yield Transfer(row, source, target, amount, step, places)


def _file(folder: Path, name: str) -> Path:
    found = next((each for each in (folder / name, folder / f"{name}.gz") if each.is_file()), None)
    if found is None:
        raise CommandFailure(f"{folder} has no {name} or {name}.gz.")
    return found


def _open(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with contextlib.closing(_open(path)) as text:
            yield from csv.DictReader(text)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise CommandFailure(f"Cannot read {path}: {error}.") from error
