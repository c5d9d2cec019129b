"""`rampart`: the operators' command line. One module for each command."""

from __future__ import annotations

import argparse
import os
import sys

from console import clients, gateway, replay, schedules, simulate, tasks, tenants, token, up
from console.failure import CommandFailure

COMMANDS = (up, tenants, clients, token, tasks, schedules, simulate, replay, gateway)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status: 1 with one sentence if it cannot go on."""
    parser = argparse.ArgumentParser(
        prog="rampart", description="Decides in milliseconds whether a transaction is fraud."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except CommandFailure as failure:
        print(f"rampart: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has gone; nothing more can be said, also not by the interpreter when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
