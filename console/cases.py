"""`rampart case`: what analysts investigate, and what becomes of it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from console.alerts import LEVELS
from console.alerts import PATH as ALERT_PATH
from console.api import Api, Json, resource
from console.arguments import whole
from console.case_jobs import add_many
from console.case_tables import (
    CASES,
    HISTORY,
    TRANSACTIONS,
    case_details,
    case_row,
    history_row,
    transaction_row,
)
from console.tasking.action import finish, print_pages, print_parts
from console.tasking.options import add_limit, given

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

PATH = "/api/v1/cases"
STATES = ("open", "assigned", "closed")
DISPOSITIONS = ("fraud", "legitimate", "false_positive", "chargeback", "inconclusive")
MOST_BYTES = 10**12
SHOWN_ALERTS = 20


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Adds the `case` command."""
    parser = subparsers.add_parser("case", help="work on cases of alerts")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list cases in the order of the queue")
    listing.add_argument("--state", choices=STATES, help="only those in this state")
    listing.add_argument("--assignee", metavar="WHO", help="only those of an analyst")
    listing.add_argument("--min-priority", choices=LEVELS, help="only those and above")
    listing.add_argument(
        "--entity", metavar="ID", help="only those of a user or card, as it is and not as it is masked"
    )
    listing.add_argument("--overdue", action="store_true", help="only those that were not closed in time")
    add_limit(listing)
    finish(listing, _list)
    taking = actions.add_parser("next", help="take the first open case of the queue: nobody else gets it")
    taking.add_argument("--min-priority", choices=LEVELS, help="only one of this priority or above")
    finish(taking, _next)
    finish(_of_case(actions, "show", "show a case with its notes, attachments and newest alerts"), _show)
    transactions = _of_case(actions, "transactions", "list the transactions of its alerts, newest first")
    add_limit(transactions)
    finish(transactions, _transactions)
    history = _of_case(actions, "history", "list what was done with a case")
    add_limit(history)
    finish(history, _history)
    _add_work(actions)
    _add_ends(actions)
    add_many(actions)


def _add_work(actions: _SubParsersAction[ArgumentParser]) -> None:
    assigning = _of_case(actions, "assign", "say who works on a case")
    assigning.add_argument(
        "assignee", nargs="?", default="", metavar="WHO", help="nobody if absent: back into the queue"
    )
    assigning.add_argument("--etag", metavar="ETAG", help="state that was seen; needed for a case that somebody has")
    finish(assigning, _assign)
    noting = _of_case(actions, "note", "add a note")
    noting.add_argument("words", metavar="WORDS")
    finish(noting, _note)
    attaching = _of_case(actions, "attach", "add where something is kept")
    attaching.add_argument("uri", metavar="URI", help="https://… or s3://…; it is never fetched")
    attaching.add_argument("--name", required=True, metavar="NAME", help="what people call it")
    attaching.add_argument(
        "--media-type", default="application/octet-stream", metavar="TYPE", help="(default %(default)s)"
    )
    attaching.add_argument("--size", type=whole(0, MOST_BYTES), default=0, metavar="BYTES", help="(default unknown)")
    finish(attaching, _attach)


def _add_ends(actions: _SubParsersAction[ArgumentParser]) -> None:
    closing = _of_case(actions, "close", "close a case, and label its transactions")
    closing.add_argument("disposition", choices=DISPOSITIONS, help="what became of it; inconclusive labels nothing")
    closing.add_argument(
        "--transaction-id", action="append", default=[], metavar="ID", help="label only these (default all)"
    )
    closing.add_argument("--etag", metavar="ETAG", help="state that was seen")
    finish(closing, _close)
    reopening = _of_case(actions, "reopen", "open a closed case again, for yourself")
    reopening.add_argument("--reason", metavar="TEXT", help="why")
    reopening.add_argument("--etag", metavar="ETAG", help="state that was seen")
    finish(reopening, _reopen)
    merging = _of_case(actions, "merge", "move the alerts of another case to this one")
    merging.add_argument("other_case_id", metavar="OTHER", help="it is closed as merged")
    finish(merging, _merge)
    splitting = _of_case(actions, "split", "move alerts of a case to a new one")
    splitting.add_argument("alert_ids", nargs="+", metavar="ALERT")
    finish(splitting, _split)


