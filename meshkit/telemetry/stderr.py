"""Turns what others write to standard error into records of the log: C libraries, above all the core of gRPC, which
knows no handler and reads its one switch before a program can set it; and exceptions that nobody caught.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator

__all__ = ["all_as_records", "log_uncaught"]

PIPE_BYTES = 1 << 20
LONGEST_LINE = 16_384
JOIN_SECONDS = 1.0
_F_SETPIPE_SZ = 1031
_GOOGLE = re.compile(r"([IWEF])\d{4} [\d:.]+ +\d+ ([\w.-]+:\d+)\] (.*)")
_LEVELS = {"I": logging.INFO, "W": logging.WARNING, "E": logging.ERROR, "F": logging.CRITICAL}

_log = logging.getLogger("stderr")


@contextlib.contextmanager
def all_as_records() -> Iterator[None]:
    """Makes each line on the file descriptor of standard error a record while the block runs.

    `sys.stderr` is the real one, for the handler of the log itself and for children. What is written faster than it
    can be read is lost, rather than anything made to wait; so is what a process writes as it dies of a signal.
    """
    sys.stderr.flush()
    before, real = sys.stderr, os.dup(2)
    reading, writing = os.pipe()
    with contextlib.suppress(OSError):
        fcntl.fcntl(writing, _F_SETPIPE_SZ, PIPE_BYTES)
    os.set_blocking(writing, False)
    os.dup2(writing, 2)
    os.close(writing)
    sys.stderr = open(real, "w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    reader = threading.Thread(target=_read, args=(reading,), name="stderr", daemon=True)
    reader.start()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(real, 2)
        # Nobody holds the other end now, so the reader comes to its end.
        reader.join(JOIN_SECONDS)
        sys.stderr, ours = before, sys.stderr
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is ours:
                handler.setStream(before)
        ours.close()


def log_uncaught() -> None:
    """Logs exceptions and warnings of which nobody takes care, which Python would print."""
    log = logging.getLogger("python")

    def uncaught(kind: type[BaseException], error: BaseException, traceback: object) -> None:
        log.critical("an exception ends the process", exc_info=(kind, error, error.__traceback__))

    def uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None:
            log.critical("an exception ends a thread", exc_info=told.exc_value)

    def unraisable(told: sys.UnraisableHookArgs) -> None:
        log.error("%s: %r", told.err_msg or "exception ignored in", told.object, exc_info=told.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, uncaught_in_thread, unraisable
    logging.captureWarnings(True)


def _read(descriptor: int) -> None:
    with open(descriptor, "rb") as lines:
        for line in iter(lambda: lines.readline(LONGEST_LINE), b""):
            _record(line.decode(errors="backslashreplace").rstrip())


def _record(line: str) -> None:
    if not line:
        return
    known = _GOOGLE.fullmatch(line)
    if known is None:
        _log.warning("%s", line)
    else:
        _log.log(_LEVELS[known[1]], "%s", known[3], extra={"fields": {"source": known[2]}})
