"""Settings of the fraud service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from meshkit.settings import MeshSettings, Reader, SettingsError
from meshkit.storage.reads import ReadLimits

__all__ = ["TRAINING_MEMORY_MB", "FraudSettings"]

TRAINING_MEMORY_MB = 2_048
"""Of a training, unless the operator says otherwise: beside the service it fits into the container of the manifests."""

NEO4J_SCHEMES = ("neo4j+s", "bolt+s", "neo4j", "bolt")


@dataclass(frozen=True, slots=True)
class FraudSettings:
    """What `python -m services.fraud` reads."""

    mesh: MeshSettings
    listen: str
    """host:port for gRPC."""
    dsn: str = field(repr=False)
    """Database, as the role that serves within the tenants of a call."""
    continuation_keys: tuple[bytes, ...] = field(repr=False)
    """What page tokens and positions in streams are sealed with: the first seals, every one opens."""
    relay_dsn: str = field(repr=False)
    """The role that reads the outbox of all tenants and nothing else."""
    cleaner_dsn: str = field(repr=False)
    """The role that deletes old decisions of all tenants and nothing else."""
    redis_url: str = field(repr=False)
    """Redis of the entity logs and of the event stream."""
    auth_address: str
    """host:port of the auth service, for verification keys."""
    user_address: str
    """host:port of the user service, for risk profiles."""
    task_address: str
    """host:port of the task service, for the tasks that this service does."""
    coalesce: bool
    """Off sends and decides every check alone, so that what coalescing gains can be measured."""
    outbox_retention_hours: int
    """Least age at which acknowledged rows of the outbox are pruned."""
    decision_retention_days: int
    """Days for which decisions are kept, where a tenant has no number of its own."""
    review_without: frozenset[str]
    """Inputs without which the outcome is review at least."""
    commit_reserve_ms: int
    """Milliseconds of a caller's time, a half of it at most, that are kept for the commit: a check does not read on."""
    reads: ReadLimits
    """How many reads of stored decisions are under way at once."""
    watches: int
    """Most streams of decisions that are open at once in this process."""
    watches_per_tenant: int
    """Most of them of one tenant."""
    watch_rate: int
    """Most responses a second that all these streams send together: what watching may take from deciding."""
    fold_cache_mb: int
    """MiB that a process may use for what it has read of entity logs. What does not fit is read from Redis again."""
    graph_retention_days: int
    """Days after their last event for which links of the graph are kept, where a tenant has a graph."""
    graph_wait_ms: int
    """Milliseconds that decisions wait for the graph once the logs have answered; without it they go on."""
    graph_neo4j_url: str = field(repr=False)
    """Neo4j that [graphs](graph.md#in-neo4j) are kept in: `neo4j+s://user:password@host:7687`. Empty keeps them in
    PostgreSQL."""
    training_memory_mb: int
    """MiB that one training of a model may hold. It runs in a process of its own, beside what this service takes."""
    model_drift_seconds: int
    """Seconds between two looks at how far what models see lies from what they have learned from."""
    training_cpu_minutes: int
    """Minutes of processor time that one training of a model may take."""
    ip_country_files: tuple[Path, ...]
    """Countries of addresses, and places: MaxMind DB files (`.mmdb`) or text ([signals](ip-signals.md))."""
    ip_asn_files: tuple[Path, ...]
    """Autonomous systems of addresses: MaxMind DB files."""
    ip_datacenter_files: tuple[Path, ...]
    """Addresses of data centres: text, a network or a first and a last address a line."""
    ip_tor_files: tuple[Path, ...]
    """Addresses of exits of Tor: text, as for data centres."""

    @classmethod
    def read(cls, reader: Reader) -> FraudSettings:
        return cls(
            mesh=MeshSettings.read(reader),
            listen=reader.address("RAMPART_FRAUD_LISTEN"),
            dsn=reader.text("RAMPART_FRAUD_DSN"),
            continuation_keys=reader.keys("RAMPART_FRAUD_CONTINUATION_KEY_FILE", most=2),
            relay_dsn=reader.text("RAMPART_FRAUD_RELAY_DSN"),
            cleaner_dsn=reader.text("RAMPART_FRAUD_CLEANER_DSN"),
            redis_url=reader.text("RAMPART_REDIS_URL"),
            auth_address=reader.upstream("RAMPART_AUTH_ADDRESS"),
            user_address=reader.upstream("RAMPART_USER_ADDRESS"),
            task_address=reader.upstream("RAMPART_TASK_ADDRESS"),
            coalesce=reader.switch("RAMPART_COALESCE", True),
            outbox_retention_hours=reader.number("RAMPART_OUTBOX_RETENTION_HOURS", 72, low=49),
            decision_retention_days=reader.number("RAMPART_DECISION_RETENTION_DAYS", 400, low=31, high=36_500),
            review_without=frozenset(reader.text("RAMPART_REVIEW_WITHOUT", "user_profile,features").split(",")),
            commit_reserve_ms=reader.number("RAMPART_COMMIT_RESERVE_MS", 200, low=1, high=1_000),
            reads=ReadLimits.read(reader),
            watches=reader.number("RAMPART_WATCHES", 256, low=1),
            watches_per_tenant=reader.number("RAMPART_WATCHES_PER_TENANT", 32, low=1),
            watch_rate=reader.number("RAMPART_WATCH_RATE", 2_000, low=1),
            fold_cache_mb=reader.number("RAMPART_FOLD_CACHE_MB", 512, low=1, high=65_536),
            graph_retention_days=reader.number("RAMPART_GRAPH_RETENTION_DAYS", 180, low=8, high=3_650),
            graph_wait_ms=reader.number("RAMPART_GRAPH_WAIT_MS", 2, low=1, high=50),
            graph_neo4j_url=_neo4j_url(reader),
            training_memory_mb=reader.number("RAMPART_TRAINING_MEMORY_MB", TRAINING_MEMORY_MB, low=256, high=262_144),
            model_drift_seconds=reader.number("RAMPART_MODEL_DRIFT_SECONDS", 60, low=1, high=86_400),
            training_cpu_minutes=reader.number("RAMPART_TRAINING_CPU_MINUTES", 240, low=1, high=10_080),
            ip_country_files=reader.paths("RAMPART_IP_COUNTRY_FILES", ""),
            ip_asn_files=reader.paths("RAMPART_IP_ASN_FILES", ""),
            ip_datacenter_files=reader.paths("RAMPART_IP_DATACENTER_FILES", ""),
            ip_tor_files=reader.paths("RAMPART_IP_TOR_FILES", ""),
        )

    @property
    def ip_files(self) -> Mapping[str, Sequence[Path]]:
        """The files about addresses, by kind."""
        return {
            "country": self.ip_country_files,
            "asn": self.ip_asn_files,
            "datacenter": self.ip_datacenter_files,
            "tor": self.ip_tor_files,
        }


def _neo4j_url(reader: Reader) -> str:
    """Reads where Neo4j is: with TLS, unless it is on this machine. A password may be in it, so no error shows it."""
    name = "RAMPART_GRAPH_NEO4J_URL"
    url = reader.text(name, "")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, whole = parts.hostname, bool(parts.port) and not (parts.path.strip("/") or parts.query or parts.fragment)
    except ValueError:
        host, whole = None, False
    if not host or not whole or parts.scheme not in NEO4J_SCHEMES:
        raise SettingsError(f"{name} must be neo4j+s://user:password@host:port, or bolt+s, and nothing after it")
    if "+" not in parts.scheme and not _is_loopback(host):
        raise SettingsError(f"{name} must be neo4j+s or bolt+s: without TLS only a Neo4j on this machine is used")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
