"""Computes Argon2id in processes that give way to everything that decides (see `app/hashing_process.py`).

Threads do not do: Linux weighs the processes of a session, or of a container, against all others together, so that
the niceness of a thread counts for the other threads of its own service alone.
"""

from __future__ import annotations

import json
import logging
import select
import subprocess
import sys
from collections import deque
from contextlib import suppress
from typing import Any

from meshkit.errors import unavailable
from services.auth.adapters.argon2id import Argon2id

__all__ = ["ChildArgon2id"]

_log = logging.getLogger(__name__)

PROGRAM = (sys.executable, "-m", "services.auth.app.hashing_process")
ANSWER_SECONDS = 10.0
"""No call waits for longer. A child that takes longer is ended."""
END_SECONDS = 5.0

_Child = subprocess.Popen[bytes]


class ChildArgon2id(Argon2id):
    """Has children compute, of which there are as many as threads that ask at once. Raises MeshError UNAVAILABLE."""

    def __init__(self, memory_kib: int, passes: int) -> None:
        super().__init__(memory_kib, passes)
        self._program = (*PROGRAM, str(memory_kib), str(passes))
        self._idle: deque[_Child] = deque()
        self._closed = False

    def hash(self, password: str) -> str:
        return str(self._ask(password, None))

    def matches(self, password_hash: str, password: str) -> bool:
        return self._ask(password, password_hash) is True

    def close(self) -> None:
        """Ends the children, those that compute after their answer."""
        self._closed = True
        while self._idle:
            _end(self._idle.pop())

    def _ask(self, *question: str | None) -> Any:
        child = self._taken() or self._started()
        line = _answer(child, json.dumps(question).encode() + b"\n")
        if self._closed or not line.endswith(b"\n"):
            _end(child)
        else:
            self._idle.append(child)
        if not line.endswith(b"\n"):
            _log.warning("a process that hashes passwords has not answered")
            raise unavailable("password hashing")
        return json.loads(line)

    def _taken(self) -> _Child | None:
        """Returns a child that waits, if any. Those that have ended meanwhile cost nobody his answer."""
        with suppress(IndexError):
            while True:
                child = self._idle.pop()
                if child.poll() is None:
                    return child
                _end(child)
        return None

    def _started(self) -> _Child:
        # With a session of its own, so that it can give way to this process.
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self._program, stdin=pipe, stdout=pipe, stderr=sys.stderr, bufsize=0, start_new_session=True
        )


def _answer(child: _Child, question: bytes) -> bytes:
    """Returns a line, or less if the child has ended or takes too long."""
    assert child.stdin is not None and child.stdout is not None
    try:
        child.stdin.write(question)
    except BrokenPipeError:
        return b""
    ready, _, _ = select.select([child.stdout], [], [], ANSWER_SECONDS)
    return child.stdout.readline() if ready else b""


def _end(child: _Child) -> None:
    child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    child.wait(END_SECONDS)
