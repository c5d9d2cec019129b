"""`python -m services.data` serves; `python -m services.data migrate` brings the database up to date."""

from __future__ import annotations

import sys

from meshkit.host import run
from services.data.app import migrate, serve

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            sys.exit(run("data", serve))
        case ["migrate"]:
            sys.exit(run("data", migrate))
        case _:
            sys.exit("usage: python -m services.data [migrate]")
