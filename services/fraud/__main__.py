"""`python -m services.fraud` serves; `python -m services.fraud migrate` brings the database up to date."""

from __future__ import annotations

import sys

from meshkit.host import run
from services.fraud.app import migrate, serve

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            sys.exit(run("fraud", serve))
        case ["migrate"]:
            sys.exit(run("fraud", migrate))
        case _:
            sys.exit("usage: python -m services.fraud [migrate]")
