"""Holds the state folder: private to the user, marked as ours, used by one run at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from console.failure import CommandFailure

MARKER = "rampart.json"
FORMAT = 1
SOCKET_PATH_BYTES = 107
"""Longest path of a unix socket on Linux."""
GUESTS = {"evaluations", "replays"}
"""What other commands may have put into the folder before the first start."""
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")


class State:
    """What one platform on this machine keeps: data, certificates, passwords, logs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.logs = home / "logs"
        self.tls = home / "tls"
        self.dev_json = home / "dev.json"

    @classmethod
    def open(cls, home: Path) -> State:
        """Opens the folder, making it if there is none. Raises Failure if it cannot be ours."""
        state = cls(home.absolute())
        try:
            state._claim()
        except FileExistsError as error:
            raise CommandFailure(f"{home} is not a folder; set RAMPART_HOME to another place.") from error
        except OSError as error:
            raise CommandFailure(
                f"Cannot write to {home} ({error.strerror}); set RAMPART_HOME to a writable place."
            ) from error
        return state

    def _claim(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.home.stat().st_uid
        if owner != os.geteuid():
            raise CommandFailure(
                f"{self.home} belongs to user {owner}; start as that user or set RAMPART_HOME to another folder."
            )
        marker = self.home / MARKER
        if marker.exists():
            self._check_format()
        elif {entry.name for entry in self.home.iterdir()} - GUESTS:
            raise CommandFailure(
                f"{self.home} has files that Rampart did not make; set RAMPART_HOME to another folder."
            )
        self.home.chmod(0o700)
        self.write_json(MARKER, {"format": FORMAT})
        for folder in (self.logs, self.tls):
            folder.mkdir(mode=0o700, exist_ok=True)

    def _check_format(self) -> None:
        found = self.read_json(MARKER).get("format")
        if found != FORMAT:
            raise CommandFailure(
                f"{self.home} was made by another version of Rampart (format {found}); set RAMPART_HOME."
            )

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other runs away. Raises Failure if one is at work here."""
        with open(self.home / "lock", "a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise CommandFailure(
                    f"Rampart already runs on {self.home} (pid {holder}); stop it or set RAMPART_HOME to another."
                ) from error
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def read_json(self, name: str) -> dict[str, Any]:
        """Returns the content of a file of the folder; an absent one is empty. Raises Failure if it is damaged."""
        path = self.home / name
        try:
            content = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise CommandFailure(
                f"{path} is damaged ({error}); restore it or set RAMPART_HOME to another folder."
            ) from error
        if not isinstance(content, dict):
            raise CommandFailure(
                f"{path} is damaged (it holds no object); restore it or set RAMPART_HOME to another folder."
            )
        return content

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Replaces a file of the folder at once, readable by the user alone."""
        write_private(self.home / name, (json.dumps(content, indent=2) + "\n").encode())

    def password(self, name: str) -> str:
        """Returns a generated password by its name, the same at every start."""
        known = self.read_json("passwords.json")
        if name not in known:
            known[name] = secrets.token_urlsafe(24)
            self.write_json("passwords.json", known)
        return str(known[name])

    def secret_file(self, name: str) -> Path:
        """Returns a file of 32 random bytes in hex, the same at every start."""
        path = self.home / name
        if not path.exists():
            write_private(path, secrets.token_hex(32).encode() + b"\n")
        return path

    def sockets(self) -> Path:
        """Returns a private folder for unix sockets: inside the state folder unless that makes their paths too long."""
        inside = self.home / "run"
        if len(os.fsencode(inside)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_BYTES:
            inside.mkdir(mode=0o700, exist_ok=True)
            return inside
        recorded = self.read_json("sockets.json").get("folder")
        if recorded and _is_private(Path(recorded)):
            return Path(recorded)
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        base = runtime if runtime and _is_private(Path(runtime)) and len(os.fsencode(runtime)) < 60 else "/tmp"  # noqa: S108
        made = tempfile.mkdtemp(prefix="rampart-", dir=base)
        self.write_json("sockets.json", {"folder": made})
        return Path(made)


def write_private(path: Path, content: bytes) -> None:
    """Replaces a file at once, with mode 0600 from its first moment, and makes it durable."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _is_private(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return folder.is_dir() and not folder.is_symlink() and status.st_uid == os.geteuid() and not status.st_mode & 0o077
