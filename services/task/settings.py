"""Settings of the task service."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshkit.settings import MeshSettings, Reader
from meshkit.storage.reads import ReadLimits
from services.task.domain.leases import EngineRules

__all__ = ["TaskSettings"]


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """What `python -m services.task` reads."""

    mesh: MeshSettings
    listen: str
    """host:port for gRPC."""
    dsn: str = field(repr=False)
    """Database, as the role that serves within the tenants of a call."""
    continuation_keys: tuple[bytes, ...] = field(repr=False)
    """What page tokens and positions in streams are sealed with: the first seals, every one opens."""
    reads: ReadLimits
    """How many reads are under way at once."""
    engine_dsn: str = field(repr=False)
    """The role that sees the tasks of all tenants: it leases, expires, schedules and prunes."""
    auth_address: str
    """host:port of the auth service, for verification keys."""
    coalesce: bool
    """Off commits every new task alone, so that what coalescing gains can be measured."""
    retention_days: int
    """Days for which finished tasks are kept, where a tenant has no number of its own."""
    rules: EngineRules

    @classmethod
    def read(cls, reader: Reader) -> TaskSettings:
        return cls(
            mesh=MeshSettings.read(reader),
            listen=reader.address("RAMPART_TASK_LISTEN"),
            dsn=reader.text("RAMPART_TASK_DSN"),
            continuation_keys=reader.keys("RAMPART_TASK_CONTINUATION_KEY_FILE", most=2),
            reads=ReadLimits.read(reader),
            engine_dsn=reader.text("RAMPART_TASK_ENGINE_DSN"),
            auth_address=reader.upstream("RAMPART_AUTH_ADDRESS"),
            coalesce=reader.switch("RAMPART_COALESCE", True),
            retention_days=reader.number("RAMPART_TASK_RETENTION_DAYS", 30, low=1, high=3650),
            rules=EngineRules(
                ageing=reader.number("RAMPART_TASK_AGEING_SECONDS", 600, low=1, high=86_400),
                first_backoff=reader.number("RAMPART_TASK_FIRST_BACKOFF_MS", 1_000, low=10, high=3_600_000) / 1000,
                max_backoff=reader.number("RAMPART_TASK_MAX_BACKOFF_SECONDS", 300, low=1, high=86_400),
            ),
        )
