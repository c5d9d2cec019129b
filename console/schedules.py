"""`rampart schedule`: creates, lists, shows, pauses, resumes and deletes schedules of tasks."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from console.api import Api, resource
from console.tasking.action import finish, finish_each, print_item, print_pages
from console.tasking.options import add_limit, add_work, given
from console.tasking.tables import SCHEDULES, schedule_row

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/schedules"


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `schedule` command."""
    parser = subparsers.add_parser("schedule", help="manage schedules: tasks that are made at times of the clock")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_create(actions.add_parser("create", help="create a schedule"))
    listing = actions.add_parser("list", help="list schedules")
    add_limit(listing)
    finish(listing, _list)
    commands = (
        ("show", _show, "show a schedule"),
        ("pause", _pause, "make no tasks for now; what is missed meanwhile is not made up for"),
        ("resume", _resume, "make tasks again, from the next time on"),
        ("delete", _delete, "delete a schedule; its tasks stay"),
    )
    finish_each(actions, "schedule_id", commands)


def _add_create(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("schedule_id", metavar="ID", help="letters, digits, dots, dashes and underscores")
    parser.add_argument("cron", help='when: "minute hour day month weekday", such as "30 2 * * *"')
    parser.add_argument("--time-zone", metavar="ZONE", help="where, such as Europe/Berlin (default UTC)")
    parser.add_argument("--title", help="of the tasks, in words for people")
    add_work(parser)
    finish(parser, _create)


async def _create(api: Api, arguments: argparse.Namespace) -> int:
    names = ("schedule_id", "cron", "time_zone", "title", "kind", "priority", "arguments", "max_attempts")
    print_item(arguments, await api.call("POST", PATH, given(arguments, names)))
    return 0


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(PATH, "schedules", {}, arguments.limit)
    await print_pages(arguments, pages, SCHEDULES, schedule_row, "schedules")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("GET", _path(arguments)))
    return 0


async def _pause(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("POST", f"{_path(arguments)}:pause", {}))
    return 0


async def _resume(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("POST", f"{_path(arguments)}:resume", {}))
    return 0


async def _delete(api: Api, arguments: argparse.Namespace) -> int:
    answer = await api.call("DELETE", _path(arguments), repeat=False)
    print(json.dumps(answer) if arguments.json else f"deleted {arguments.schedule_id}")
    return 0


def _path(arguments: argparse.Namespace) -> str:
    return resource(PATH, arguments.schedule_id)
