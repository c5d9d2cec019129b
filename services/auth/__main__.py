"""`python -m services.auth` serves; `python -m services.auth migrate` brings the database up to date."""

from __future__ import annotations

import sys

from meshkit.host import run
from services.auth.app import migrate, serve

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            sys.exit(run("auth", serve))
        case ["migrate"]:
            sys.exit(run("auth", migrate))
        case _:
            sys.exit("usage: python -m services.auth [migrate]")
