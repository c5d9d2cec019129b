"""`rampart case many`: dismisses alerts, and assigns or closes cases, all that match at once."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from console.alerts import CAUSES, LEVELS
from console.api import Api, Json
from console.tasking.action import finish
from console.tasking.submitted import followed

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

__all__ = ["add_many"]

PATH = "/api/v1/case-jobs"
EXIT_STATUS = {"succeeded": 0, "failed": 3, "dead": 4, "cancelled": 5}
NAMES = ("state", "cause", "entity", "min_level", "of_assignee", "overdue", "assignee", "reason")
HELP = f"""Takes all that matches now, 10,000 at most, as a task. The exit status says how it ended:
{", ".join(f"{status} {state}" for state, status in EXIT_STATUS.items())}."""


def add_many(actions: _SubParsersAction[ArgumentParser]) -> None:
    """Adds `many` to the actions of `case`."""
    many = actions.add_parser("many", help="do the same with all alerts or cases that match", description=HELP)
    kinds = many.add_subparsers(required=True, metavar="ACTION")
    dismissing = kinds.add_parser("dismiss", help="dismiss alerts", description=HELP)
    dismissing.add_argument("--reason", metavar="WORDS", help="why")
    dismissing.add_argument("--cause", choices=CAUSES, help="only those for this cause")
    dismissing.add_argument("--state", choices=("open", "acknowledged"), help="only those in this state")
    _finish(dismissing, "dismiss")
    assigning = kinds.add_parser("assign", help="say who works on cases", description=HELP)
    assigning.add_argument(
        "assignee", nargs="?", default="", metavar="WHO", help="nobody if absent: back into the queue"
    )
    _add_case_filters(assigning)
    _finish(assigning, "assign")
    closing = kinds.add_parser("close", help="close cases as inconclusive, which labels nothing", description=HELP)
    _add_case_filters(closing)
    _finish(closing, "close")


def _add_case_filters(parser: ArgumentParser) -> None:
    parser.add_argument("--state", choices=("open", "assigned"), help="only those in this state")
    parser.add_argument("--of-assignee", metavar="WHO", help="only those of an analyst")
    parser.add_argument("--overdue", action="store_const", const=True, help="only those that were not closed in time")


def _finish(parser: ArgumentParser, action: str) -> None:
    parser.add_argument("--entity", metavar="ID", help="only those of a user or card, as it is and not as it is masked")
    parser.add_argument("--min-level", choices=LEVELS, help="only those of this severity or priority, and above")
    parser.add_argument("--detach", action="store_true", help="do not wait for the end")
    parser.set_defaults(action=action)
    finish(parser, _run)


async def _run(api: Api, arguments: Namespace) -> int:
    # Named, so that a request that is sent again makes no second job.
    body = {"action": arguments.action, "request_id": str(uuid.uuid4())}
    asked = {name: getattr(arguments, name) for name in NAMES if getattr(arguments, name, None) is not None}
    job = await api.call("POST", PATH, body | asked)
    if not arguments.detach:
        job = await followed(api, arguments, job, f"{PATH}/{job['job_id']}", f"{arguments.action} all that match")
    print(json.dumps(job) if arguments.json else _words(job))
    return EXIT_STATUS.get(job["state"], 0)


def _words(job: Json) -> str:
    said = f"{job['state']}: {job['changed']} of {job['total']} changed, {job['refused']} in no state for it"
    return f"{said}. {job['error']}" if job["error"] else said
