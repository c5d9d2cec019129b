"""`rampart task`: creates, lists, shows, watches, cancels and retries tasks."""

from __future__ import annotations

import argparse
import contextlib
import json
import uuid
from typing import TYPE_CHECKING

from console.api import Api, Json
from console.arguments import decimal, point_in_time, task_id
from console.tables import output
from console.tasking.action import finish, print_item, print_pages
from console.tasking.bar import display
from console.tasking.follow import FINAL, follow
from console.tasking.options import PRIORITIES, add_limit, add_work, given
from console.tasking.tables import TASKS, attempt_table, task_row

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/tasks"
STATES = ("pending", "running", "cancelling", *FINAL)
EXIT_STATUS = {"succeeded": 0, "failed": 3, "dead": 4, "cancelled": 5}
WATCH_HELP = f"""Shows a task until it is final, with a progress bar on a terminal. A stream that is cut off is started
again. The exit status says how it ended: {", ".join(f"{status} {state}" for state, status in EXIT_STATUS.items())}."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `task` command."""
    parser = subparsers.add_parser("task", help="manage tasks: work for workers and for people")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_create(actions.add_parser("create", help="create a task"))
    _add_list(actions.add_parser("list", help="list tasks, the newest first"))
    _add_watch(actions.add_parser("watch", help="follow a task until it is final", description=WATCH_HELP))
    for name, run, text in (
        ("show", _show, "show a task with its attempts"),
        ("cancel", _cancel, "cancel a task; one that runs ends when its worker has stopped"),
        ("retry", _retry, "make a failed, dead or cancelled task pending again, from its last checkpoint"),
    ):
        one = actions.add_parser(name, help=text, description=text)
        one.add_argument("task_id", type=task_id, metavar="ID")
        finish(one, run)


def _add_create(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("title", nargs="?", help="what is to be done, in words for people")
    add_work(parser)
    parser.add_argument("--assignee", metavar="NAME", help="who is to do it")
    parser.add_argument(
        "--due-time", type=point_in_time, metavar="TIME", help="when it should be done by; a date alone is its midnight"
    )
    parser.add_argument("--run-after", type=point_in_time, metavar="TIME", help="not to be begun before (default now)")
    parser.add_argument("--unique-key", metavar="KEY", help="while a task of this key is not final, that one is shown")
    finish(parser, _create)


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", choices=STATES)
    parser.add_argument("--kind")
    parser.add_argument("--priority", choices=PRIORITIES)
    parser.add_argument("--assignee", metavar="NAME")
    add_limit(parser)
    finish(parser, _list)


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task_id", type=task_id, metavar="ID")
    parser.add_argument(
        "--patience", type=decimal(0, 86_400), default=60.0, metavar="S",
        help="seconds to wait for a platform that does not answer (default %(default)g)",
    )  # fmt: skip
    finish(parser, _watch)


async def _create(api: Api, arguments: argparse.Namespace) -> int:
    names = (
        "title", "kind", "priority", "arguments", "assignee", "due_time", "run_after", "unique_key", "max_attempts",
    )  # fmt: skip
    # Named, so that a request that is sent again makes no second task.
    body = {**given(arguments, names), "request_id": str(uuid.uuid4())}
    print_item(arguments, await api.call("POST", PATH, body))
    return 0


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    query = given(arguments, ("state", "kind", "priority", "assignee"))
    pages = api.pages(PATH, "tasks", query, arguments.limit)
    await print_pages(arguments, pages, TASKS, task_row, "tasks")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    task = await api.call("GET", f"{PATH}/{arguments.task_id}")
    attempts = [one async for one in api.pages(f"{PATH}/{arguments.task_id}/attempts", "attempts", {}, None)]
    print_item(arguments, {**task, "attempts": attempts} if arguments.json else task)
    if attempts and not arguments.json:
        output().print(attempt_table(attempts))
    return 0


async def _cancel(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("POST", f"{PATH}/{arguments.task_id}:cancel", {}))
    return 0


async def _retry(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("POST", f"{PATH}/{arguments.task_id}:retry", {}, repeat=False))
    return 0


async def _watch(api: Api, arguments: argparse.Namespace) -> int:
    task: Json = {}
    following = follow(api, f"{PATH}/{arguments.task_id}:watch", patience=arguments.patience)
    async with contextlib.aclosing(following) as states:
        if arguments.json:
            async for task in states:
                print(json.dumps(task), flush=True)
        else:
            with display(output()) as shown:
                async for task in states:
                    shown.update(task)
    return EXIT_STATUS[task["state"]]
