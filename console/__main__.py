"""`rampart`: the operators' command line. One module for each command."""

from __future__ import annotations

import os
import sys

from console import (
    alerts,
    api_keys,
    approvals,
    audit,
    authority,
    backtests,
    callers,
    cases,
    clients,
    decisions,
    evaluate,
    event_types,
    features,
    gateway,
    graph,
    identity_provider,
    labels,
    ledger,
    lists,
    login,
    models,
    operators,
    replay,
    reports,
    scenario,
    schedules,
    simulate,
    status,
    tasks,
    tenants,
    token,
    up,
    users,
)
from console.arguments import check_texts
from console.failure import CommandFailure
from console.parser import CommandParser
from console.plain import plain

TRACEBACK = "RAMPART_TRACEBACK"
"""Set, it lets a fault end the command with its traceback, for a report of it."""
FAULT = 70
"""EX_SOFTWARE of sysexits.h."""
COMMANDS = (
    up,
    status,
    authority,
    callers,
    operators,
    tenants,
    clients,
    api_keys,
    users,
    approvals,
    identity_provider,
    login,
    token,
    audit,
    tasks,
    schedules,
    event_types,
    features,
    scenario,
    backtests,
    lists,
    decisions,
    labels,
    models,
    alerts,
    cases,
    graph,
    reports,
    ledger,
    simulate,
    replay,
    evaluate,
    gateway,
)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status: with one sentence 2 for wrong arguments, 1 for what fails."""
    parser = CommandParser(prog="rampart", description="Decides in milliseconds whether a transaction is fraud.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    try:
        check_texts(sys.argv[1:] if arguments is None else arguments)
        chosen = parser.parse_args(arguments)
        return int(chosen.run(chosen))
    except CommandFailure as failure:
        print(f"rampart: {plain(str(failure))}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has gone; nothing more can be said, also not by the interpreter when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as fault:
        if os.environ.get(TRACEBACK):
            raise
        said = f"{type(fault).__name__} {' '.join(str(fault).split())}".strip()
        print(f"rampart: A fault of this command: {plain(said)} ({TRACEBACK}=1 shows where).", file=sys.stderr)
        return FAULT


if __name__ == "__main__":
    sys.exit(main())
