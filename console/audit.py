"""`rampart audit`: what happened that matters to security, and whether the log of it is whole."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.api import Api, Json
from console.arguments import point_in_time, whole
from console.audit_log import EVENTS, ApiAuditLog, AuditSource, FileAuditLog, noted_anchors, read_anchor
from console.audit_verification import AuditVerdict, verified
from console.failure import WrongArgument
from console.tables import output, table, when
from console.tasking.action import print_item, print_pages
from console.tasking.options import add_limit, given
from console.tenant_access import finish_in_tenant
from meshkit.audit.chain import ChainPlace

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from rich.text import Text

OUTCOMES = ("started", "done", "refused", "failed")
FILTERS = ("action", "actor", "outcome", "target", "start_time", "end_time")
COLUMNS = ("sequence", "when", "action", "outcome", "actor", "client_id", "target", "reason", "by", "details")
BROKEN = 3
"""Exit status of a log that is not whole."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `audit` command."""
    parser = subparsers.add_parser("audit", help="see what happened that matters to security")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_list(actions)
    one = actions.add_parser("show", help="show an event")
    one.add_argument("sequence", type=whole(1, 1 << 62), metavar="SEQUENCE")
    finish_in_tenant(one, _show)
    anchor = actions.add_parser("anchor", help="print where the log ends, to be noted elsewhere: SEQUENCE:HASH")
    finish_in_tenant(anchor, _anchor)
    exporting = actions.add_parser("export", help="write the whole log into a file that can be verified anywhere")
    exporting.add_argument("file", type=Path, metavar="FILE")
    finish_in_tenant(exporting, _export)
    _add_verify(actions)


def _add_list(actions: _SubParsersAction[argparse.ArgumentParser]) -> None:
    listing = actions.add_parser("list", help="list events, newest first")
    listing.add_argument("--action", metavar="ACTION", help="only of this action, such as client.create or client.*")
    listing.add_argument("--actor", metavar="ID", help="only of this member or client")
    listing.add_argument("--outcome", choices=OUTCOMES, help="only those that ended so")
    listing.add_argument("--target", metavar="RESOURCE", help="only on this resource, such as clients/shop-1")
    listing.add_argument("--since", dest="start_time", type=point_in_time, metavar="TIME", help="only from then on")
    listing.add_argument("--until", dest="end_time", type=point_in_time, metavar="TIME", help="only before")
    add_limit(listing)
    finish_in_tenant(listing, _list)


def _add_verify(actions: _SubParsersAction[argparse.ArgumentParser]) -> None:
    verifying = actions.add_parser("verify", help=f"check that the log is whole; exit status {BROKEN} if it is not")
    verifying.add_argument("--file", type=Path, metavar="FILE", help="of an exported log, instead of the platform's")
    verifying.add_argument(
        "--anchor", action="append", default=[], type=_anchor_argument, metavar="SEQUENCE:HASH",
        help="that was noted elsewhere; may be given again",
    )  # fmt: skip
    verifying.add_argument(
        "--anchors", type=Path, metavar="FILE", help="of anchors, one a line, or a log of the auth service"
    )
    finish_in_tenant(verifying, _verify)
    online = verifying.get_default("run")
    verifying.set_defaults(run=lambda arguments: _verify_file(arguments) if arguments.file else online(arguments))


def _anchor_argument(text: str) -> ChainPlace:
    try:
        return read_anchor(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be SEQUENCE:HASH, as `rampart audit anchor` prints it") from None


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    pages = api.pages(EVENTS, "events", given(arguments, FILTERS), arguments.limit)
    await print_pages(arguments, pages, COLUMNS, _row, "events")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("GET", f"{EVENTS}/{arguments.sequence}"))
    return 0


async def _anchor(api: Api, arguments: argparse.Namespace) -> int:
    head = await ApiAuditLog(api).head()
    print(json.dumps(head) if arguments.json else f"{head['sequence']}:{head['hash']}")
    return 0


async def _export(api: Api, arguments: argparse.Namespace) -> int:
    source, count = ApiAuditLog(api), 0
    head = await source.head()
    with ExitStack() as stack:
        try:
            file = stack.enter_context(arguments.file.open("x", encoding="utf-8"))
        except OSError as error:
            raise WrongArgument(f"Cannot write {arguments.file} ({error.strerror}).") from error
        file.write(_line("head", head))
        async for anchor in source.anchors():
            file.write(_line("anchor", anchor))
        async for event in source.events(head):
            file.write(_line("event", event))
            count += 1
    print(f"{count:,} events are in {arguments.file}.")
    return 0


async def _verify(api: Api, arguments: argparse.Namespace) -> int:
    return await _verified(ApiAuditLog(api), arguments)


def _verify_file(arguments: argparse.Namespace) -> int:
    return asyncio.run(_verified(FileAuditLog(arguments.file), arguments))


async def _verified(source: AuditSource, arguments: argparse.Namespace) -> int:
    head = await source.head()
    verdict = await verified(source, [*arguments.anchor, *_noted(arguments, head)])
    if arguments.json:
        faults = [{"sequence": fault.sequence, "what": fault.what} for fault in verdict.faults]
        print(json.dumps({"events": verdict.events, "anchors": verdict.anchors, "faults": faults}))
    else:
        _tell(verdict)
    return BROKEN if verdict.faults else 0


def _noted(arguments: argparse.Namespace, head: Json) -> Iterator[ChainPlace]:
    if arguments.anchors is not None:
        yield from noted_anchors(arguments.anchors, head["tenant_id"])


def _tell(verdict: AuditVerdict) -> None:
    if not verdict.faults:
        print(
            f"{verdict.events:,} events are whole, up to {verdict.head['sequence']}; {verdict.anchors:,} anchors agree."
        )
        return
    first = verdict.faults[0]
    print(f"The log is broken. Event {first.sequence} {first.what}.")
    if len(verdict.faults) > 1:
        rows = [(str(fault.sequence), fault.what) for fault in verdict.faults]
        output().print(table(("event", "what is wrong"), rows))


def _line(kind: str, item: Json) -> str:
    return json.dumps({kind: item}, ensure_ascii=False) + "\n"


def _row(event: Any) -> Sequence[str | Text]:
    details = ", ".join(f"{name} {value}" for name, value in sorted(event["details"].items()))
    by = " ".join(filter(None, (event["peer"], event["address"])))
    return (
        event["sequence"], when(event["time"]), event["action"], event["outcome"], event["actor"], event["client_id"],
        event["target"], event["reason"], by, details,
    )  # fmt: skip
