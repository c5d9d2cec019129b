"""Fetches the issuer's verification keys (JWKS) over the mesh and keeps them fresh, and revocations beside them.

The one place where meshkit names a service: every process that verifies tokens needs the same call, and the key set is
a standard document (RFC 7517) rather than a business matter.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from typing import Any

import grpc
from rampart.auth.v1 import auth_service_pb2

from meshkit.context import current
from meshkit.errors import unavailable
from meshkit.identity.claims import TrustedIssuer
from meshkit.identity.own import MeshIdentity
from meshkit.identity.policy import policies
from meshkit.identity.revocations import Revocations
from meshkit.identity.tokens import REFRESH_SECONDS, KeySource, TokenVerifier
from meshkit.rpc.channel import call_metadata, open_channel
from meshkit.rpc.failures import from_rpc_error
from meshkit.rpc.revocations import RevocationPoll
from meshkit.settings import MeshSettings, TlsFiles

__all__ = ["AUTH_SERVICE", "KEPT_SECONDS", "check", "kept_fresh", "open_auth_channel", "remote_keys", "remote_verifier"]

AUTH_SERVICE = auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"]

_PATH = "/rampart.auth.v1.AuthService/GetJwks"
_TIMEOUT = 2.0
_RETRY_SECONDS = 1.0
_CHECK_SECONDS = 15.0

KEPT_SECONDS = max(REFRESH_SECONDS + _CHECK_SECONDS, policies([AUTH_SERVICE])[_PATH].max_age)
"""For how long somebody may go by a set of keys that is no longer the newest: a process of the mesh, or a cache."""


def open_auth_channel(address: str, tls: MeshIdentity | TlsFiles) -> grpc.aio.Channel:
    """Opens the channel to the auth service."""
    return open_channel(address, tls, policies([AUTH_SERVICE]), service="auth", rare=True)


def remote_keys(channel: grpc.aio.Channel) -> KeySource:
    """Returns the source of keys for a `TokenVerifier`. It raises MeshError if the issuer cannot be reached."""
    call: Any = channel.unary_unary(
        _PATH,
        request_serializer=auth_service_pb2.GetJwksRequest.SerializeToString,
        response_deserializer=auth_service_pb2.GetJwksResponse.FromString,
    )

    async def fetch() -> list[dict[str, str]]:
        # The keys are public, so the caller's token stays here.
        metadata = call_metadata(replace(current(), token=""))
        try:
            answer = await call(auth_service_pb2.GetJwksRequest(), timeout=_TIMEOUT, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "auth") from error
        return [{field.name: value for field, value in key.ListFields()} for key in answer.keys]

    return fetch


@contextlib.asynccontextmanager
async def remote_verifier(settings: MeshSettings, identity: MeshIdentity, address: str) -> AsyncIterator[TokenVerifier]:
    """Verifies the tokens of the issuer, with keys and revocations fetched from auth while the block runs."""
    async with open_auth_channel(address, identity) as channel:
        trusted, revocations = TrustedIssuer.own(settings.issuer, settings.audience), Revocations(awaited=True)
        verifier = TokenVerifier(remote_keys(channel), trusted, revocations=revocations)
        poll = RevocationPoll(channel, revocations)
        async with kept_fresh(verifier), _running(poll.follow()):
            yield verifier


def kept_fresh(verifier: TokenVerifier) -> contextlib.AbstractAsyncContextManager[None]:
    """Fetches the keys now and whenever they are a minute old, while the block runs."""
    return _running(_refresh(verifier))


@contextlib.asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _refresh(verifier: TokenVerifier) -> None:
    while True:
        await verifier.refresh()
        await asyncio.sleep(_CHECK_SECONDS if verifier.ready else _RETRY_SECONDS)


async def check(verifier: TokenVerifier) -> None:
    """Raises while tokens cannot be verified."""
    if not verifier.ready:
        raise unavailable("auth")
