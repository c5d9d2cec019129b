"""`rampart report`: what decisions were worth, by what became known of their transactions."""

from __future__ import annotations

import argparse
import uuid
from typing import TYPE_CHECKING

from console.api import Api, Json, resource
from console.arguments import decimal, length, past_time, whole
from console.report_tables import REPORT_COLUMNS, print_report, report_row
from console.tables import output
from console.tasking.action import finish, finish_each, print_pages
from console.tasking.options import add_limit, given
from console.tasking.submitted import EXIT_STATUS, FINAL_HELP, followed

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/quality-reports"
MOST_CAPACITY = 100_000
MOST_COST = 1e6
TIMES = ("since", "until", "as_of", "stored_before")
GIVEN = (*TIMES, "event_type", "unlabelled", "group_by", "entity_field", "review_capacity", "review_cost",
         "review_cost_currency")  # fmt: skip
BY_HELP = "outcome, rule, scenario, model, or what rules can ask, such as channel or ip.country; repeatable"
DELAY_HELP = "how long labels take: younger decisions without one count as nothing (default 30d)"
STORED_HELP = "leave out what was stored from then on, also if it says that it was known before (default: now)"
CREATE_HELP = f"""Counts what the decisions about the events of a period turned out to be: precision, recall, money
saved and blocked, in total and by groups. What is not known yet is never counted as good. {FINAL_HELP}"""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `report` command."""
    parser = subparsers.add_parser("report", help="tell what decisions were worth: precision, recall, money")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_create(actions.add_parser("create", help="make a report and print it", description=CREATE_HELP))
    listing = actions.add_parser("list", help="list reports of the last 400 days")
    add_limit(listing)
    finish(listing, _list)
    commands = (
        ("show", _show, "show a report with what it says"),
        ("watch", _watch, "follow a report until it has ended"),
        ("cancel", _cancel, "cancel a report"),
        ("delete", _delete, "delete a report that has ended"),
    )
    finish_each(actions, "report_id", commands)


def _add_create(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--since", type=past_time, metavar="TIME", required=True, help="events from then on: a time, or 90d ago")
    add("--until", type=past_time, metavar="TIME", help="events before then (default: --as-of)")
    add("--as-of", type=past_time, metavar="TIME", help="by what was known then (default: now)")
    add("--stored-before", type=past_time, metavar="TIME", help=STORED_HELP)
    add("--label-delay", type=length, metavar="LENGTH", help=DELAY_HELP)
    add("--unlabelled", choices=("legitimate", "unknown"), help="what a mature decision without a label counts as")
    add("--event-type", metavar="TYPE", help="whose decisions are counted (default payment)")
    add("--by", dest="group_by", action="append", metavar="NAME", help=BY_HELP)
    add("--where", action="append", default=[], metavar="NAME=VALUE", type=_condition, help="only these; repeatable")
    add("--entity", dest="entity_field", metavar="KEY", help="the key whose values are reviewed (default user_id)")
    add("--review-capacity", type=whole(1, MOST_CAPACITY), metavar="N", help="how many of them a day (default 100)")
    add("--review-cost", type=decimal(0, MOST_COST, above=True), metavar="AMOUNT", help="what one review costs")
    add("--currency", dest="review_cost_currency", metavar="CODE", help="of that cost, such as EUR")
    add("--detach", action="store_true", help="do not wait for the end")
    finish(parser, _create)


def _condition(text: str) -> Json:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"must be such as currency=EUR, not {text!r}")
    return {"name": name, "value": value}


async def _create(api: Api, arguments: argparse.Namespace) -> int:
    # Named, so that a request that is sent again makes no second report.
    body: Json = given(arguments, GIVEN) | {"request_id": str(uuid.uuid4()), "conditions": arguments.where}
    if arguments.label_delay is not None:
        body["label_delay"] = f"{arguments.label_delay}s"
    made = await api.call("POST", PATH, body)
    if arguments.detach:
        print_report(output(), made, as_json=arguments.json)
        return 0
    return await _follow(api, arguments, made)


async def _watch(api: Api, arguments: argparse.Namespace) -> int:
    return await _follow(api, arguments, await api.call("GET", _path(arguments.report_id)))


async def _follow(api: Api, arguments: argparse.Namespace, report: Json) -> int:
    """Shows a report until it has ended, then what it says."""
    ended = await followed(api, arguments, report, _path(report["report_id"]), "report of quality")
    print_report(output(), ended, as_json=arguments.json)
    return EXIT_STATUS[ended["state"]]


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(PATH, "quality_reports", {}, arguments.limit)
    await print_pages(arguments, pages, REPORT_COLUMNS, report_row, "reports")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    print_report(output(), await api.call("GET", _path(arguments.report_id)), as_json=arguments.json)
    return 0


async def _cancel(api: Api, arguments: argparse.Namespace) -> int:
    print_report(output(), await api.call("POST", f"{_path(arguments.report_id)}:cancel", {}), as_json=arguments.json)
    return 0


async def _delete(api: Api, arguments: argparse.Namespace) -> int:
    await api.call("DELETE", f"{_path(arguments.report_id)}?request_id={uuid.uuid4()}")
    return 0


def _path(report_id: str) -> str:
    return resource(PATH, report_id)
