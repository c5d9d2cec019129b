"""The composition root of the cases service: the only place that knows its adapters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import grpc
from rampart.cases.v1 import alert_service_pb2, alert_service_pb2_grpc, case_service_pb2, case_service_pb2_grpc

from meshkit.continuations import Continuations
from meshkit.following.consumer import STREAM_WAIT, Consumer
from meshkit.following.decisions import FRAUD_EVENTS, FRAUD_POLICIES, RemoteDecisions, RemoteOutbox, StreamedBatches
from meshkit.host import Host
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc import keys
from meshkit.rpc.auditing import remote_audit
from meshkit.rpc.channel import open_channel
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.leader import Leader, Session
from meshkit.storage.named_requests import RequestRetention
from meshkit.storage.reads import Reads, read_pool
from meshkit.storage.redis import open_redis
from meshkit.tasks import RemoteTasks, Worker, task_policies
from meshkit.tenants.serving import TENANT_DATA_SERVICE, serve_tenant_data
from services.cases.adapters.fraud_labels import LABEL_POLICIES, FraudLabels
from services.cases.adapters.postgres_changes import PostgresCaseWriter
from services.cases.adapters.postgres_follower import PostgresCaseFollower
from services.cases.adapters.postgres_reads import PostgresCaseReads
from services.cases.adapters.postgres_retention import EndedCaseRetention
from services.cases.adapters.postgres_tenants import CaseOutboxRetention, PostgresTenantsWithCases
from services.cases.convert import event_of_fraud_from_proto
from services.cases.domain.events import EventOfFraud
from services.cases.ports import CaseFollowing
from services.cases.service.alerts import AlertDesk
from services.cases.service.cases import CaseDesk
from services.cases.service.closing import CaseClosing
from services.cases.service.jobs import JOB_KIND, JOBS_AT_ONCE, CaseJobs, CaseJobWork
from services.cases.service.keeping import CaseKeeper
from services.cases.service.raising import AlertRaising
from services.cases.service.recovering import PlaceRecovery
from services.cases.service.telling import CASES_WATCH
from services.cases.servicer import AlertServicer, CaseServicer
from services.cases.settings import CasesSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parent / "migrations"
ALERT_SERVICE = alert_service_pb2.DESCRIPTOR.services_by_name["AlertService"]
CASE_SERVICE = case_service_pb2.DESCRIPTOR.services_by_name["CaseService"]
SERVED = [ALERT_SERVICE, CASE_SERVICE, TENANT_DATA_SERVICE]


async def migrate(_: Host, reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(reader, "cases", MIGRATIONS)


async def serve(host: Host, reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = CasesSettings.read(reader)
    mesh, raising = settings.mesh, AlertRaising(_now)
    pool = await host.open(postgres.pool(settings.dsn), name="postgres", check=postgres.check)
    lent = await host.open(read_pool(settings.dsn, settings.reads), name="postgres of reads")
    # An idle stream is silent for as long as a read waits, so the client waits longer.
    stream = RedisStream(await host.open(open_redis(settings.redis_url, timeout=STREAM_WAIT + 1.0)), FRAUD_EVENTS)
    host.check("redis", stream.check)
    identity = host.identity(mesh)
    verifier = await host.open(
        keys.remote_verifier(mesh, identity, settings.auth_address), name="auth", check=keys.check
    )
    policies = {**FRAUD_POLICIES, **LABEL_POLICIES}
    fraud = await host.open(open_channel(settings.fraud_address, identity, policies, service="fraud", rare=True))
    tasks = await host.open(open_channel(settings.task_address, identity, task_policies(), service="task", rare=True))
    _follow(host, settings.dsn, raising, stream, fraud)
    writer = PostgresCaseWriter(pool)
    keeper = CaseKeeper(PostgresTenantsWithCases(pool), writer, raising, _now)
    host.background("keeper", Leader(settings.dsn, "cases", lambda _: keeper.keep()).run)
    host.background("request retention", Periodic("request retention", RequestRetention(pool).delete).run)
    host.background("outbox retention", Periodic("outbox retention", CaseOutboxRetention(pool).delete).run)
    ended = EndedCaseRetention(pool, settings.retention_days)
    host.background("case retention", Periodic("case retention", ended.delete).run)
    audit = await host.open(remote_audit(identity, settings.auth_address), name="audit log")
    server = MeshServer(mesh, identity, listen=settings.listen, services=SERVED, verifier=verifier, audit=audit)
    reads, pages = PostgresCaseReads(Reads(lent, settings.reads)), Pages(Continuations(settings.continuation_keys))
    closing, claiming = CaseClosing(writer, FraudLabels(fraud), raising, _now), PostgresCaseWriter(pool, follow=False)
    alerts = AlertDesk(reads, writer, closing, _now)
    server.add(alert_service_pb2_grpc.add_AlertServiceServicer_to_server, AlertServicer(alerts, pages))
    desk, jobs = CaseDesk(reads, _now), CaseJobs(reads, RemoteTasks(tasks, JOB_KIND), _now)
    work = CaseJobWork(reads, writer, alerts, desk, closing)
    host.background("tasks", Worker(tasks, {JOB_KIND: work.run}, limits={JOB_KIND: JOBS_AT_ONCE}).run)
    cases = CaseServicer(desk, closing, jobs, writer, claiming, pages)
    server.add(case_service_pb2_grpc.add_CaseServiceServicer_to_server, cases)
    await serve_tenant_data(host, reader, server, "cases", verifier.revocations)
    await host.serve(server, admin=mesh.admin_listen)


def _follow(host: Host, dsn: str, raising: AlertRaising, stream: RedisStream, fraud: grpc.aio.Channel) -> None:
    """Raises alerts from the decisions, in one of the replicas."""
    read = event_of_fraud_from_proto
    outbox = RemoteOutbox[EventOfFraud](fraud, "cases", read)
    recovery = PlaceRecovery(RemoteDecisions[EventOfFraud](fraud, read))
    batches = StreamedBatches[EventOfFraud](stream, read)
    consumer: Consumer[EventOfFraud, CaseFollowing] = Consumer(batches, outbox, recovery, CASES_WATCH)

    async def follow(session: Session) -> None:
        await consumer.follow(PostgresCaseFollower(session, raising.take))

    host.background("consumer", Leader(dsn, "alerts", follow).run)


def _now() -> datetime:
    return datetime.now(UTC)
