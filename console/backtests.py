"""`rampart backtest`: what a version would have decided in a past period."""

from __future__ import annotations

import argparse
import json
import uuid
from typing import TYPE_CHECKING

from console.api import Api, Json, resource
from console.arguments import past_time, whole
from console.result_tables import print_backtest_result
from console.tables import output, state_text, table, when
from console.tasking.action import finish, finish_each, print_pages
from console.tasking.options import add_limit
from console.tasking.submitted import EXIT_STATUS, FINAL_HELP, followed

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from rich.text import Text

PATH = "/api/v1/backtests"
COLUMNS = ("backtest_id", "version", "state", "since", "until", "values", "done", "by", "created")
VERSION = whole(1, 2**31 - 1)
SINCE_HELP = "decisions from then on: a time, or how long ago, such as 30d"
RUN_HELP = f"Decides a past period anew by a version, or by the draft: what would have been otherwise. {FINAL_HELP}"


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `backtest` command."""
    parser = subparsers.add_parser("backtest", help="decide past periods anew by any version of a scenario")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_run(actions.add_parser("run", help="run a backtest and tell what came of it", description=RUN_HELP))
    listing = actions.add_parser("list", help="list backtests of the last 30 days")
    add_limit(listing)
    finish(listing, _list)
    commands = (
        ("show", _show, "show a backtest with its result"),
        ("watch", _watch, "follow a backtest until it has ended"),
        ("cancel", _cancel, "cancel a backtest"),
    )
    finish_each(actions, "backtest_id", commands)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario_id", metavar="SCENARIO_ID")
    parser.add_argument("version", metavar="VERSION", type=VERSION, nargs="?", help="(default: the draft)")
    parser.add_argument("--since", type=past_time, metavar="TIME", required=True, help=SINCE_HELP)
    parser.add_argument("--until", type=past_time, metavar="TIME", help="decisions before then (default: now)")
    parser.add_argument(
        "--values", choices=("stored", "recomputed"), help="where values of features come from (default: as needed)"
    )
    parser.add_argument("--detach", action="store_true", help="do not wait for the end")
    finish(parser, _run)


async def _run(api: Api, arguments: argparse.Namespace) -> int:
    # Named, so that a request that is sent again makes no second backtest.
    body: Json = {
        "scenario_id": arguments.scenario_id, "since": arguments.since, "request_id": str(uuid.uuid4()),
    }  # fmt: skip
    body |= {name: getattr(arguments, name) for name in ("version", "until", "values") if getattr(arguments, name)}
    made = await api.call("POST", PATH, body)
    if arguments.detach:
        _print(arguments, made)
        return 0
    return await _follow(api, arguments, made)


async def _watch(api: Api, arguments: argparse.Namespace) -> int:
    return await _follow(api, arguments, await api.call("GET", _path(arguments.backtest_id)))


async def _follow(api: Api, arguments: argparse.Namespace, backtest: Json) -> int:
    """Shows a backtest until it has ended, then its result."""
    title = f"backtest of {_version(backtest)}"
    ended = await followed(api, arguments, backtest, _path(backtest["backtest_id"]), title)
    _print(arguments, ended)
    return EXIT_STATUS[ended["state"]]


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(PATH, "backtests", {}, arguments.limit)
    await print_pages(arguments, pages, COLUMNS, _row, "backtests")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    _print(arguments, await api.call("GET", _path(arguments.backtest_id)))
    return 0


async def _cancel(api: Api, arguments: argparse.Namespace) -> int:
    _print(arguments, await api.call("POST", f"{_path(arguments.backtest_id)}:cancel", {}))
    return 0


def _print(arguments: argparse.Namespace, backtest: Json) -> None:
    if arguments.json:
        print(json.dumps(backtest))
        return
    output().print(table(COLUMNS, [_row(backtest)]))
    if backtest["error"]:
        output().print(backtest["error"], markup=False, soft_wrap=True)
    if backtest.get("result"):
        print_backtest_result(output(), backtest["result"])


def _row(backtest: Json) -> list[str | Text]:
    progress = backtest.get("progress") or {}
    done = f"{progress.get('done', 0)}/{progress.get('total', 0)}" if progress.get("total") else ""
    return [
        backtest["backtest_id"], _version(backtest), state_text(backtest["state"]), when(backtest["since"]),
        when(backtest["until"]), backtest["values"], done, backtest["created_by"], when(backtest["create_time"]),
    ]  # fmt: skip


def _version(backtest: Json) -> str:
    return f"{backtest['scenario_id']}@{backtest['version'] or 'draft'}"


def _path(backtest_id: str) -> str:
    return resource(PATH, backtest_id)
