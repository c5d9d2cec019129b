"""The composition root of the task service: the only place that knows its adapters."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rampart.task.v1 import task_service_pb2, task_service_pb2_grpc

from meshkit.continuations import Continuations
from meshkit.host import Host
from meshkit.identity.policy import policies
from meshkit.identity.tokens import TokenVerifier
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc import keys
from meshkit.rpc.auditing import remote_audit
from meshkit.rpc.coalesce import Coalescer
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.storage.notifications import Notifications
from meshkit.storage.reads import Reads, read_pool
from meshkit.tenants.serving import TENANT_DATA_SERVICE, serve_tenant_data
from services.task.adapters.postgres_engine import PostgresEngine
from services.task.adapters.postgres_schedules import PostgresSchedules
from services.task.adapters.postgres_tasks import PostgresTasks
from services.task.adapters.rows import NEWS
from services.task.ports import Schedules, TaskStore
from services.task.service.cron import next_run
from services.task.service.schedules import ScheduleService
from services.task.service.signals import Signals
from services.task.service.tasks import TaskService
from services.task.service.watching import TaskWatches
from services.task.service.work import WorkService
from services.task.servicer import TaskServicer, creating
from services.task.servicer.schedules import ScheduleCalls
from services.task.servicer.submitted import SubmittedCalls
from services.task.servicer.tasks import TaskCalls
from services.task.servicer.work import WorkCalls
from services.task.settings import TaskSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parent / "migrations"
TASK_SERVICE = task_service_pb2.DESCRIPTOR.services_by_name["TaskService"]
SERVED = [TASK_SERVICE, TENANT_DATA_SERVICE]
BATCH_METHOD = "/rampart.task.v1.TaskService/CoalesceCreateTask"
BATCH_ITEMS = 256
BATCH_BYTES = 4 << 20
BATCHES_IN_FLIGHT = 3
POOL_SIZE = 8
EXPIRE_SECONDS = 0.5
FIRE_SECONDS = 0.5


async def migrate(_: Host, reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(reader, "task", MIGRATIONS, engine="RAMPART_TASK_ENGINE_DSN")


async def serve(host: Host, reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = TaskSettings.read(reader)
    pool = await host.open(postgres.pool(settings.dsn, size=POOL_SIZE), name="postgres", check=postgres.check)
    engine_pool = await host.open(postgres.pool(settings.engine_dsn, size=POOL_SIZE))
    identity = host.identity(settings.mesh)
    verifier = await host.open(
        keys.remote_verifier(settings.mesh, identity, settings.auth_address), name="auth", check=keys.check
    )
    signals = Signals()
    # What is created, leased and completed waits for no list.
    reads = await host.open(read_pool(settings.dsn, settings.reads), name="postgres of reads")
    store = PostgresTasks(pool, settings.rules, Reads(reads, settings.reads))
    engine = PostgresEngine(engine_pool, settings.rules, retention_days=settings.retention_days)
    schedules = PostgresSchedules(pool, engine_pool, settings.rules, next_run)
    listener = Notifications(settings.engine_dsn, NEWS, tell=signals.tell, tell_all=signals.tell_all)
    host.background("listener", listener.run)
    # What needs doing is found in the store, so that replicas need no leader.
    host.background("lease expiry", Periodic("lease expiry", engine.expire, interval=EXPIRE_SECONDS).run)
    host.background("schedules", Periodic("schedules", schedules.fire, interval=FIRE_SECONDS).run)
    host.background("retention", Periodic("retention", engine.prune).run)
    work = WorkCalls(WorkService(engine, schedules, signals))
    servicer = _servicer(settings, store, schedules, signals, verifier, work)
    audit = await host.open(remote_audit(identity, settings.auth_address), name="audit log")
    server = MeshServer(
        settings.mesh,
        identity,
        listen=settings.listen,
        services=SERVED,
        verifier=verifier,
        draining=signals.close,
        audit=audit,
    )
    server.add(task_service_pb2_grpc.add_TaskServiceServicer_to_server, servicer)
    await serve_tenant_data(host, reader, server, "task", verifier.revocations)
    await host.serve(server, admin=settings.mesh.admin_listen)


def _servicer(
    settings: TaskSettings,
    store: TaskStore,
    schedules: Schedules,
    signals: Signals,
    verifier: TokenVerifier,
    work: WorkCalls,
) -> TaskServicer:
    service = TaskService(store)
    create = creating(service)
    continuations = Continuations(settings.continuation_keys)
    in_flight = BATCHES_IN_FLIGHT if settings.coalesce else POOL_SIZE
    tasks = TaskCalls(
        service,
        TaskWatches(store, signals),
        continuations=continuations,
        creates=Coalescer(
            "create task",
            create,
            max_items=BATCH_ITEMS if settings.coalesce else 1,
            max_bytes=BATCH_BYTES,
            max_in_flight=in_flight,
        ),
        create=create,
        slots=asyncio.Semaphore(in_flight),
        verifier=verifier,
        batch_policy=policies([TASK_SERVICE])[BATCH_METHOD],
    )
    scheduled = ScheduleCalls(ScheduleService(schedules), service, Pages(continuations))
    return TaskServicer(tasks, scheduled, work, SubmittedCalls(service))
