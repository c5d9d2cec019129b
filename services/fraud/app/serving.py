"""Composes the fraud service: decisions, what follows them, and what they go by."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from rampart.fraud.v1 import fraud_service_pb2, fraud_service_pb2_grpc
from rampart.user.v1 import user_service_pb2
from redis.asyncio import Redis

from meshkit.continuations import Continuations
from meshkit.host import Host
from meshkit.identity.policy import policies
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc import keys
from meshkit.rpc.batches import BatchClient
from meshkit.rpc.channel import open_channel
from meshkit.rpc.coalesce import Coalescer
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.storage.changes import STREAM as CHANGES
from meshkit.storage.changes import ChangeFeed, Freshness
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.reads import Reads, read_pool
from meshkit.storage.redis import open_redis
from meshkit.tasks import Worker, task_policies
from meshkit.telemetry.logs import EventLog
from services.fraud.adapters.decided_events import DecidedEvents
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.outbox_reader import OutboxReader
from services.fraud.adapters.outbox_relay import OutboxRelay
from services.fraud.adapters.outbox_retention import OutboxRetention
from services.fraud.adapters.postgres_features import PostgresFeatures
from services.fraud.adapters.postgres_log import PostgresLog
from services.fraud.adapters.postgres_rates import PostgresRates
from services.fraud.adapters.postgres_retention import PostgresOldDecisions
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.adapters.remote_profiles import RemoteRiskProfiles, profile_of
from services.fraud.app.configuring import SERVICES, open_configurations, serve_changes
from services.fraud.app.deploying import SCENARIO_SERVICE, serve_scenarios
from services.fraud.app.features import DecisionStores, open_features, open_ip
from services.fraud.service.breaking import OutcomeCounter, count_outcome
from services.fraud.service.decider import Decider
from services.fraud.service.feed import DecisionFeed
from services.fraud.service.judging import DecisionPolicy
from services.fraud.service.limits import WatchLimits, WatchPace
from services.fraud.service.rates import ExchangeRates
from services.fraud.service.retention import KIND, LIMITS, SCHEDULE, DecisionRetention
from services.fraud.service.tenant_states import TenantStates
from services.fraud.service.vector_layouts import VectorLayouts
from services.fraud.service.watches import READS_AT_ONCE, Watches
from services.fraud.service.ways import APART_IN_FLIGHT, APART_ITEMS, BATCH_ITEMS, CheckWays
from services.fraud.servicer import DECISION_FIELDS, CheckMeans, Checks, FraudServicer
from services.fraud.settings import FraudSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parents[1] / "migrations"
FRAUD_SERVICE = fraud_service_pb2.DESCRIPTOR.services_by_name["FraudService"]
USER_SERVICE = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
SERVED = [FRAUD_SERVICE, *SERVICES, SCENARIO_SERVICE]
BATCH_METHOD = "/rampart.fraud.v1.FraudService/CoalesceCheckFraud"
PROFILE_METHOD = "/rampart.user.v1.UserService/GetRiskProfile"

BATCH_BYTES = 4 << 20
BATCHES_IN_FLIGHT = 3
POOL_SIZE = 8
# Two reads of features at once, and the look-ups of what a retry was answered before.
APART_POOL_SIZE = 4
APART_SECONDS = 5.0
CHANGES_TIMEOUT = 3.0


async def migrate(_: Host, reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(
        reader, "fraud", MIGRATIONS, relay="RAMPART_FRAUD_RELAY_DSN", cleaner="RAMPART_FRAUD_CLEANER_DSN"
    )


async def serve(host: Host, reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = FraudSettings.read(reader)
    redis = await host.open(open_redis(settings.redis_url), name="redis")
    verifier = await host.open(
        keys.remote_verifier(settings.mesh, settings.auth_address), name="auth", check=keys.check
    )
    relay, outbox = await _publishing(host, settings, redis)
    feed, watches = await _watching(host, settings)
    profiles = await _profiles(host, settings)
    await _working(host, settings)

    def committed() -> None:
        relay.notify()
        feed.notify()

    configurations, lists = await open_configurations(host, settings)
    states, ip = TenantStates(configurations, lists), await open_ip(host, settings)
    reads = Reads(await host.open(read_pool(settings.dsn, settings.reads), name="postgres of reads"), settings.reads)
    stores = await _storing(host, settings, committed, reads)
    store, rates = stores.decisions, ExchangeRates(PostgresRates(stores.pool))
    features = await open_features(host, settings, redis, stores, configurations)
    policy = DecisionPolicy(settings.review_without)
    counter = OutcomeCounter()
    decider = Decider(
        reader=features,
        profiles=profiles,
        rates=rates,
        store=store,
        policy=policy,
        states=states.of,
        ip=ip,
        on_commit=partial(count_outcome, counter),
    )
    ways = CheckWays(decider, _apart(host, decider), in_flight=_batches_in_flight(settings))
    continuations = Continuations(settings.continuation_keys)
    servicer = FraudServicer(
        deciding=CheckMeans(
            checks=_coalescing(host, settings, ways),
            ways=ways,
            states=states.of,
            verifier=verifier,
            batch_policy=policies([FRAUD_SERVICE])[BATCH_METHOD],
            decisions=_decision_log(host),
        ),
        store=store,
        layouts=VectorLayouts(PostgresFeatures(reads)),
        outbox=outbox,
        decided=await _rebuilding(host, settings),
        watches=watches,
        continuations=continuations,
        rates=rates,
    )
    server = MeshServer(settings.mesh, listen=settings.listen, services=SERVED, verifier=verifier)
    server.add(fraud_service_pb2_grpc.add_FraudServiceServicer_to_server, servicer)
    pages = Pages(continuations)
    await serve_changes(host, settings, server, reads, pages)
    await serve_scenarios(host, settings, server, reads, pages, configurations, counter)
    await host.serve(server, admin=settings.mesh.admin_listen)


async def _publishing(host: Host, settings: FraudSettings, redis: Redis) -> tuple[OutboxRelay, OutboxReader]:
    """Carries committed decisions to the event stream, and to consumers that missed them there."""
    pool = await host.open(postgres.pool(settings.relay_dsn, size=2), name="postgres of the relay")
    relay = OutboxRelay(settings.relay_dsn, RedisStream(redis, "events:fraud"))
    retention = OutboxRetention(pool, settings.outbox_retention_hours)
    host.background("outbox relay", relay.run)
    host.background("outbox retention", Periodic("outbox retention", retention.prune).run)
    return relay, OutboxReader(pool)


async def _rebuilding(host: Host, settings: FraudSettings) -> DecidedEvents:
    """Reads all decisions again for consumers that lost their place. Its connections are opened when one does."""
    relay = await host.open(postgres.pool(settings.relay_dsn, size=1), name="postgres of the relay of rebuilds")
    service = await host.open(postgres.pool(settings.dsn, size=1), name="postgres of rebuilds")
    cleaner = await host.open(postgres.pool(settings.cleaner_dsn, size=1), name="postgres of the tenants of rebuilds")
    tenants = PostgresOldDecisions(cleaner, settings.decision_retention_days)
    return DecidedEvents(relay=relay, service=service, tenants=tenants)


async def _working(host: Host, settings: FraudSettings) -> None:
    """Does the tasks of this service."""
    pool = await host.open(postgres.pool(settings.cleaner_dsn, size=1), name="postgres of retention")
    channel = open_channel(settings.task_address, settings.mesh.tls, task_policies(), rare=True)
    tasks = await host.open(channel, name="task")
    retention = DecisionRetention(PostgresOldDecisions(pool, settings.decision_retention_days))
    worker = Worker(tasks, {KIND: retention.run}, limits={KIND: LIMITS}, schedules=[SCHEDULE])
    host.background("tasks", worker.run)


async def _watching(host: Host, settings: FraudSettings) -> tuple[DecisionFeed, Watches]:
    """Streams committed decisions to those who watch them."""
    # Its own connections, none before anybody watches: decisions never wait for one.
    pool = await host.open(postgres.pool(settings.dsn, size=READS_AT_ONCE + 1), name="postgres of watching")
    log = PostgresLog(pool)
    feed = DecisionFeed(log)
    host.background("decision feed", feed.run)
    limits, pace = WatchLimits(settings.watches, settings.watches_per_tenant), WatchPace(settings.watch_rate)
    return feed, Watches(log=log, feed=feed, limits=limits, pace=pace)


async def _profiles(host: Host, settings: FraudSettings) -> RemoteRiskProfiles:
    """Reads risk profiles from the user service, and again once they have changed."""
    user_policies = policies([USER_SERVICE])
    users = await host.open(open_channel(settings.user_address, settings.mesh.tls, user_policies), name="user")
    # Connects now: the first decision would otherwise pay for the handshake, or go without a profile.
    users.get_state(try_to_connect=True)
    coalesce = user_policies[PROFILE_METHOD].coalesce
    assert coalesce is not None
    # A client of its own: it waits for changes longer than decisions wait for anything.
    redis = await host.open(open_redis(settings.redis_url, timeout=CHANGES_TIMEOUT, size=1), name="redis of changes")
    freshness = Freshness(key=profile_of)
    host.background("change feed", ChangeFeed(RedisStream(redis, CHANGES), freshness).run)
    return RemoteRiskProfiles(BatchClient(users, coalesce, user_policies[coalesce.method], "user"), freshness)


async def _storing(host: Host, settings: FraudSettings, on_commit: Callable[[], None], reads: Reads) -> DecisionStores:
    """Commits decisions."""
    pool = await host.open(postgres.pool(settings.dsn, size=POOL_SIZE), name="postgres", check=postgres.check)
    apart = await host.open(
        postgres.pool(settings.dsn, size=APART_POOL_SIZE, seconds=APART_SECONDS), name="postgres of checks apart"
    )
    keys = EventKeys(pool)
    return DecisionStores(pool, apart, keys, PostgresStore(pool, keys, on_commit=on_commit, reads=reads, apart=apart))


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


def _apart(host: Host, decider: Decider) -> Checks:
    """Joins single checks that would hold up the others. Closed after those, of which it gets its own."""
    checks: Checks = Coalescer(
        "check apart", decider.decide, max_items=APART_ITEMS, max_bytes=BATCH_BYTES, max_in_flight=APART_IN_FLIGHT
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
