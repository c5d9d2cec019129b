"""`rampart features verify` and `rampart features rebuild`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from console.api import Api, Json
from console.arguments import past_time
from console.failure import CommandFailure
from console.http import HttpError
from console.tables import output, table, when
from console.tasking.action import finish

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/features"
COLUMNS = ("decision_id", "transaction_id", "event time", "feature", "stored", "recomputed", "cause")
MISSING = "missing"
STATES = {"filling": "New logs are written and filled; those of before are read.", "done": "The new logs are read."}
VERIFY_HELP = """Computes the stored values of a past period anew, in the order in which checks arrived, and lists each
that differs, with its cause. The exit status is 1 if a difference is not explained by its cause."""
REBUILD_HELP = """Fills all logs of the tenant anew from the stored decisions, without believing what the logs have.
Checks go on meanwhile. Ends when the new logs are read; interrupted, it goes on by itself."""


def add_verify(actions: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `verify`."""
    parser = actions.add_parser(
        "verify", help="compute stored values anew, and list what differs", description=VERIFY_HELP
    )
    add = parser.add_argument
    add("--since", type=past_time, default="1d", metavar="TIME", help="decisions from then on, or 7d (default: 1d)")
    add("--until", type=past_time, metavar="TIME", help="decisions before then (default: now)")
    add("--feature", action="append", default=[], metavar="NAME", help="only this feature; repeatable")
    finish(parser, _verify)


def add_rebuild(actions: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `rebuild`."""
    parser = actions.add_parser(
        "rebuild", help="fill all logs anew from the stored decisions", description=REBUILD_HELP
    )
    finish(parser, _rebuild)


async def _verify(api: Api, arguments: argparse.Namespace) -> int:
    query = [("since", arguments.since), *(("features", each) for each in arguments.feature)]
    query += [("until", arguments.until)] if arguments.until else []
    differences: list[Json] = []
    summary: Json = {}
    said = ""
    async with aclosing(_messages(api, f"{PATH}:verify?{urlencode(query)}")) as messages:
        async for message in messages:
            if arguments.json and not message.get("progress"):
                print(json.dumps(message), flush=True)
            if message.get("progress"):
                said = _say_progress(message["progress"], said)
            elif message.get("difference"):
                differences.append(message["difference"])
            else:
                summary = message["summary"]
    if not arguments.json:
        _print(differences, summary)
    return 1 if int(summary["unlawful"]) else 0


async def _rebuild(api: Api, arguments: argparse.Namespace) -> int:
    async with aclosing(_messages(api, f"{PATH}:rebuild", "POST")) as messages:
        async for message in messages:
            if arguments.json:
                print(json.dumps(message), flush=True)
            else:
                print(STATES.get(message["state"], message["state"]), flush=True)
    return 0


async def _messages(api: Api, path: str, method: str = "GET") -> AsyncGenerator[Json, None]:
    """Yields the messages of a stream. Raises CommandFailure if it is refused, fails or is cut off."""
    try:
        async with aclosing(api.stream(path, method)) as frames:
            async for frame in frames:
                if "result" in frame:
                    yield frame["result"]
                    continue
                status = frame.get("status") or {}
                if status.get("code"):
                    raise CommandFailure(f"It ended early: {status.get('message')} (code {status['code']}).")
                return
    except HttpError as error:
        raise CommandFailure(f"No answer: {error}.") from error
    raise CommandFailure("The stream was cut off: start it again.")


def _say_progress(progress: Json, said: str) -> str:
    """Says how far it is, unless that was said before; returns it."""
    line = f"{progress['message']}: {progress['done']} of {progress['total']} decisions"
    if line != said:
        end = "" if sys.stderr.isatty() else "\n"
        print(f"\r{line:<78}" if not end else line, end=end, file=sys.stderr, flush=True)
    return line


def _print(differences: list[Json], summary: Json) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if differences:
        output().print(table(COLUMNS, [_row(each) for each in differences]))
    causes = ", ".join(f"{each['count']} {each['cause']}" for each in summary["causes"]) or "none"
    print(
        f"{summary['decisions']} decisions from {when(summary['since'])} to {when(summary['until'])}, "
        f"{summary['values']} values compared: {summary['different']} decisions differ; differences: {causes}"
    )
    if int(summary["skipped"]):
        print(f"{summary['skipped']} decisions could not be computed anew: their features are not known any more")
    if int(summary["unlisted"]):
        print(f"{summary['unlisted']} more differences are counted and not listed")


def _row(found: Json) -> list[str]:
    return [
        found["decision_id"], found["transaction_id"], when(found["event_time"]), found["feature"],
        found["stored"] or MISSING, found["recomputed"] or MISSING, found["cause"],
    ]  # fmt: skip
