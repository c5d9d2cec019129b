"""Settings of the auth service."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from meshkit.settings import MeshSettings, Reader, SettingsError
from services.auth.domain.keys import KeySchedule

__all__ = ["AuthSettings", "read_key"]

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """What `python -m services.auth` reads."""

    mesh: MeshSettings
    listen: str
    """host:port for gRPC."""
    dsn: str = field(repr=False)
    sealing_key: bytes = field(repr=False)
    """Encrypts the signing keys at rest."""
    token_seconds: int
    """Life of an access token."""
    key_use_seconds: int
    """How long one key signs."""
    key_publish_seconds: int
    """How long a key is published before it signs. At least a verifier's cache (60 s) and one check of a replica."""
    key_check_seconds: int
    """How often a replica looks for keys that others have made."""

    @classmethod
    def read(cls, reader: Reader) -> AuthSettings:
        return cls(
            mesh=MeshSettings.read(reader),
            listen=reader.address("RAMPART_AUTH_LISTEN"),
            dsn=reader.text("RAMPART_AUTH_DSN"),
            sealing_key=read_key(reader.file("RAMPART_AUTH_KEY_FILE")),
            token_seconds=reader.number("RAMPART_TOKEN_SECONDS", 3600, low=1, high=86_400),
            key_use_seconds=reader.number("RAMPART_KEY_USE_SECONDS", 30 * 86_400, low=1),
            key_publish_seconds=reader.number("RAMPART_KEY_PUBLISH_SECONDS", 180),
            key_check_seconds=reader.number("RAMPART_KEY_CHECK_SECONDS", 30, low=1, high=3600),
        )

    @property
    def schedule(self) -> KeySchedule:
        return KeySchedule(self.key_publish_seconds, self.key_use_seconds, self.token_seconds)


def read_key(path: Path) -> bytes:
    """Reads 32 bytes as hexadecimal digits; anything else, or a key of equal bytes, stops the start."""
    try:
        key = bytes.fromhex(path.read_text().strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES or len(set(key)) == 1:
        raise SettingsError(f"RAMPART_AUTH_KEY_FILE names {path}, which does not hold 32 random bytes in hexadecimal")
    return key
