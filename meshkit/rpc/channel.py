"""Opens client channels: mTLS, keepalive, fast reconnects, retries by policy, deadlines, call context."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import grpc

from meshkit.context import CallContext, current
from meshkit.identity.own import Material, MeshIdentity
from meshkit.identity.policy import Policy
from meshkit.identity.tls import channel_credentials
from meshkit.rpc.renewal import RenewedChannel
from meshkit.settings import TlsFiles
from meshkit.tracing import setup, w3c

if TYPE_CHECKING:
    from meshkit.tracing.span import Span

__all__ = ["call_metadata", "call_timeout", "open_channel", "upstream_channel"]

# The server must accept pings this often (see meshkit.rpc.server), else it cuts the connection for too many of them.
KEEPALIVE_MS = 30_000

_KEEPALIVE: list[tuple[str, Any]] = [
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]
# A server that nobody has told otherwise takes pings more often than this for an attack, and hangs up.
_FOREIGN_KEEPALIVE: list[tuple[str, Any]] = [("grpc.keepalive_time_ms", 300_000), ("grpc.keepalive_timeout_ms", 20_000)]

_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", 8 << 20),
    ("grpc.enable_retries", 1),
]

_STREAM_OPTIONS: list[tuple[str, Any]] = [
    # Streams must not take the places of other calls: a connection carries a thousand at once.
    ("grpc.use_local_subchannel_pool", 1),
    # Without this the window of each stream grows to some 10 MB, which a slow reader at the other end lets fill up.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 256 << 10),
]


def open_channel(
    address: str,
    tls: MeshIdentity | TlsFiles,
    policies: Mapping[str, Policy],
    *,
    service: str = "",
    streams: bool = False,
    rare: bool = False,
) -> grpc.aio.Channel:
    """Opens a channel to a service. Call it inside the running loop, once per process and service.

    `address` is host:port, or those of several replicas with commas between, among which calls go around. `tls` is the
    identity of the process, with which the channel renews itself, or files that are read now, for a tool that soon
    ends. `policies` are those of the service's methods; they decide which calls are retried. `service` is the name that
    must be in the server's certificate, such as "fraud"; without it the name is the address's. On a channel for `rare`
    calls OpenTelemetry's interceptors make the spans; otherwise whoever calls makes them (see `meshkit.rpc.unary`).
    """

    def make(material: Material) -> grpc.aio.Channel:
        return _open(address, channel_credentials(material), policies, _KEEPALIVE, streams, rare, service)

    return RenewedChannel(tls, make) if isinstance(tls, MeshIdentity) else make(Material.read(tls))


def upstream_channel(
    address: str,
    credentials: grpc.ChannelCredentials | None,
    policies: Mapping[str, Policy],
    *,
    streams: bool = False,
) -> grpc.aio.Channel:
    """Opens a channel to a service that need not be of the mesh. Without credentials it is plaintext.

    A channel for `streams` has a connection of its own, and little of each stream waits in it.
    """
    return _open(address, credentials, policies, _FOREIGN_KEEPALIVE, streams)


def _open(
    address: str,
    credentials: grpc.ChannelCredentials | None,
    policies: Mapping[str, Policy],
    keepalive: list[tuple[str, Any]],
    streams: bool,
    rare: bool = False,
    service: str = "",
) -> grpc.aio.Channel:
    more = _STREAM_OPTIONS if streams else []
    target, named = _target(address, service)
    config = ("grpc.service_config", json.dumps(_service_config(policies.values())))
    options = [*_OPTIONS, *keepalive, *more, *named, config]
    interceptors = _instrumentation() if rare and setup.recorder() is not None else None
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)
    return grpc.aio.secure_channel(target, credentials, options=options, interceptors=interceptors)


def _target(address: str, service: str) -> tuple[str, list[tuple[str, Any]]]:
    """Returns the target in gRPC's naming, and options that say which name its certificate must have."""
    first, *others = address.split(",")
    target = f"ipv4:{address}" if others else address
    if service:
        return target, [("grpc.ssl_target_name_override", service)]
    # The name in certificates would be looked for as the whole list.
    return target, [("grpc.default_authority", first.rpartition(":")[0])] if others else []


def _instrumentation() -> list[grpc.aio.ClientInterceptor]:
    # Where nothing is traced it is not even imported.
    from meshkit.rpc.instrumentation import interceptors

    return interceptors()


def call_timeout(policy: Policy, call: CallContext | None = None) -> float:
    """Returns the seconds that an outgoing call may take: the policy's deadline or what is left of the caller's."""
    remaining = (call or current()).remaining
    return policy.deadline if remaining is None else min(policy.deadline, remaining)


def call_metadata(call: CallContext | None = None, span: Span | None = None) -> tuple[tuple[str, str], ...]:
    """Returns the metadata that carries caller, request id and trace to the next hop, which is under `span`.

    A call for nobody, such as a poll of a background task, is in a trace of its own that nobody need record.
    """
    context = call or current()
    traceparent = span.traceparent if span is not None else context.traceparent or w3c.unsampled(w3c.started())
    pairs = [("x-request-id", context.request_id), ("traceparent", traceparent)]
    if context.tracestate:
        pairs.append(("tracestate", context.tracestate))
    if context.token:
        pairs.append(("authorization", f"Bearer {context.token}"))
    return tuple(pair for pair in pairs if pair[1])


def _service_config(policies: Iterable[Policy]) -> dict[str, Any]:
    # `timeout` in a method config is broken in grpcio (grpc#34547), so deadlines are set on each call instead.
    names = [
        dict(zip(("service", "method"), policy.path[1:].split("/"), strict=True))
        for policy in policies
        if policy.retryable
    ]
    config: dict[str, Any] = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
    }
    if names:
        retry = {
            "maxAttempts": 3,
            "initialBackoff": "0.05s",
            "maxBackoff": "0.5s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        config["methodConfig"] = [{"name": names, "retryPolicy": retry}]
    return config
