"""`python -m services.task` serves; `python -m services.task migrate` brings the database up to date."""

from __future__ import annotations

import sys

from meshkit.host import run
from services.task.app import migrate, serve

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            sys.exit(run("task", serve))
        case ["migrate"]:
            sys.exit(run("task", migrate))
        case _:
            sys.exit("usage: python -m services.task [migrate]")
