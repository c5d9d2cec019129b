"""Remembers what was answered, so that an interrupted replay goes on where it stopped."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from console.failure import CommandFailure
from console.replaying.results import Answer

FLUSH_EVERY = 0.25


@dataclass(frozen=True)
class Subject:
    """What a journal is about: the content of a file (SHA-256), the names of its transactions and who sends them."""

    digest: str
    name: str
    client_id: str


class Journal:
    """A file of JSON lines: the subject, then one answer per line.

    It is written within 0.25 s of an answer. What a kill loses is sent again under the same transaction_id, which
    returns the stored decision.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._flush_at = 0.0

    def open(self, subject: Subject, *, restart: bool = False) -> Iterator[Answer]:
        """Locks the journal, and yields the answers of earlier runs. Raises Failure if it is about something else."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = self.path.open("a+b")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandFailure(f"Another replay of this file is running: it holds {self.path}.") from error
        except OSError as error:
            raise CommandFailure(f"Cannot write {self.path} ({error.strerror}).") from error
        if restart:
            self._file.truncate(0)
        return self._recover(self._file, subject)

    def _recover(self, file: IO[bytes], subject: Subject) -> Iterator[Answer]:
        file.seek(0)
        header = file.readline()
        if not header.endswith(b"\n"):
            file.truncate(0)
            self._write(asdict(subject))
            file.flush()
            return
        if self._parse(header) != asdict(subject):
            raise CommandFailure(
                f"{self.path} is about another file or client; --restart forgets it, --name starts another replay."
            )
        for line in file:
            if not line.endswith(b"\n"):
                # A kill in the middle of a write leaves half a line.
                file.truncate(file.tell() - len(line))
                return
            yield Answer(**self._parse(line))

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            return dict(json.loads(line))
        except (ValueError, TypeError) as error:
            raise CommandFailure(f"{self.path} is damaged; --restart forgets it.") from error

    def add(self, answer: Answer) -> None:
        """Notes an answer. Raises Failure if it cannot be written."""
        try:
            self._write({key: value for key, value in asdict(answer).items() if value or key == "row"})
            now = time.monotonic()
            if self._file is not None and now >= self._flush_at:
                self._file.flush()
                self._flush_at = now + FLUSH_EVERY
        except OSError as error:
            raise CommandFailure(f"Cannot write {self.path} ({error.strerror}).") from error

    def _write(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(entry).encode() + b"\n")

    def close(self) -> None:
        """Writes what is left and unlocks the journal. What cannot be written is sent again by the next run."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
