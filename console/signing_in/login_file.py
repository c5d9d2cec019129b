"""Keeps the login of a person in one file, that nobody else can read and one command at a time changes.

Refresh tokens are good once. Commands that run at the same time take turns at the file, so that no two use one.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from console.failure import CommandFailure

__all__ = ["Login", "LoginFile"]


@dataclass(frozen=True)
class Login:
    """Tokens for one platform."""

    base_url: str
    token_url: str
    revocation_url: str
    access_token: str = field(repr=False)
    expires_at: float
    """When the access token is renewed, in Unix seconds."""
    refresh_token: str = field(repr=False)


class LoginFile:
    """The file, and the lock beside it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "login.json"
        self._lock = folder / "login.lock"

    @classmethod
    def standard(cls) -> LoginFile:
        """Returns the one in RAMPART_CONFIG_HOME, XDG_CONFIG_HOME (XDG Base Directory Specification) or ~/.config."""
        own = os.environ.get("RAMPART_CONFIG_HOME")
        if own:
            return cls(Path(own))
        base = os.environ.get("XDG_CONFIG_HOME", "")
        return cls((Path(base) if os.path.isabs(base) else Path.home() / ".config") / "rampart")

    def read(self) -> Login | None:
        """Returns the login, None if there is none. Raises CommandFailure for a file that is none of ours."""
        try:
            return Login(**json.loads(self._path.read_text()))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CommandFailure(f"Cannot read {self._path} ({error.strerror}).") from error
        except (TypeError, ValueError):
            raise CommandFailure(f"{self._path} is not what `rampart login` writes: sign in again.") from None

    def write(self, login: Login) -> None:
        """Replaces the login, whole or not at all."""
        with self._changes():
            # Made with mode 0600.
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix="login.")
            with os.fdopen(handle, "w") as file:
                json.dump(asdict(login), file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)

    def delete(self) -> None:
        """Forgets the login."""
        with self._changes(), suppress(FileNotFoundError):
            self._path.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other commands from the file for the block; waits until they are done with it."""
        with self._changes():
            descriptor = os.open(self._lock, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)

    @contextmanager
    def _changes(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise CommandFailure(f"Cannot keep a login in {self._path.parent} ({error.strerror}).") from error
