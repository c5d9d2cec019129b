"""Learns over the mesh which access tokens are refused although they have not expired, about once a second."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Any

import grpc
from prometheus_client import Gauge
from rampart.auth.v1 import auth_service_pb2

from meshkit.context import CallContext
from meshkit.errors import MeshError
from meshkit.identity.revocations import Revocations, RevokedBy, RevokedTokens
from meshkit.rpc.channel import call_metadata
from meshkit.rpc.failures import from_rpc_error

__all__ = ["INTERVAL_SECONDS", "RevocationPoll"]

_log = logging.getLogger(__name__)
_age = Gauge("revocations_age_seconds", "Time since this process has last heard which access tokens are revoked.")

_PATH = "/rampart.auth.v1.AuthService/ListRevocations"
_TIMEOUT = 2.0
INTERVAL_SECONDS = 1.0
ANEW_SECONDS = 300.0
"""After so long all of them are read again, whatever became of the place: the issuer's database may be another."""

_KINDS = {auth_service_pb2.RevocationKind.Value(f"REVOCATION_KIND_{each.name}"): each for each in RevokedBy}
"""By their numbers in the proto; kinds of a later release are of no use to this one."""

_Name = tuple[str, RevokedBy, str]


class RevocationPoll:
    """Keeps `Revocations` as auth tells them. While it cannot be reached, what is known goes on to hold."""

    def __init__(
        self, channel: grpc.aio.Channel, revocations: Revocations, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._call: Any = channel.unary_unary(
            _PATH,
            request_serializer=auth_service_pb2.ListRevocationsRequest.SerializeToString,
            response_deserializer=auth_service_pb2.ListRevocationsResponse.FromString,
        )
        self._revocations = revocations
        self._clock = clock
        self._known: dict[_Name, RevokedTokens] = {}
        self._place = ""
        self._begun = float("-inf")
        self._heard = clock()
        _age.set_function(lambda: self._clock() - self._heard)

    async def follow(self) -> None:
        """Asks for ever."""
        while True:
            try:
                await self.refresh()
            except MeshError as error:
                _log.warning("revocations cannot be fetched: %s", error.message)
            # Replicas that start together do not ask together.
            await asyncio.sleep(INTERVAL_SECONDS * random.uniform(0.8, 1.2))

    async def refresh(self) -> None:
        """Asks for what was revoked since the last time. Raises UNAVAILABLE."""
        anew = self._clock() - self._begun >= ANEW_SECONDS
        begun = self._clock() if anew else self._begun
        place, told = await self._tell("" if anew else self._place)
        if (told and not told.items() <= self._known.items()) or (anew and told != self._known):
            self._known = told if anew else self._known | told
            self._revocations.replace(self._known.values())
        elif not self._revocations.ready:
            self._revocations.replace(())
        self._place, self._begun, self._heard = place, begun, self._clock()

    async def _tell(self, place: str) -> tuple[str, dict[_Name, RevokedTokens]]:
        told: dict[_Name, RevokedTokens] = {}
        while True:
            request = auth_service_pb2.ListRevocationsRequest(after=place)
            try:
                answer = await self._call(request, timeout=_TIMEOUT, metadata=call_metadata(CallContext()))
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error, "auth") from error
            read = [_from_proto(each) for each in answer.revocations if each.kind in _KINDS]
            told |= {(each.tenant_id, each.by, each.name): each for each in read}
            place = answer.next
            if not answer.more:
                return place, told


def _from_proto(message: auth_service_pb2.TokenRevocation) -> RevokedTokens:
    return RevokedTokens(
        message.tenant_id,
        _KINDS[message.kind],
        message.name,
        message.issued_before.ToNanoseconds() / 1e9 if message.HasField("issued_before") else None,
        message.until.ToNanoseconds() / 1e9 if message.HasField("until") else float("inf"),
    )
