"""`python -m services.auth.app.hashing_process` hashes passwords one by one: see `adapters/child_argon2id.py`."""

from __future__ import annotations

import json
import sys

from meshkit.yielding import give_way
from services.auth.adapters.argon2id import Argon2id

__all__ = ["main"]

NICE = 10
"""Somebody waits for it: it gives way, but is not left without any time."""


def main() -> None:
    """Answers each line of the standard input, a password and the hash that it is to match, if any; ends with it."""
    argon2id = Argon2id(*map(int, sys.argv[1:]))
    give_way(NICE)
    for line in sys.stdin.buffer:
        password, expected = json.loads(line)
        answer = argon2id.hash(password) if expected is None else argon2id.matches(expected, password)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
