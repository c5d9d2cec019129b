"""`rampart label`: says of transactions whether they were fraud, one by one or by files."""

from __future__ import annotations

import argparse
import asyncio
import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.api import Api, Json, content, resource
from console.arguments import decimal, past_time
from console.label_files import LabelPart, label_parts
from console.tables import output, state_text, when
from console.tasking.action import finish, print_item, print_pages
from console.tasking.bar import display
from console.tasking.follow import FINAL
from console.tasking.options import add_limit, given
from console.tasking.submitted import EXIT_STATUS

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/labels"
IMPORTS = "/api/v1/label-imports"
LABELS = ("fraud", "chargeback", "legitimate", "false_positive")
COLUMNS = ("label_id", "transaction", "label", "source", "state", "known", "amount", "reason", "by")
GIVEN = ("transaction_id", "label", "source", "reason", "amount", "currency", "known_time")
POLL_SECONDS = 0.5
MOST_SHOWN = 20
"""Refused rows that are shown; with --json all are."""
REFUSED_STATUS = 1
IMPORT_HELP = """Enters a CSV file with a first row that names its columns: transaction_id and label, and any of source,
reason, amount, currency, known_time (RFC 3339). Each row is entered for itself; those at fault are listed, and the exit
status is 1 if there are any. The same file again changes nothing."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `label` command."""
    parser = subparsers.add_parser("label", help="say of transactions whether they were fraud")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_add(actions.add_parser("add", help="say of a transaction whether it was fraud"))
    listing = actions.add_parser("list", help="list labels, newest first")
    listing.add_argument("--transaction-id", metavar="ID", help="only those of a transaction: its history")
    listing.add_argument("--label", choices=LABELS, help="only these")
    listing.add_argument("--source", metavar="SOURCE", help="only what this source said")
    listing.add_argument("--pending", action="store_true", help="only those whose transactions are waited for")
    add_limit(listing)
    finish(listing, _list)
    one = actions.add_parser("show", help="show a label")
    one.add_argument("label_id", metavar="ID")
    finish(one, _show)
    importing = actions.add_parser("import", help="enter a CSV file of labels", description=IMPORT_HELP)
    importing.add_argument("file", metavar="FILE", help="a CSV file, - for standard input")
    finish(importing, _import)


def _add_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("transaction_id", metavar="TRANSACTION_ID", help="as the check had it")
    parser.add_argument("label", choices=LABELS)
    parser.add_argument("--source", metavar="SOURCE", help="who says so, such as analyst or issuer (default api)")
    parser.add_argument("--reason", metavar="TEXT", help="why")
    parser.add_argument(
        "--amount", type=decimal(0, 1e12, above=True), metavar="AMOUNT", help="what was lost or claimed"
    )
    parser.add_argument("--currency", metavar="CODE", help="of the amount, such as EUR")
    parser.add_argument("--known-time", type=past_time, metavar="TIME", help="when it became known (default now)")
    finish(parser, _add)


async def _add(api: Api, arguments: argparse.Namespace) -> int:
    # Named, so that a request that is sent again is the same one.
    body = given(arguments, GIVEN)
    print_item(arguments, await api.call("POST", f"{PATH}?request_id={uuid.uuid4()}", body))
    return 0


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    query = given(arguments, ("transaction_id", "label", "source"))
    pages = api.pages(PATH, "labels", query | ({"pending": "true"} if arguments.pending else {}), arguments.limit)
    await print_pages(arguments, pages, COLUMNS, _row, "labels")
    return 0


def _row(label: Json) -> Sequence[str]:
    amount = f"{label['amount']:,} {label['currency']}" if label["currency"] else ""
    return (
        label["label_id"], label["transaction_id"], label["label"], label["source"], label["state"],
        when(label["known_time"]), amount, label["reason"], label["created_by"],
    )  # fmt: skip


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("GET", resource(PATH, arguments.label_id)))
    return 0


async def _import(api: Api, arguments: argparse.Namespace) -> int:
    status = 0
    for part in label_parts(arguments.file):
        made = content(await api.upload(f"{IMPORTS}?request_id={uuid.uuid4()}", "text/csv", part.data))
        done = await _followed(api, arguments, made)
        refused = await _refused(api, arguments, done, part) if done["refused_rows"] else []
        _tell(arguments, done, refused)
        status = max(status, EXIT_STATUS[done["state"]], REFUSED_STATUS if done["refused_rows"] else 0)
    return status


async def _followed(api: Api, arguments: argparse.Namespace, made: Json) -> Json:
    """Shows an import until it has ended. Returns it as it is then."""
    with display(output()) as shown:
        while True:
            if not arguments.json:
                progress = {"done": made["done_rows"], "total": made["rows"], "message": ""}
                shown.update({**made, "title": "labels", "error": None, "progress": progress})
            if made["state"] in FINAL:
                return made
            await asyncio.sleep(POLL_SECONDS)
            made = await api.call("GET", f"{IMPORTS}/{made['import_id']}")


async def _refused(api: Api, arguments: argparse.Namespace, done: Json, part: LabelPart) -> list[Json]:
    """Returns refused rows, with their numbers in the file."""
    path, limit = f"{IMPORTS}/{done['import_id']}/errors", None if arguments.json else MOST_SHOWN
    return [{**each, "row": part.number(each["row"])} async for each in api.pages(path, "errors", {}, limit)]


def _tell(arguments: argparse.Namespace, done: Json, refused: list[Json]) -> None:
    if arguments.json:
        print(json.dumps({**done, "errors": refused}))
        return
    words = ", ".join(f"{done[f'{name}_rows']:,} {name}" for name in ("stored", "unchanged", "refused"))
    output().print(state_text(done["state"]), f"{done['rows']:,} rows: {words}")
    if done["error"]:
        output().print(done["error"], markup=False, soft_wrap=True)
    for each in refused:
        field = f"{each['field']} " if each["field"] else ""
        output().print(f"  row {each['row']}: {field}{each['message']}", markup=False, soft_wrap=True)
    if done["refused_rows"] > len(refused):
        output().print(f"  and {done['refused_rows'] - len(refused):,} more: --json lists them")
