"""Calls to running services, as any identity of the mesh."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import pytest
from google.protobuf.message import Message
from rampart.auth.v1 import auth_service_pb2 as auth_pb
from rampart.auth.v1 import client_pb2, client_service_pb2

from meshkit.errors import MeshError
from meshkit.rpc.channel import open_channel
from meshkit.rpc.failures import from_rpc_error
from meshkit.rpc.keys import AUTH_SERVICE
from meshkit.settings import TlsFiles
from tests.support.certificates import Certificates
from tests.support.processes import Node

__all__ = [
    "CLIENT_SERVICE",
    "Caller",
    "Credentials",
    "calling",
    "credentials",
    "failure",
    "new_client",
    "speaks",
    "unary",
]

Answer = TypeVar("Answer", bound=Message)


class Caller:
    """One identity's channel to one service."""

    def __init__(self, channel: grpc.aio.Channel, service: str) -> None:
        self._channel = channel
        self._service = service

    async def __call__(self, request: Message, answer: type[Answer], *, token: str = "", timeout: float = 5) -> Answer:
        """Calls the method that the request is named after."""
        method = request.DESCRIPTOR.name.removesuffix("Request")
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        reply: Answer = await unary(self._channel, f"/{self._service}/{method}", answer)(
            request, timeout=timeout, metadata=metadata
        )
        return reply

    def stream(self, request: Message, answer: type[Answer], *, token: str = "", timeout: float = 60) -> Any:
        """Calls the method that the request is named after; the call yields its answers."""
        method = request.DESCRIPTOR.name.removesuffix("Request")
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        begin: Any = self._channel.unary_stream(
            f"/{self._service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        return begin(request, timeout=timeout, metadata=metadata)


def unary(channel: grpc.aio.Channel, path: str, answer: type[Message]) -> Any:
    return channel.unary_unary(
        path, request_serializer=lambda request: request.SerializeToString(), response_deserializer=answer.FromString
    )


@asynccontextmanager
async def calling(address: str, service: str, tls: TlsFiles) -> AsyncIterator[Caller]:
    """Opens a channel to a service as the identity that the files hold."""
    channel = open_channel(address, tls, {})
    try:
        yield Caller(channel, service)
    finally:
        await channel.close()


async def failure(call: Awaitable[Any]) -> MeshError:
    """Returns the error that a call must fail with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value, "peer")


async def speaks(address: str, files: TlsFiles, version: ssl.TLSVersion) -> bool:
    """Tells whether a server accepts a version of TLS from a peer with a good certificate and every cipher."""
    context = ssl.create_default_context(cafile=str(files.ca))
    context.load_cert_chain(files.certificate, files.key)
    context.set_ciphers("ALL")
    context.set_alpn_protocols(["h2"])
    context.minimum_version = context.maximum_version = version
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(10):
            _, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname="localhost")
    except (ssl.SSLError, ConnectionError):
        return False
    spoken = writer.get_extra_info("ssl_object").version()
    writer.transport.abort()
    assert spoken == version.name.replace("TLSv1_", "TLSv1.")
    return True


@dataclass(frozen=True)
class Credentials:
    """A client and a token of its."""

    tenant: str
    tenant_id: str
    client_id: str
    client_secret: str
    token: str


CLIENT_SERVICE = client_service_pb2.DESCRIPTOR.services_by_name["ClientService"]


async def new_client(auth: Node, certificates: Certificates, tenant: str, **options: Any) -> Credentials:
    """Creates a client, and its tenant if that is new, as the operator does; gets a token as the gateway does."""
    operator_files = certificates.identity("operator")
    async with calling(auth.address, AUTH_SERVICE.full_name, operator_files) as operator:
        made = (await operator(auth_pb.CreateTenantRequest(name=tenant), auth_pb.CreateTenantResponse)).tenant
        issued = await operator(auth_pb.IssueOperatorTokenRequest(tenant=tenant), auth_pb.IssueOperatorTokenResponse)
    request = client_service_pb2.CreateClientRequest(client=client_pb2.Client(**options))
    async with calling(auth.address, CLIENT_SERVICE.full_name, operator_files) as operator:
        client = await operator(request, client_service_pb2.CreateClientResponse, token=issued.access_token)
    return await credentials(auth, certificates, made, client.client.client_id, client.client_secret)


async def credentials(
    auth: Node, certificates: Certificates, tenant: auth_pb.Tenant, client_id: str, secret: str
) -> Credentials:
    """Gets a token for a client."""
    request = auth_pb.IssueTokenRequest(client_id=client_id, client_secret=secret)
    async with calling(auth.address, AUTH_SERVICE.full_name, certificates.identity("service/gateway")) as gateway:
        issued = await gateway(request, auth_pb.IssueTokenResponse)
    return Credentials(tenant.name, tenant.tenant_id, client_id, secret, issued.access_token)
