"""`rampart lists`: creates, shows, fills and deletes the lists of values that rules ask."""

from __future__ import annotations

import argparse
import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from console.api import Api, Json, content, resource
from console.arguments import point_in_time
from console.failure import WrongArgument
from console.list_files import Part, parts, read_file
from console.tables import when
from console.tasking.action import finish, print_item, print_pages
from console.tasking.options import add_limit, given

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/lists"
LISTS = ("name", "kind", "field", "values", "entries", "description")
ENTRIES = ("value", "expires", "note", "changed by", "changed")
KINDS = ("allow", "block", "custom")
TYPES = ("string", "ip", "email")
MOST_VALUES = 1_000
"""Of one request."""
MOST_FAULTS = 100
IMPORT_HELP = """Imports a CSV file: the columns value, expire_time (RFC 3339) and note, of which the last two may be
missing; a first row with these names may put them in any order. A file with a row at fault changes nothing."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `lists` command."""
    parser = subparsers.add_parser("lists", help="manage lists of values: allow, block, custom")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list the lists")
    add_limit(listing)
    finish(listing, _list)
    _add_create(actions.add_parser("create", help="create a list"))
    for name, run, text in (("show", _show, "show a list"), ("delete", _delete, "delete a list with its entries")):
        one = _named(actions.add_parser(name, help=text, description=text))
        finish(one, run)
    _add_add(_named(actions.add_parser("add", help="put values on a list")))
    removing = _named(actions.add_parser("remove", help="take values off a list"))
    removing.add_argument("values", nargs="+", metavar="VALUE")
    finish(removing, _remove)
    importing = _named(
        actions.add_parser("import", help="put the rows of a CSV file on a list", description=IMPORT_HELP)
    )
    importing.add_argument("file", metavar="FILE", help="a CSV file, - for standard input")
    finish(importing, _import)
    _add_entries(_named(actions.add_parser("entries", help="list what is on a list")))


def _named(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("name", metavar="NAME", help="name of the list")
    return parser


def _add_create(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="lower-case letters, digits and underscores: rules say lists.NAME")
    parser.add_argument("--kind", choices=KINDS, help="what it does by itself (default custom: nothing)")
    parser.add_argument("--field", metavar="FIELD", help="field of events that it is about, such as ip_address")
    parser.add_argument("--value-type", choices=TYPES, help="what its values are (default that of the field)")
    parser.add_argument("--description", metavar="TEXT", help="what it is for")
    finish(parser, _create)


def _add_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("values", nargs="+", metavar="VALUE", help="such as 203.0.113.7, 203.0.113.0/24 or u-1001")
    parser.add_argument("--expire-time", type=point_in_time, metavar="TIME", help="from when on they are off the list")
    parser.add_argument("--note", metavar="TEXT", help="why they are on the list")
    finish(parser, _add)


def _add_entries(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--prefix", metavar="TEXT", help="only values that begin so")
    which.add_argument("--value", metavar="VALUE", help="only this value, in any spelling")
    add_limit(parser)
    finish(parser, _entries)


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(PATH, "lists", {}, arguments.limit)
    await print_pages(arguments, pages, LISTS, _list_row, "lists")
    return 0


async def _create(api: Api, arguments: argparse.Namespace) -> int:
    body = given(arguments, ("name", "kind", "field", "value_type", "description"))
    # Named, so that a request that is sent again is the same one.
    print_item(arguments, await api.call("POST", f"{PATH}?request_id={uuid.uuid4()}", body))
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("GET", _path(arguments)))
    return 0


async def _delete(api: Api, arguments: argparse.Namespace) -> int:
    answer = await api.call("DELETE", f"{_path(arguments)}?request_id={uuid.uuid4()}")
    print(json.dumps(answer) if arguments.json else f"deleted {arguments.name}")
    return 0


async def _add(api: Api, arguments: argparse.Namespace) -> int:
    said = given(arguments, ("expire_time", "note"))
    for start in range(0, len(arguments.values), MOST_VALUES):
        entries = [{"value": value, **said} for value in arguments.values[start : start + MOST_VALUES]]
        answer = await api.call("POST", f"{_path(arguments)}/entries:add", {"entries": entries})
        _told(arguments, answer)
    return 0


async def _remove(api: Api, arguments: argparse.Namespace) -> int:
    for start in range(0, len(arguments.values), MOST_VALUES):
        values = arguments.values[start : start + MOST_VALUES]
        _told(arguments, await api.call("POST", f"{_path(arguments)}/entries:remove", {"values": values}))
    return 0


async def _entries(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(f"{_path(arguments)}/entries", "entries", given(arguments, ("prefix", "value")), arguments.limit)
    await print_pages(arguments, pages, ENTRIES, _entry_row, "entries")
    return 0


async def _import(api: Api, arguments: argparse.Namespace) -> int:
    rows = read_file(arguments.file)
    sent = list(parts(rows))
    count = sum(part.rows for part in sent)
    path, import_id = _path(arguments), uuid.uuid4()
    faults: list[str] = []
    with Progress(console=Console(stderr=True), transient=True, disable=arguments.json) as progress:
        bar = progress.add_task("checked", total=2 * count)
        for part in sent:
            faults += await _stage(api, path, import_id, part)
            progress.advance(bar, part.rows)
        if faults:
            shown = "".join(f"\n  {fault}" for fault in faults[:MOST_FAULTS])
            raise WrongArgument(f"Nothing was imported. At fault are:{shown}")
        done: Json = {"entered_rows": 0, "rows": count}
        added = changed = 0
        while done["entered_rows"] < done["rows"]:
            done = await api.call("POST", f"{path}/imports/{import_id}:commit", {"rows": count})
            added, changed = added + done["added_count"], changed + done["changed_count"]
            progress.update(bar, description="entered", completed=count + done["entered_rows"])
    _told(arguments, {**done, "added_count": added, "changed_count": changed})
    return 0


async def _stage(api: Api, path: str, import_id: uuid.UUID, part: Part) -> list[str]:
    """Sends a part of an import. Returns the rows that are at fault, in words."""
    query = f"import_id={import_id}&first_row={part.first_row}"
    response = await api.upload(f"{path}/entries:import?{query}", "text/csv", part.data)
    if response.status == 400:
        found = [str(each.get("message")) for each in response.json().get("errors", ())]
        rows = [words for words in found if words.startswith("row ")]
        if rows:
            return rows
    content(response)
    return []


def _told(arguments: argparse.Namespace, answer: Json) -> None:
    """Prints what became of entries."""
    if arguments.json:
        print(json.dumps(answer))
        return
    counts = {name.removesuffix("_count"): count for name, count in answer.items() if name.endswith("_count")}
    words = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    print(f"{words}; {arguments.name} has {answer['list']['entry_count']:,} entries")


def _path(arguments: argparse.Namespace) -> str:
    return resource(PATH, arguments.name)


def _list_row(told: Json) -> Sequence[str]:
    return (
        told["name"], told["kind"], told["field"], told["value_type"], f"{told['entry_count']:,}", told["description"]
    )  # fmt: skip


def _entry_row(entry: Json) -> Sequence[str]:
    expires, changed = when(entry.get("expire_time")), when(entry["change_time"])
    return entry["value"], expires, entry["note"], entry["changed_by"], changed
