"""`rampart simulate`: writes a stream of card payments with known fraud."""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import io
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TextIO

from console.arguments import calendar_date, decimal, whole
from console.failure import CommandFailure, WrongArgument
from console.simulation.payment import Payment
from console.simulation.payments import payments
from console.simulation.world import make_world

HEADER = (
    "transaction_id,event_time,user_id,merchant_id,amount,currency,channel,"
    "device_fingerprint,ip_address,card_fingerprint,is_fraud,fraud_scenario\n"
)
MOST = 10_000_000
MOST_DAYS = 3_660
SCENARIOS = ("", "amount", "merchant", "customer", "device", "address")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "simulate",
        help="write card payments with known fraud to a CSV file",
        description="Writes card payments with known fraud to a CSV file. The same options give the same bytes.",
    )
    parser.add_argument(
        "--seed", type=whole(0, MOST), default=1, metavar="N", help="another number, other payments (default: 1)"
    )
    parser.add_argument("--customers", type=whole(1, MOST), default=1000, metavar="N", help="default: 1000")
    parser.add_argument("--terminals", type=whole(1, MOST), default=2000, metavar="N", help="merchants (default: 2000)")
    parser.add_argument("--days", type=whole(1, MOST_DAYS), default=30, metavar="N", help="default: 30")
    parser.add_argument("--start", type=calendar_date, default=date(2026, 1, 1), metavar="DATE", help="first day, UTC")
    parser.add_argument("--online-share", type=decimal(0, 1), default=0.4, metavar="X", help="0 to 1 (default: 0.4)")
    parser.add_argument("-o", "--output", default="-", metavar="FILE", help="compressed if it ends in .gz (default: -)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the file, and a line about its content to standard error. Raises Failure."""
    if (date.max - arguments.start).days < arguments.days:
        raise WrongArgument(f"--start {arguments.start} and --days {arguments.days} end after the year 9999.")
    with output(arguments.output) as text:
        counts = write(text, arguments)
    fraud = ", ".join(f"{SCENARIOS[number]} {counts[number]}" for number in range(1, len(SCENARIOS)))
    print(f"{counts.total()} payments, {counts.total() - counts[0]} frauds: {fraud}", file=sys.stderr)
    return 0


def write(text: TextIO, arguments: argparse.Namespace) -> Counter[int]:
    """Writes every payment; returns how many there are of each scenario."""
    counts: Counter[int] = Counter()
    world = make_world(arguments.seed, arguments.customers, arguments.terminals)
    prefix = f"sim-{digest(arguments)}"
    midnight = datetime.combine(arguments.start, datetime.min.time(), UTC)
    text.write(HEADER)
    for number, payment in enumerate(payments(arguments.seed, world, arguments.days, arguments.online_share)):
        text.write(line(f"{prefix}-{number}", midnight, payment))
        counts[payment.scenario] += 1
    return counts


def line(transaction_id: str, midnight: datetime, payment: Payment) -> str:
    moment = (midnight + timedelta(seconds=payment.second)).strftime("%Y-%m-%dT%H:%M:%SZ")
    amount = f"{payment.cents // 100}.{payment.cents % 100:02}"
    return (
        f"{transaction_id},{moment},{payment.user_id},{payment.merchant_id},{amount},USD,{payment.channel},"
        f"{payment.device},{payment.address},{payment.card},{int(payment.scenario > 0)},{payment.scenario}\n"
    )


def digest(arguments: argparse.Namespace) -> str:
    """Names the options, so that transactions of different simulations have different identifiers."""
    options = (arguments.seed, arguments.customers, arguments.terminals, arguments.days, arguments.start)
    return hashlib.sha256(repr((*map(str, options), arguments.online_share)).encode()).hexdigest()[:8]


@contextlib.contextmanager
def output(name: str) -> Iterator[TextIO]:
    """Opens the file. Raises Failure if it cannot be written."""
    if name == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(name)
    try:
        with path.open("wb") as file, _compressed(path, file) as content, io.TextIOWrapper(content, "ascii") as text:
            yield text
    except OSError as error:
        raise CommandFailure(f"Cannot write {path} ({error.strerror}).") from error


@contextlib.contextmanager
def _compressed(path: Path, file: io.BufferedWriter) -> Iterator[io.BufferedWriter | gzip.GzipFile]:
    if path.suffix != ".gz":
        yield file
        return
    # Without the time and name of the file the bytes depend on the content alone.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed:
        yield compressed