def _of_case(actions: _SubParsersAction[ArgumentParser], name: str, words: str) -> ArgumentParser:
    parser = actions.add_parser(name, help=words)
    parser.add_argument("case_id", metavar="ID")
    return parser


async def _list(api: Api, arguments: Namespace) -> int:
    query = given(arguments, ("state", "assignee", "min_priority", "entity"))
    pages = api.pages(PATH, "cases", query | ({"overdue": "true"} if arguments.overdue else {}), arguments.limit)
    await print_pages(arguments, pages, CASES, case_row, "cases")
    return 0


async def _next(api: Api, arguments: Namespace) -> int:
    # Named, so that a request that is sent again takes no second case.
    body = {**given(arguments, ("min_priority",)), "request_id": str(uuid.uuid4())}
    print_parts(arguments, await api.call("POST", f"{PATH}:claim", body), case_details)
    return 0


async def _show(api: Api, arguments: Namespace) -> int:
    found = await api.call("GET", _path(arguments))
    of_case = {"case_id": found["case_id"]}
    alerts = [] if arguments.json else [each async for each in api.pages(ALERT_PATH, "alerts", of_case, SHOWN_ALERTS)]
    print_parts(arguments, found, lambda case: case_details(case, alerts))
    return 0


async def _transactions(api: Api, arguments: Namespace) -> int:
    pages = api.pages(f"{_path(arguments)}/transactions", "transactions", {}, arguments.limit)
    await print_pages(arguments, pages, TRANSACTIONS, transaction_row, "transactions")
    return 0


async def _history(api: Api, arguments: Namespace) -> int:
    pages = api.pages(f"{_path(arguments)}/history", "entries", {}, arguments.limit)
    await print_pages(arguments, pages, HISTORY, history_row, "entries")
    return 0


async def _assign(api: Api, arguments: Namespace) -> int:
    return await _do(api, arguments, ":assign", given(arguments, ("assignee", "etag")))


async def _note(api: Api, arguments: Namespace) -> int:
    return await _do(api, arguments, "/notes", {"words": arguments.words, "request_id": str(uuid.uuid4())})


async def _attach(api: Api, arguments: Namespace) -> int:
    told = given(arguments, ("uri", "name", "media_type", "size"))
    return await _do(api, arguments, "/attachments", {**told, "request_id": str(uuid.uuid4())})


async def _close(api: Api, arguments: Namespace) -> int:
    chosen = {"transaction_ids": arguments.transaction_id}
    return await _do(api, arguments, ":close", given(arguments, ("disposition", "etag")) | chosen)


async def _reopen(api: Api, arguments: Namespace) -> int:
    return await _do(api, arguments, ":reopen", given(arguments, ("reason", "etag")))


async def _merge(api: Api, arguments: Namespace) -> int:
    return await _do(api, arguments, ":merge", {"other_case_id": arguments.other_case_id})


async def _split(api: Api, arguments: Namespace) -> int:
    return await _do(api, arguments, ":split", {"alert_ids": arguments.alert_ids, "request_id": str(uuid.uuid4())})


async def _do(api: Api, arguments: Namespace, what: str, body: Json) -> int:
    found = await api.call("POST", f"{_path(arguments)}{what}", body)
    # What only `show` tells.
    told = {name: value for name, value in found.items() if name not in ("notes", "attachments")}
    print_parts(arguments, told, case_details)
    return 0


def _path(arguments: Namespace) -> str:
    return resource(PATH, arguments.case_id)
