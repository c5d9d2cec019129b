"""Composes what decides: the store of decisions, profiles of users, features, and the ways of checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rampart.fraud.v1 import fraud_service_pb2
from rampart.user.v1 import user_service_pb2
from redis.asyncio import Redis

from meshkit.host import Host
from meshkit.identity.policy import policies
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.batches import BatchClient
from meshkit.rpc.channel import open_channel
from meshkit.rpc.coalesce import Coalescer
from meshkit.storage import postgres
from meshkit.storage.changes import STREAM as CHANGES
from meshkit.storage.changes import ChangeFeed, Freshness
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.reads import Reads
from meshkit.storage.redis import open_redis
from meshkit.telemetry.logs import EventLog
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.adapters.remote_profiles import RemoteRiskProfiles, profile_of
from services.fraud.app.features import DecisionStores, open_features, open_ip
from services.fraud.domain.check import Decided
from services.fraud.service.deciding.decider import Decider
from services.fraud.service.deciding.judging import DecisionPolicy
from services.fraud.service.deciding.ways import APART_IN_FLIGHT, APART_ITEMS, BATCH_ITEMS, CheckWays, DecideSingles
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.tenants.states import TenantStates
from services.fraud.servicer import DECISION_FIELDS, CheckMeans, Checks
from services.fraud.settings import FraudSettings

__all__ = ["FRAUD_SERVICE", "open_checks", "open_stores"]

FRAUD_SERVICE = fraud_service_pb2.DESCRIPTOR.services_by_name["FraudService"]
USER_SERVICE = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
BATCH_METHOD = "/rampart.fraud.v1.FraudService/CoalesceCheckFraud"
PROFILE_METHOD = "/rampart.user.v1.UserService/GetRiskProfile"

BATCH_BYTES = 4 << 20
BATCHES_IN_FLIGHT = 3
POOL_SIZE = 8
# Two reads of features at once, and the look-ups of what a retry was answered before.
APART_POOL_SIZE = 4
APART_SECONDS = 5.0
CHANGES_TIMEOUT = 3.0


async def open_stores(
    host: Host, settings: FraudSettings, on_commit: Callable[[], None], reads: Reads
) -> DecisionStores:
    """Commits decisions."""
    pool = await host.open(postgres.pool(settings.dsn, size=POOL_SIZE), name="postgres", check=postgres.check)
    apart = await host.open(
        postgres.pool(settings.dsn, size=APART_POOL_SIZE, seconds=APART_SECONDS), name="postgres of checks apart"
    )
    keys = EventKeys(pool)
    return DecisionStores(pool, apart, keys, PostgresStore(pool, keys, on_commit=on_commit, reads=reads, apart=apart))


async def open_checks(
    host: Host,
    settings: FraudSettings,
    redis: Redis,
    verifier: TokenVerifier,
    stores: DecisionStores,
    states: TenantStates,
    rates: ExchangeRates,
    on_commit: Callable[[Decided], None],
) -> CheckMeans:
    """Returns what decides. `on_commit` is told of each decision that was stored."""
    ip = await open_ip(host, settings)
    decider = Decider(
        reader=await open_features(host, settings, redis, stores, states.configurations, ip),
        profiles=await _profiles(host, settings),
        rates=rates,
        store=stores.decisions,
        policy=DecisionPolicy(settings.review_without, settings.commit_reserve_ms / 1000),
        states=states.of,
        ip=ip,
        on_commit=on_commit,
    )
    ways = CheckWays(decider, partial(_apart, host), in_flight=_batches_in_flight(settings))
    return CheckMeans(
        checks=_coalescing(host, settings, ways),
        ways=ways,
        states=states.of,
        verifier=verifier,
        batch_policy=policies([FRAUD_SERVICE])[BATCH_METHOD],
        decisions=_decision_log(host),
    )


async def _profiles(host: Host, settings: FraudSettings) -> RemoteRiskProfiles:
    """Reads risk profiles from the user service, and again once they have changed."""
    user_policies = policies([USER_SERVICE])
    identity = host.identity(settings.mesh)
    channel = open_channel(settings.user_address, identity, user_policies, service="user")
    users = await host.open(channel, name="user")
    # Connects now: the first decision would otherwise pay for the handshake, or go without a profile.
    users.get_state(try_to_connect=True)
    coalesce = user_policies[PROFILE_METHOD].coalesce
    assert coalesce is not None
    # A client of its own: it waits for changes longer than decisions wait for anything.
    redis = await host.open(open_redis(settings.redis_url, timeout=CHANGES_TIMEOUT, size=1), name="redis of changes")
    freshness = Freshness(key=profile_of)
    host.background("change feed", ChangeFeed(RedisStream(redis, CHANGES), freshness).run)
    return RemoteRiskProfiles(BatchClient(users, coalesce, user_policies[coalesce.method], "user"), freshness)


def _coalescing(host: Host, settings: FraudSettings, ways: CheckWays) -> Checks:
    """Joins single checks that arrive together."""
    checks: Checks = Coalescer(
        "check",
        ways.decide_singles,
        max_items=BATCH_ITEMS if settings.coalesce else 1,
        max_bytes=BATCH_BYTES,
        max_in_flight=_batches_in_flight(settings),
    )
    host.closing(checks.drain)
    return checks


def _apart(host: Host, decide: DecideSingles) -> Checks:
    """Joins single checks that would hold up the others. Closed after those, of which it gets its own."""
    checks: Checks = Coalescer(
        "check apart", decide, max_items=APART_ITEMS, max_bytes=BATCH_BYTES, max_in_flight=APART_IN_FLIGHT
    )
    host.closing(checks.drain)
    return checks


def _batches_in_flight(settings: FraudSettings) -> int:
    return BATCHES_IN_FLIGHT if settings.coalesce else POOL_SIZE


def _decision_log(host: Host) -> EventLog:
    """Logs each decision, buffered."""
    log = EventLog("fraud", "decisions", "decided", DECISION_FIELDS)
    host.closing(log.flush)
    host.background("decision log", log.keep_flushed)
    return log
