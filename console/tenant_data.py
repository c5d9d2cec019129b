"""What all services keep of a tenant: written into files, and erased."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, Any

from rampart.mesh.v1 import tenant_data_service_pb2 as pb
from rampart.mesh.v1 import tenant_data_service_pb2_grpc

from console.directory import find_service, refusals
from console.failure import CommandFailure
from meshkit.rpc.channel import open_channel
from meshkit.topology import load

__all__ = ["TenantData"]

EXPORT_SECONDS = 3600.0
ERASE_SECONDS = 10.0
PAUSE_SECONDS = 2.0
"""Between rounds: what was under way in one service may still have arrived in another."""
HEARD_SECONDS = 10.0
"""Within which every service hears that the tenant may be erased."""
MOST_ROUNDS = 30
LAST = "auth"
"""Erased when nothing is left elsewhere: until then the tenant is there, and who was interrupted can begin again."""


class TenantData:
    """The data of one tenant in all services, through the operator's certificate."""

    def __init__(self, stubs: dict[str, Any], tenant_id: str) -> None:
        self._stubs = stubs
        self._tenant_id = tenant_id

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, home: Path, tenant_id: str) -> AsyncIterator[TenantData]:
        """Connects to every service of the table. Raises CommandFailure."""
        async with contextlib.AsyncExitStack() as opened:
            stubs = {}
            for name in load().names:
                channel = await opened.enter_async_context(open_channel(*find_service(name, home), {}, service=name))
                stubs[name] = tenant_data_service_pb2_grpc.TenantDataServiceStub(channel)
            yield cls(stubs, tenant_id)

    async def export(self, folder: Path) -> Counter[str]:
        """Writes a file of JSON lines for each table, and `tables.json`; returns the rows by services.

        The folder is made, for nobody else to read. Raises CommandFailure if it is there already.
        """
        rows, tables = Counter[str](), {}
        _make(folder)
        for name, stub in self._stubs.items():
            _make(folder / name)
            tables[name], rows[name] = await self._export(name, stub, folder / name)
        with _private(folder / "tables.json") as file:
            file.write(json.dumps(tables, indent=2).encode() + b"\n")
        return rows

    async def _export(self, name: str, stub: Any, folder: Path) -> tuple[dict[str, dict[str, str]], int]:
        columns: dict[str, dict[str, str]] = {}
        count = 0
        with contextlib.ExitStack() as opened:
            file: IO[bytes] | None = None
            async with refusals(name):
                request = pb.ExportTenantRequest(tenant_id=self._tenant_id)
                async for part in stub.ExportTenant(request, timeout=EXPORT_SECONDS):
                    if part.HasField("table"):
                        columns[part.table.name] = {column.name: column.type for column in part.table.columns}
                        opened.close()
                        file = opened.enter_context(_private(folder / f"{part.table.name}.jsonl"))
                    elif file is not None:
                        file.write(part.rows.lines)
                        count += part.rows.count
        return columns, count

    async def erase(self, told: Callable[[str, int], None]) -> Counter[str]:
        """Deletes everything, and returns the rows by services; `told` hears of those that had some.

        Raises CommandFailure. Whoever is interrupted calls it again.
        """
        rows = Counter[str]()
        for number in range(MOST_ROUNDS):
            gone = sum([await self._erase(name, rows, told) for name in self._stubs if name != LAST])
            # Twice there was nothing, with a pause between.
            if not gone and number:
                await self._erase(LAST, rows, told)
                return rows
            await asyncio.sleep(PAUSE_SECONDS)
        raise CommandFailure("Rows of the tenant go on to appear: end its tasks, then erase it again.")

    async def _erase(self, name: str, rows: Counter[str], told: Callable[[str, int], None]) -> int:
        before, request = rows[name], pb.EraseTenantRequest(tenant_id=self._tenant_id)
        more = True
        while more:
            answer = await self._erase_some(name, request)
            rows[name] += (deleted := sum(table.count for table in answer.tables))
            more = answer.more
            if deleted:
                told(name, rows[name])
        return rows[name] - before

    async def _erase_some(self, name: str, request: pb.EraseTenantRequest) -> pb.EraseTenantResponse:
        """Waits for a service that has not heard yet that the tenant may be erased. Raises CommandFailure."""
        until = time.monotonic() + HEARD_SECONDS
        while True:
            try:
                async with refusals(name):
                    answer: pb.EraseTenantResponse = await self._stubs[name].EraseTenant(request, timeout=ERASE_SECONDS)
                return answer
            except CommandFailure as refused:
                if refused.reason != "STATE_NOT_ALLOWED" or time.monotonic() >= until:
                    raise
            await asyncio.sleep(PAUSE_SECONDS / 4)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise CommandFailure(f"Cannot make the folder {folder}: {error.strerror}.") from error


@contextlib.contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
