"""`rampart alert`: what analysts are told of, and when."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.api import Api, resource
from console.arguments import decimal
from console.case_tables import ALERTS, alert_details, alert_row
from console.tasking.action import finish, print_item, print_pages, print_parts
from console.tasking.options import add_limit, given

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/alerts"
SETTINGS = "/api/v1/alert-settings"
STATES = ("open", "acknowledged", "dismissed", "closed")
CAUSES = ("score", "rule", "breaker", "drift", "overdue")
LEVELS = ("low", "normal", "high", "urgent")
FILTERS = ("state", "cause", "entity", "min_severity", "case_id")


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `alert` command."""
    parser = subparsers.add_parser("alert", help="see what analysts are told of")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list alerts, newest first")
    listing.add_argument("--state", choices=STATES, help="only those in this state")
    listing.add_argument("--cause", choices=CAUSES, help="only those for this cause")
    listing.add_argument(
        "--entity", metavar="ID", help="only those of a user or card, as it is and not as it is masked"
    )
    listing.add_argument("--min-severity", choices=LEVELS, help="only those and above")
    listing.add_argument("--case-id", metavar="ID", help="only those of a case")
    add_limit(listing)
    finish(listing, _list)
    one = actions.add_parser("show", help="show an alert with its newest transactions")
    one.add_argument("alert_id", metavar="ID")
    finish(one, _show)
    acknowledging = actions.add_parser("acknowledge", help="say that an alert was seen")
    acknowledging.add_argument("alert_id", metavar="ID")
    acknowledging.add_argument("--etag", metavar="ETAG", help="state that was seen")
    finish(acknowledging, _acknowledge)
    dismissing = actions.add_parser("dismiss", help="end an alert that nothing is to be done about")
    dismissing.add_argument("alert_id", metavar="ID")
    dismissing.add_argument("--reason", metavar="TEXT", help="why")
    finish(dismissing, _dismiss)
    threshold = actions.add_parser("threshold", help="show or set the score from which decisions raise alerts")
    threshold.add_argument("threshold", nargs="?", type=decimal(0.5, 1), metavar="SCORE", help="0.5 to 1")
    finish(threshold, _threshold)


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(PATH, "alerts", given(arguments, FILTERS), arguments.limit)
    await print_pages(arguments, pages, ALERTS, alert_row, "alerts")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    print_parts(arguments, await api.call("GET", _path(arguments)), alert_details)
    return 0


async def _acknowledge(api: Api, arguments: argparse.Namespace) -> int:
    found = await api.call("POST", f"{_path(arguments)}:acknowledge", given(arguments, ("etag",)))
    print_parts(arguments, found, alert_details)
    return 0


async def _dismiss(api: Api, arguments: argparse.Namespace) -> int:
    found = await api.call("POST", f"{_path(arguments)}:dismiss", given(arguments, ("reason",)))
    print_parts(arguments, found, alert_details)
    return 0


async def _threshold(api: Api, arguments: argparse.Namespace) -> int:
    wanted = given(arguments, ("threshold",))
    print_item(arguments, await (api.call("PATCH", SETTINGS, wanted) if wanted else api.call("GET", SETTINGS)))
    return 0


def _path(arguments: argparse.Namespace) -> str:
    return resource(PATH, arguments.alert_id)
