"""Settings of the user service."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshkit.settings import MeshSettings, Reader
from meshkit.storage.reads import ReadLimits

__all__ = ["UserSettings"]


@dataclass(frozen=True, slots=True)
class UserSettings:
    """What `python -m services.user` reads."""

    mesh: MeshSettings
    listen: str
    """host:port for gRPC."""
    dsn: str = field(repr=False)
    """Database, as the role that serves within the tenants of a call."""
    continuation_keys: tuple[bytes, ...] = field(repr=False)
    """What page tokens are sealed with: the first seals, every one opens."""
    reads: ReadLimits
    """How many reads are under way at once."""
    auth_address: str
    """host:port of the auth service, for verification keys."""
    redis_url: str = field(repr=False)
    """Redis through which others are told of changes. Empty tells nobody: they then use what they know to its end."""

    @classmethod
    def read(cls, reader: Reader) -> UserSettings:
        return cls(
            mesh=MeshSettings.read(reader),
            listen=reader.address("RAMPART_USER_LISTEN"),
            dsn=reader.text("RAMPART_USER_DSN"),
            continuation_keys=reader.keys("RAMPART_USER_CONTINUATION_KEY_FILE", most=2),
            reads=ReadLimits.read(reader),
            auth_address=reader.upstream("RAMPART_AUTH_ADDRESS"),
            redis_url=reader.text("RAMPART_REDIS_URL", ""),
        )
