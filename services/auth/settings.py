"""Settings of the auth service."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from meshkit.rpc.keys import KEPT_SECONDS
from meshkit.settings import MeshSettings, Reader, SettingsError, read_keys
from services.auth.domain.keys import KeySchedule

__all__ = ["AuthSettings", "check_rotation", "read_key"]


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """What `python -m services.auth` reads."""

    mesh: MeshSettings
    listen: str
    """host:port for gRPC."""
    dsn: str = field(repr=False)
    """Database, as the role that serves within the tenants of a call."""
    sealing_key: bytes = field(repr=False)
    """Encrypts the signing keys at rest."""
    notary_dsn: str = field(repr=False)
    """Database, as the role that anchors and prunes the audit logs of all tenants."""
    audit_keys: tuple[bytes, ...] = field(repr=False)
    """What the anchors of the audit log are sealed with: the first seals, what any has sealed is genuine."""
    continuation_keys: tuple[bytes, ...] = field(repr=False)
    """What page tokens are sealed with: the first seals, every one opens."""
    audit_days: int
    """Days for which events of the audit log are kept."""
    audit_anchor_seconds: int
    """How often the ends of the audit logs are anchored: what is cut off within it may not be missed."""
    token_seconds: int
    """Life of an access token."""
    key_use_seconds: int
    """How long one key signs."""
    key_publish_seconds: int
    """How long a key is published before it signs: a check of a replica, and what an older set may be kept for."""
    key_check_seconds: int
    """How often a replica looks for keys that others have made."""

    @classmethod
    def read(cls, reader: Reader) -> AuthSettings:
        found = cls(
            mesh=MeshSettings.read(reader),
            listen=reader.address("RAMPART_AUTH_LISTEN"),
            dsn=reader.text("RAMPART_AUTH_DSN"),
            sealing_key=read_key(reader.file("RAMPART_AUTH_KEY_FILE")),
            notary_dsn=reader.text("RAMPART_AUTH_NOTARY_DSN"),
            audit_keys=reader.keys("RAMPART_AUTH_AUDIT_KEY_FILE", most=4),
            continuation_keys=reader.keys("RAMPART_AUTH_CONTINUATION_KEY_FILE", most=2),
            audit_days=reader.number("RAMPART_AUDIT_DAYS", 400, low=31, high=36_500),
            audit_anchor_seconds=reader.number("RAMPART_AUDIT_ANCHOR_SECONDS", 60, low=1, high=86_400),
            token_seconds=reader.number("RAMPART_TOKEN_SECONDS", 3600, low=1, high=86_400),
            key_use_seconds=reader.number("RAMPART_KEY_USE_SECONDS", 30 * 86_400, low=1),
            key_publish_seconds=reader.number("RAMPART_KEY_PUBLISH_SECONDS", 180),
            key_check_seconds=reader.number("RAMPART_KEY_CHECK_SECONDS", 30, low=1, high=3600),
        )
        check_rotation(found.key_publish_seconds, found.key_check_seconds)
        return found

    @property
    def schedule(self) -> KeySchedule:
        return KeySchedule(self.key_publish_seconds, self.key_use_seconds, self.token_seconds)


def check_rotation(publish: int, check: int) -> None:
    """Refuses seconds with which a key signs before everybody can have it. Raises SettingsError."""
    least = check + math.ceil(KEPT_SECONDS)
    if publish < least:
        raise SettingsError(
            f"RAMPART_KEY_PUBLISH_SECONDS must be {least} or more, not {publish}: RAMPART_KEY_CHECK_SECONDS, and "
            f"{KEPT_SECONDS:g} for which others may go by an older set of keys"
        )


def read_key(path: Path) -> bytes:
    """Reads the sealing key (see `read_keys`)."""
    return read_keys("RAMPART_AUTH_KEY_FILE", path)[0]
