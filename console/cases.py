"""`rampart case`: what analysts investigate, and what becomes of it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING
from urllib.parse import quote

from console.alerts import LEVELS, amounts_text
from console.api import Api, Json
from console.arguments import whole
from console.case_jobs import add_many
from console.tables import output, show, state_text, table, when
from console.tasking.action import finish, print_item
from console.tasking.options import add_limit, given

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

PATH = "/api/v1/cases"
STATES = ("open", "assigned", "closed")
DISPOSITIONS = ("fraud", "legitimate", "false_positive", "chargeback", "inconclusive")
COLUMNS = ("case_id", "priority", "state", "assignee", "entity", "score", "amounts", "alerts", "due", "disposition")
HISTORY = ("number", "when", "action", "by", "details")
MOST_BYTES = 10**12


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
    finish(_of_case(actions, "show", "show a case with its notes and attachments"), _show)
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
    if arguments.json:
        async for each in pages:
            print(json.dumps(each))
        return 0
    rows = [
        (
            each["case_id"], each["priority"], state_text(each["state"]), each["assignee"],
            f"{each['entity_kind']} {each['entity']}", f"{each['score']:.2f}", amounts_text(each),
            str(each["alert_count"]), when(each["due_time"]) + (" overdue" if each["overdue"] else ""),
            each["disposition"],
        )
        async for each in pages
    ]  # fmt: skip
    show(output(), table(COLUMNS, rows), len(rows), "cases")
    return 0


async def _next(api: Api, arguments: Namespace) -> int:
    # Named, so that a request that is sent again takes no second case.
    body = {**given(arguments, ("min_priority",)), "request_id": str(uuid.uuid4())}
    print_item(arguments, await api.call("POST", f"{PATH}:claim", body))
    return 0


async def _show(api: Api, arguments: Namespace) -> int:
    print_item(arguments, await api.call("GET", _path(arguments)))
    return 0


async def _history(api: Api, arguments: Namespace) -> int:
    pages = api.pages(f"{_path(arguments)}/history", "entries", {}, arguments.limit)
    if arguments.json:
        async for each in pages:
            print(json.dumps(each))
        return 0
    rows = [
        (str(each["number"]), when(each["create_time"]), each["action"], each["actor"], _details(each))
        async for each in pages
    ]
    show(output(), table(HISTORY, rows), len(rows), "entries")
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


async def _merge(api: Api, arguments: Namespace) -> int:
    return await _do(api, arguments, ":merge", {"other_case_id": arguments.other_case_id})


async def _split(api: Api, arguments: Namespace) -> int:
    return await _do(api, arguments, ":split", {"alert_ids": arguments.alert_ids, "request_id": str(uuid.uuid4())})


async def _do(api: Api, arguments: Namespace, what: str, body: Json) -> int:
    found = await api.call("POST", f"{_path(arguments)}{what}", body)
    # What only `show` tells.
    print_item(arguments, {name: value for name, value in found.items() if name not in ("notes", "attachments")})
    return 0


def _details(entry: Json) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(entry["details"].items()))


def _path(arguments: Namespace) -> str:
    return f"{PATH}/{quote(arguments.case_id, safe='')}"
