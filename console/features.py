"""`rampart features`: lists, shows, declares, describes, retires and verifies features."""

from __future__ import annotations

import argparse
import re
import uuid
from typing import TYPE_CHECKING, Any

from console.api import Api, Json, resource
from console.arguments import SECONDS, length
from console.tables import output
from console.tasking.action import finish, print_item, print_pages
from console.tasking.options import add_limit
from console.verifying import add_rebuild, add_verify

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/features"
AGGREGATES = (
    "count", "sum", "mean", "min", "max", "stddev", "distinct", "first_seen", "last_seen", "is_new", "travel_speed",
    "count_fraud", "share_fraud", "known_fraud",
)  # fmt: skip
MEASURES = (
    "degree", "component_size", "component_growth", "fraud_within_two_hops", "fan_in", "fan_out", "most_repeats",
    "smallest_repeated", "cycles",
)  # fmt: skip
BOUNDARIES = ("(]", "[)")
COLUMNS = ("name", "event type", "what", "by", "window", "state", "description")
_WHOLE = re.compile(r"([0-9]+)s")


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `features` command."""
    parser = subparsers.add_parser("features", help="manage features: what is counted by which key and window")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list features, the built-in ones too")
    add_limit(listing)
    finish(listing, _list)
    for name, run, text in (
        ("show", _show, "show a feature"),
        ("create", _create, "declare a feature: an aggregate over a window, or an expression"),
        ("update", _update, "change the description of a feature; what it counts never changes"),
        ("delete", _delete, "retire a feature that nothing uses"),
    ):
        one = actions.add_parser(name, help=text, description=text)
        one.add_argument("name", metavar="NAME", help="lower-case letters, digits and underscores")
        if run is _create:
            _add_definition(one)
        if run in (_create, _update):
            words = {"required": True} if run is _update else {"default": ""}
            one.add_argument("--description", metavar="WORDS", help="what it is, in words for people", **words)
        finish(one, run)
    add_verify(actions)
    add_rebuild(actions)


def _add_definition(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--event-type", required=True, metavar="NAME", help="whose checks compute it")
    add("--counts", action="append", metavar="NAME", help="an event type that is counted, if not that one; repeatable")
    add("--key", action="append", metavar="FIELD", help="what counted events have in common with this one; repeatable")
    add("--aggregate", choices=AGGREGATES, help="what is computed of the events in the window")
    add("--field", metavar="FIELD", help="what is aggregated")
    add("--window", type=span, metavar="LENGTH", help="such as 90s, 15m, 24h, 30d")
    add("--delay", type=span, metavar="LENGTH", help="by how much the window ends before the event")
    add("--boundary", choices=BOUNDARIES, help="which end belongs to the window; (] if it is not said")
    add("--include-current", action="store_true", default=None, help="count the current event too")
    add("--same-currency", action="store_true", default=None, help="count events in its currency alone")
    add("--where", metavar="EXPRESSION", help="which events count")
    add("--expression", metavar="EXPRESSION", help="what is computed of fields and features, in place of an aggregate")
    add("--measure", choices=MEASURES, help="what the graph knows of the key's entity, in place of an aggregate")


def span(text: str) -> str:
    """Reads a length of time, and writes it as the API wants it."""
    return f"{length(text)}s"


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(PATH, "features", {}, arguments.limit)
    await print_pages(arguments, pages, COLUMNS, _row, "features")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("GET", _path(arguments)))
    return 0


async def _create(api: Api, arguments: argparse.Namespace) -> int:
    names = (
        "name", "description", "event_type", "counts", "key", "aggregate", "field", "window", "delay", "boundary",
        "include_current", "same_currency", "where", "expression", "measure",
    )  # fmt: skip
    body = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    # Named, so that a request that is sent again finds what it has declared.
    print_item(arguments, await api.call("POST", f"{PATH}?request_id={uuid.uuid4()}", body))
    return 0


async def _update(api: Api, arguments: argparse.Namespace) -> int:
    before = await api.call("GET", _path(arguments))
    # Only the state that was read is changed, so that nobody else's change is undone.
    body = {"etag": before["etag"], "description": arguments.description}
    print_item(arguments, await api.call("PATCH", f"{_path(arguments)}?request_id={uuid.uuid4()}", body))
    return 0


async def _delete(api: Api, arguments: argparse.Namespace) -> int:
    await api.call("DELETE", f"{_path(arguments)}?request_id={uuid.uuid4()}")
    if not arguments.json:
        output().print(f"{arguments.name} is retired.", markup=False)
    return 0


def _row(item: Json) -> list[str]:
    aggregate = item["aggregate"] + (f" of {item['field']}" if item["field"] else "")
    what = item["expression"] or item.get("measure") or aggregate
    if item["where"]:
        what += f" where {item['where']}"
    state = "built in" if item["built_in"] else item["state"]
    return [
        item["name"], item["event_type"], what, " + ".join(item["key"]), _window(item), state, item["description"],
    ]  # fmt: skip


def _window(item: Json) -> str:
    window, delay = _length(item.get("window")), _length(item.get("delay"))
    by_day = " by day" if item.get("resolution") == "day" else ""
    return f"{window}{by_day}, {delay} ago" if delay else f"{window}{by_day}"


def _length(duration: Any) -> str:
    """Says a length of time as an option would, in the largest unit that it is whole in."""
    found = _WHOLE.fullmatch(duration or "0s")
    if not found:
        return str(duration)
    seconds = int(found[1])
    for unit, unit_seconds in reversed(SECONDS.items()):
        if seconds and seconds % unit_seconds == 0:
            return f"{seconds // unit_seconds}{unit}"
    return ""


def _path(arguments: argparse.Namespace) -> str:
    return resource(PATH, arguments.name)
