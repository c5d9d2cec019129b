"""The composition root of the fraud service: the only place that knows its adapters."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from rampart.fraud.v1 import fraud_service_pb2, fraud_service_pb2_grpc
from rampart.user.v1 import user_service_pb2

from meshkit.host import Host
from meshkit.identity.policy import policies
from meshkit.rpc import keys
from meshkit.rpc.batches import BatchClient
from meshkit.rpc.channel import open_channel
from meshkit.rpc.coalesce import Coalescer
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.storage.changes import STREAM as CHANGES
from meshkit.storage.changes import ChangeFeed
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.redis import open_redis
from meshkit.telemetry.logs import EventLog
from services.fraud.adapters.outbox_reader import OutboxReader
from services.fraud.adapters.outbox_relay import OutboxRelay
from services.fraud.adapters.outbox_retention import OutboxRetention
from services.fraud.adapters.postgres_log import PostgresLog
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.adapters.redis_windows import RedisWindows
from services.fraud.adapters.remote_profiles import RemoteRiskProfiles
from services.fraud.adapters.window_keeper import WindowKeeper
from services.fraud.service.decider import Decider, DecisionPolicy
from services.fraud.service.feed import DecisionFeed
from services.fraud.service.seats import Seats, WatchPace
from services.fraud.service.watches import READS_AT_ONCE, Watches
from services.fraud.servicer import BATCH_ITEMS, DECISION_FIELDS, Checks, FraudServicer
from services.fraud.settings import FraudSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parent / "migrations"
FRAUD_SERVICE = fraud_service_pb2.DESCRIPTOR.services_by_name["FraudService"]
USER_SERVICE = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
BATCH_METHOD = "/rampart.fraud.v1.FraudService/CoalesceCheckFraud"
PROFILE_METHOD = "/rampart.user.v1.UserService/GetRiskProfile"

BATCH_BYTES = 4 << 20
BATCHES_IN_FLIGHT = 3
POOL_SIZE = 8
NEWS_TIMEOUT = 3.0
FLUSH_SECONDS = 0.1


async def migrate(_: Host, reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(reader, "fraud", MIGRATIONS, relay="RAMPART_FRAUD_RELAY_DSN")


async def serve(host: Host, reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = FraudSettings.read(reader)
    pool = await host.open(postgres.pool(settings.dsn, size=POOL_SIZE), name="postgres", check=postgres.check)
    relay_pool = await host.open(postgres.pool(settings.relay_dsn, size=2))
    # Its own connections, none before anybody watches: decisions never wait for one.
    watch_pool = await host.open(postgres.pool(settings.dsn, size=READS_AT_ONCE + 1))
    redis = await host.open(open_redis(settings.redis_url))
    verifier = await host.open(
        keys.remote_verifier(settings.mesh, settings.auth_address), name="auth", check=keys.check
    )
    user_policies = policies([USER_SERVICE])
    users = await host.open(open_channel(settings.user_address, settings.mesh.tls, user_policies))
    # Connects now: the first decision would otherwise pay for the handshake, or go without a profile.
    users.get_state(try_to_connect=True)
    relay = OutboxRelay(settings.relay_dsn, RedisStream(redis, "events:fraud"))
    log = PostgresLog(watch_pool)
    feed = DecisionFeed(log)

    def committed() -> None:
        relay.notify()
        feed.notify()

    store = PostgresStore(pool, on_commit=committed)
    keeper = WindowKeeper(relay_dsn=settings.relay_dsn, redis=redis, pool=pool, store=store)
    profile = user_policies[PROFILE_METHOD]
    assert profile.coalesce is not None
    profiles = RemoteRiskProfiles(BatchClient(users, profile.coalesce, user_policies[profile.coalesce.method], "user"))
    # A client of its own: it waits for news longer than decisions wait for anything.
    news_redis = await host.open(open_redis(settings.redis_url, timeout=NEWS_TIMEOUT, size=1))
    news = ChangeFeed(RedisStream(news_redis, CHANGES), changed=profiles.changed, lost=profiles.lost)
    profiles.told = lambda: news.live
    decider = Decider(
        windows=RedisWindows(redis, on_cold=keeper.wake),
        profiles=profiles,
        store=store,
        policy=DecisionPolicy(settings.review_without),
    )
    in_flight = BATCHES_IN_FLIGHT if settings.coalesce else POOL_SIZE
    checks: Checks = Coalescer(
        "check",
        decider.decide,
        max_items=BATCH_ITEMS if settings.coalesce else 1,
        max_bytes=BATCH_BYTES,
        max_in_flight=in_flight,
    )
    decisions = EventLog("fraud", "decisions", "decided", DECISION_FIELDS)
    server = MeshServer(
        settings.mesh,
        listen=settings.listen,
        service=FRAUD_SERVICE,
        verifier=verifier,
    )
    servicer = FraudServicer(
        checks=checks,
        decide=decider.decide,
        slots=asyncio.Semaphore(in_flight),
        store=store,
        read_events=OutboxReader(relay_pool).read,
        watches=Watches(
            log=log,
            feed=feed,
            seats=Seats(settings.watches, settings.watches_per_tenant),
            pace=WatchPace(settings.watch_rate),
        ),
        verifier=verifier,
        batch_policy=policies([FRAUD_SERVICE])[BATCH_METHOD],
        decisions=decisions,
    )
    server.add(fraud_service_pb2_grpc.add_FraudServiceServicer_to_server, servicer)
    retention = OutboxRetention(relay_pool, settings.outbox_retention_hours)
    host.closing(decisions.flush)
    host.background("outbox relay", relay.run)
    host.background("decision feed", feed.run)
    host.background("change feed", news.run)
    host.background("outbox retention", retention.run)
    host.background("window keeper", keeper.run)
    host.background("decision log", partial(_flush, decisions))
    await host.serve(server, admin=settings.mesh.admin_listen)
    await checks.drain()


async def _flush(log: EventLog) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        log.flush()
