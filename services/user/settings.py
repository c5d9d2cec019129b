"""Settings of the user service."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshkit.settings import MeshSettings, Reader

__all__ = ["UserSettings"]


@dataclass(frozen=True, slots=True)
class UserSettings:
    """What `python -m services.user` reads."""

    mesh: MeshSettings
    listen: str
    """host:port for gRPC."""
    dsn: str = field(repr=False)
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
            auth_address=reader.address("RAMPART_AUTH_ADDRESS"),
            redis_url=reader.text("RAMPART_REDIS_URL", ""),
        )
