"""`rampart ledger`: tells whether the ledger follows the decisions, and builds it anew when it has lost its place."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from console.home import add_home

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from rampart.data.v1 import data_service_pb2

POLL_SECONDS = 1.0
CALL_SECONDS = 5.0
LOST = 3
"""Exit status of a ledger that waits for a rebuild."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `ledger` command."""
    parser = subparsers.add_parser("ledger", help="look after the ledger")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    state = actions.add_parser("state", help=f"say whether the ledger follows the decisions; exit status {LOST} if not")
    state.set_defaults(run=lambda arguments: asyncio.run(_state(arguments)))
    rebuild = actions.add_parser(
        "rebuild", help="enter every stored decision that the ledger lacks, while new ones arrive; takes nothing away"
    )
    rebuild.set_defaults(run=lambda arguments: asyncio.run(_rebuild(arguments)))
    for action in (state, rebuild):
        add_home(action)


async def _state(arguments: argparse.Namespace) -> int:
    from rampart.data.v1 import data_service_pb2

    async with _data(arguments) as data:
        state = (await _call(data.GetLedgerState, data_service_pb2.GetLedgerStateRequest())).state
    print(_words(state))
    return LOST if state.lost else 0


async def _rebuild(arguments: argparse.Namespace) -> int:
    """Asks for a rebuild and follows it to its end. Whoever stops watching does not stop the rebuild."""
    from rampart.data.v1 import data_service_pb2

    async with _data(arguments) as data:
        state = (await _call(data.RebuildLedger, data_service_pb2.RebuildLedgerRequest())).state
        while state.rebuilding:
            print(_words(state), flush=True)
            await asyncio.sleep(POLL_SECONDS)
            state = (await _call(data.GetLedgerState, data_service_pb2.GetLedgerStateRequest())).state
    print(_words(state))
    return LOST if state.lost else 0


@asynccontextmanager
async def _data(arguments: argparse.Namespace) -> AsyncIterator[Any]:
    from rampart.data.v1 import data_service_pb2, data_service_pb2_grpc

    from console.directory import find_service  # gRPC takes long to load
    from meshkit.identity.policy import policies
    from meshkit.rpc.channel import open_channel

    address, tls = find_service("data", arguments.home)
    methods = policies([data_service_pb2.DESCRIPTOR.services_by_name["DataService"]])
    channel = open_channel(address, tls, methods, service="data")
    try:
        stub: Any = data_service_pb2_grpc.DataServiceStub(channel)
        yield stub
    finally:
        await channel.close(None)


async def _call(method: Any, request: Any) -> Any:
    from console.directory import refusals

    async with refusals("data"):
        return await method(request, timeout=CALL_SECONDS)


def _words(state: data_service_pb2.LedgerState) -> str:
    if state.rebuilding:
        return f"rebuilding: {state.decisions} decisions were read"
    if state.lost:
        return f"stopped: {state.lost}; `rampart ledger rebuild` mends it"
    return "following the decisions"
