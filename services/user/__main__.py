"""`python -m services.user` serves; `python -m services.user migrate` brings the database up to date."""

from __future__ import annotations

import sys

from meshkit.host import run
from services.user.app import migrate, serve

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            sys.exit(run("user", serve))
        case ["migrate"]:
            sys.exit(run("user", migrate))
        case _:
            sys.exit("usage: python -m services.user [migrate]")
