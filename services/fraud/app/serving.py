"""Composes the fraud service: decisions, what follows them, and what they go by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import grpc
from rampart.fraud.v1 import fraud_service_pb2_grpc
from redis.asyncio import Redis

from meshkit.continuations import Continuations
from meshkit.host import Host
from meshkit.identity.tokens import TokenVerifier
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc import keys
from meshkit.rpc.auditing import remote_audit
from meshkit.rpc.channel import open_channel
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.reads import Reads, read_pool
from meshkit.storage.redis import open_redis
from meshkit.tasks import Handler, KindLimits, Worker, task_policies
from meshkit.tenants.serving import TENANT_DATA_SERVICE
from services.fraud.adapters.decided_events import DecidedEvents
from services.fraud.adapters.outbox_reader import OutboxReader
from services.fraud.adapters.outbox_relay import OutboxRelay
from services.fraud.adapters.outbox_retention import OutboxRetention
from services.fraud.adapters.postgres_log import PostgresLog
from services.fraud.adapters.postgres_rates import PostgresRates
from services.fraud.adapters.postgres_retention import PostgresOldDecisions, PostgresOldLabels
from services.fraud.app.backtesting import BACKTEST_SERVICE, serve_backtests
from services.fraud.app.checks import FRAUD_SERVICE, open_checks, open_stores
from services.fraud.app.configuring import SERVICES, open_configurations, serve_changes
from services.fraud.app.deploying import SCENARIO_SERVICE, open_counts, replays_of, serve_scenarios
from services.fraud.app.erasing import serve_erasing
from services.fraud.app.graphing import GRAPH_SERVICE, serve_graph
from services.fraud.app.labelling import LABEL_SERVICE, serve_labels
from services.fraud.app.modelling import MODEL_SERVICE, serve_models, watch_models
from services.fraud.app.reporting import QUALITY_SERVICE, serve_quality
from services.fraud.service import retention as retaining
from services.fraud.service.backtests import tasks as backtesting
from services.fraud.service.labels import importing as label_files
from services.fraud.service.models import training
from services.fraud.service.quality import tasks as reporting
from services.fraud.service.retention import DecisionRetention
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.tenants.states import TenantStates
from services.fraud.service.watching.feed import DecisionFeed
from services.fraud.service.watching.limits import WatchLimits, WatchPace
from services.fraud.service.watching.watches import READS_AT_ONCE, Watches
from services.fraud.servicer import FraudServicer
from services.fraud.settings import FraudSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parents[1] / "migrations"
SERVED = [
    FRAUD_SERVICE, *SERVICES, SCENARIO_SERVICE, BACKTEST_SERVICE, LABEL_SERVICE, MODEL_SERVICE, QUALITY_SERVICE,
    GRAPH_SERVICE, TENANT_DATA_SERVICE,
]  # fmt: skip


async def migrate(_: Host, reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(
        reader, "fraud", MIGRATIONS, relay="RAMPART_FRAUD_RELAY_DSN", cleaner="RAMPART_FRAUD_CLEANER_DSN"
    )


async def serve(host: Host, reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = FraudSettings.read(reader)
    redis = await host.open(open_redis(settings.redis_url), name="redis")
    verifier = await _verifier(host, settings)
    relay, outbox = await _publishing(host, settings, redis)
    feed, watches = await _watching(host, settings)

    def committed() -> None:
        relay.notify()
        feed.notify()

    governing = await open_configurations(host, settings)
    reads = Reads(await host.open(read_pool(settings.dsn, settings.reads), name="postgres of reads"), settings.reads)
    stores = await open_stores(host, settings, committed, reads)
    rates, counts = ExchangeRates(PostgresRates(stores.pool)), await open_counts(host, settings)
    states = TenantStates(governing.configurations, governing.lists, governing.models)
    pages = Pages(continuations := Continuations(settings.continuation_keys))
    servicer = FraudServicer(
        means=await open_checks(host, settings, redis, verifier, stores, states, rates, counts.committed),
        store=stores.decisions,
        outbox=outbox,
        decided=await _rebuilding(host, settings),
        watches=watches,
        continuations=continuations,
        rates=rates,
        replays=replays_of(reads, governing.models),
    )
    server = await _server(host, settings, verifier)
    server.add(fraud_service_pb2_grpc.add_FraudServiceServicer_to_server, servicer)
    await serve_changes(host, settings, server, reads, pages)
    await serve_scenarios(host, settings, server, reads, pages, governing.configurations, counts)
    tasks = await _tasks(host, settings)
    labels = await serve_labels(host, settings, server, reads, pages, tasks, redis, governing.configurations, committed)
    await watch_models(host, settings, governing.seen)
    await serve_graph(host, settings, server, reads)
    done = await _serve_work(host, settings, server, reads, pages, tasks)
    await _working(host, settings, tasks, [_Work(label_files.KIND, labels.run, label_files.IMPORTS_AT_ONCE), *done])
    await serve_erasing(host, reader, settings, server, redis, stores.keys, verifier.revocations)
    await host.serve(server, admin=settings.mesh.admin_listen)


async def _server(host: Host, settings: FraudSettings, verifier: TokenVerifier) -> MeshServer:
    identity = host.identity(settings.mesh)
    audit = await host.open(remote_audit(identity, settings.auth_address), name="audit log")
    return MeshServer(settings.mesh, identity, listen=settings.listen, services=SERVED, verifier=verifier, audit=audit)


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


async def _verifier(host: Host, settings: FraudSettings) -> TokenVerifier:
    keyed = keys.remote_verifier(settings.mesh, host.identity(settings.mesh), settings.auth_address)
    return await host.open(keyed, name="auth", check=keys.check)


async def _tasks(host: Host, settings: FraudSettings) -> grpc.aio.Channel:
    identity = host.identity(settings.mesh)
    channel = open_channel(settings.task_address, identity, task_policies(), service="task", rare=True)
    return await host.open(channel, name="task")


class _Work(NamedTuple):
    """A kind of tasks, and what does them."""

    kind: str
    run: Handler
    limits: KindLimits


async def _serve_work(
    host: Host, settings: FraudSettings, server: MeshServer, reads: Reads, pages: Pages, tasks: grpc.aio.Channel
) -> Sequence[_Work]:
    """Adds the services whose work is done by processes of their own. Returns what does it."""
    means = host, settings, server, reads, pages, tasks
    backtests, models, reports = await serve_backtests(*means), await serve_models(*means), await serve_quality(*means)
    return [
        _Work(backtesting.KIND, backtests.run, backtesting.LIMITS),
        _Work(training.KIND, models.run, training.TRAININGS_AT_ONCE),
        _Work(reporting.KIND, reports.run, reporting.REPORTS_AT_ONCE),
    ]


async def _working(host: Host, settings: FraudSettings, tasks: grpc.aio.Channel, submitted: Sequence[_Work]) -> None:
    """Does the tasks of this service."""
    pool = await host.open(postgres.pool(settings.cleaner_dsn, size=1), name="postgres of retention")
    decisions = PostgresOldDecisions(pool, settings.decision_retention_days)
    retention = DecisionRetention(decisions, PostgresOldLabels(pool))
    works = [_Work(retaining.KIND, retention.run, retaining.LIMITS), *submitted]
    handlers, limits = {each.kind: each.run for each in works}, {each.kind: each.limits for each in works}
    worker = Worker(tasks, handlers, limits=limits, schedules=[retaining.SCHEDULE])
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
