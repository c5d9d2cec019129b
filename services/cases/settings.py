"""Settings of the cases service."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshkit.settings import MeshSettings, Reader
from meshkit.storage.reads import ReadLimits

__all__ = ["CasesSettings"]


@dataclass(frozen=True, slots=True)
class CasesSettings:
    """What `python -m services.cases` reads."""

    mesh: MeshSettings
    listen: str
    """host:port for gRPC."""
    dsn: str = field(repr=False)
    """Database, as the role that serves within the tenants of a call."""
    continuation_keys: tuple[bytes, ...] = field(repr=False)
    """What page tokens are sealed with: the first seals, every one opens."""
    reads: ReadLimits
    """How many reads are under way at once."""
    redis_url: str = field(repr=False)
    """Where the event stream is."""
    auth_address: str
    """host:port of the auth service, for its keys."""
    task_address: str
    """host:port of the task service, for jobs."""
    fraud_address: str
    """host:port of the fraud service, for events that the stream lost and for labels of closed cases."""
    retention_days: int
    """Days after their end for which cases are kept, with their alerts, notes and history."""

    @classmethod
    def read(cls, reader: Reader) -> CasesSettings:
        return cls(
            mesh=MeshSettings.read(reader),
            listen=reader.address("RAMPART_CASES_LISTEN"),
            dsn=reader.text("RAMPART_CASES_DSN"),
            continuation_keys=reader.keys("RAMPART_CASES_CONTINUATION_KEY_FILE", most=2),
            reads=ReadLimits.read(reader),
            redis_url=reader.text("RAMPART_REDIS_URL"),
            auth_address=reader.upstream("RAMPART_AUTH_ADDRESS"),
            task_address=reader.upstream("RAMPART_TASK_ADDRESS"),
            fraud_address=reader.upstream("RAMPART_FRAUD_ADDRESS"),
            retention_days=reader.number("RAMPART_CASE_RETENTION_DAYS", 400, low=31, high=36_500),
        )
