"""The article's stack for tasks, done competently: FastAPI, SQLAlchemy on asyncpg, lists cached in Redis.

TWIN_DB is a SQLAlchemy URL, TWIN_REDIS_PORT a port on loopback, TWIN_SECRET the key of the tokens.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from redis.asyncio import BlockingConnectionPool, Redis
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import defer

from tests.load.twin.cache import ListCache
from tests.load.twin.models import TaskRow
from tests.load.twin.schemas import ListedTask, NewTask, Task, TaskPage
from tests.load.twin.security import Caller, authenticate

CONNECTIONS = 16
"""To the database, of each worker."""
REDIS_CONNECTIONS = 64
WAIT_SECONDS = 60.0
"""For a connection, when everybody comes at once."""
PAGE_SIZE, LARGEST_PAGE = 50, 1000


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    engine = create_async_engine(
        os.environ["TWIN_DB"], pool_size=CONNECTIONS, max_overflow=0, pool_timeout=WAIT_SECONDS
    )
    pool = BlockingConnectionPool(
        host="127.0.0.1", port=int(os.environ["TWIN_REDIS_PORT"]), max_connections=REDIS_CONNECTIONS,
        timeout=WAIT_SECONDS,
    )  # fmt: skip
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    app.state.cache = ListCache(Redis(connection_pool=pool))
    yield
    await pool.disconnect()
    await engine.dispose()


async def session_maker(request: Request) -> async_sessionmaker[AsyncSession]:
    sessions: async_sessionmaker[AsyncSession] = request.app.state.sessions
    return sessions


async def list_cache(request: Request) -> ListCache:
    cache: ListCache = request.app.state.cache
    return cache


Sessions = Annotated[async_sessionmaker[AsyncSession], Depends(session_maker)]
Cache = Annotated[ListCache, Depends(list_cache)]
Authenticated = Annotated[Caller, Depends(authenticate)]

app = FastAPI(title="Tasks", lifespan=lifespan)


@app.post("/api/v1/tasks")
async def create_task(body: NewTask, caller: Authenticated, sessions: Sessions, cache: Cache) -> Task:
    """Stores a task; the lists of its tenant are read anew."""
    now = datetime.now(UTC)
    given = body.model_dump() | {"run_after": body.run_after or now}
    row = TaskRow(tenant=caller.tenant, state="pending", create_time=now, update_time=now, **given)
    async with sessions() as session:
        session.add(row)
        await session.commit()
    await cache.drop(caller.tenant)
    return Task.model_validate(row)


@app.get("/api/v1/tasks", response_model=TaskPage)
async def list_tasks(
    request: Request,
    caller: Authenticated,
    sessions: Sessions,
    cache: Cache,
    state: str | None = None,
    kind: str | None = None,
    priority: str | None = None,
    assignee: str | None = None,
    page_size: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE_SIZE,
    page_token: str = "",
) -> Response:
    """Answers a page, the newest first, as it was at most some seconds ago."""

    async def render() -> bytes:
        filters = {"state": state, "kind": kind, "priority": priority, "assignee": assignee}
        async with sessions() as session:
            page = await read_page(session, caller.tenant, filters, page_size, page_token)
        return page.model_dump_json().encode()

    answer = await cache.get(caller.tenant, request.url.query, render)
    return Response(answer, media_type="application/json")


async def read_page(
    session: AsyncSession, tenant: str, filters: dict[str, str | None], size: int, token: str
) -> TaskPage:
    query = select(TaskRow).where(TaskRow.tenant == tenant).filter_by(**{k: v for k, v in filters.items() if v})
    if token:
        query = query.where(tuple_(TaskRow.create_time, TaskRow.task_id) < tuple_(*read_token(token)))
    query = query.order_by(TaskRow.create_time.desc(), TaskRow.task_id.desc()).limit(size + 1)
    query = query.options(defer(TaskRow.arguments), defer(TaskRow.checkpoint), defer(TaskRow.result))
    rows = (await session.scalars(query)).all()
    more = make_token(rows[size - 1]) if len(rows) > size else ""
    return TaskPage(tasks=[ListedTask.model_validate(row) for row in rows[:size]], next_page_token=more)


def make_token(row: TaskRow) -> str:
    return base64.urlsafe_b64encode(f"{row.create_time.isoformat()} {row.task_id}".encode()).decode()


def read_token(token: str) -> tuple[datetime, UUID]:
    try:
        time, _, task_id = base64.urlsafe_b64decode(token).decode().partition(" ")
        return datetime.fromisoformat(time), UUID(task_id)
    except (ValueError, binascii.Error) as error:
        raise HTTPException(400, "page_token is not one of ours") from error


@app.get("/api/v1/tasks/{task_id}")
async def get_task(task_id: UUID, caller: Authenticated, sessions: Sessions) -> Task:
    async with sessions() as session:
        row = await session.get(TaskRow, task_id)
    if row is None or row.tenant != caller.tenant:
        raise HTTPException(404, "no such task")
    return Task.model_validate(row)
