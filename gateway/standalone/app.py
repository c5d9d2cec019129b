"""Composes the stand-alone gateway: one service of anyone, and nothing of a product."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from gateway.assembly import GatewayParts, describe, make_app, make_guard, make_router, start_background
from gateway.calls.mesh import MeshUpstream
from gateway.calls.mesh_streams import MeshStreams
from gateway.compile.plan import Plan, PlanError, load_plan
from gateway.describe.catalogue import read_reasons
from gateway.edge.body import BodyReader
from gateway.edge.headers.cors import Cors
from gateway.edge.headers.security import SecurityHeaders
from gateway.edge.metrics import Telemetry, access_log
from gateway.edge.pipeline import Pipeline
from gateway.edge.streams.registry import OpenStreams
from gateway.server.serve import HttpServer
from gateway.standalone.access import DefaultPolicy, StandaloneGuard
from gateway.standalone.options import StandaloneOptions
from meshkit.descriptors import read_descriptors
from meshkit.errors import Kind, MeshError, unavailable
from meshkit.host import Host
from meshkit.identity.tokens import KeySource, TokenVerifier
from meshkit.rpc.channel import upstream_channel
from meshkit.rpc.keys import kept_fresh
from meshkit.settings import SettingsError

__all__ = ["compose", "serve"]

MAX_STREAMS = 1_000


async def serve(host: Host, options: StandaloneOptions) -> None:
    """Prints the routes, or serves them until SIGTERM. Raises SettingsError with what cannot be served."""
    if options.routes:
        print(_table(_plan(options, DefaultPolicy(opens=True, deadline=options.deadline))))
        return
    open_streams = OpenStreams(MAX_STREAMS)
    telemetry = Telemetry(access_log())
    app, refused = await compose(host, options, open_streams, telemetry)
    print(f"Serving http://{options.listen}; what there is: http://{options.listen}/docs", flush=True)
    if refused:
        print(f"{refused} methods have no policy and are refused; --default-policy open serves them", flush=True)
    await host.serve(
        HttpServer(
            app,
            options.listen,
            drain_seconds=options.drain,
            max_message=options.max_body,
            limits=options.limits,
            drain=open_streams.drain,
        ),
        admin=options.admin,
        metrics=telemetry.scrape,
    )


async def compose(
    host: Host, options: StandaloneOptions, open_streams: OpenStreams, telemetry: Telemetry
) -> tuple[Pipeline, int]:
    """Puts the gateway together. Its connection and background work are the host's.

    The number is that of the methods with a route that are refused because they have no policy.
    """
    default = DefaultPolicy(opens=options.default_policy == "open", deadline=options.deadline)
    plan = _plan(options, default)
    _check_tokens(plan, options, default)
    policies = {name: method.policy for name, method in plan.methods.items()}
    verifier = TokenVerifier(_keys(options.jwks), options.trusted)
    if options.jwks is not None:
        await host.open(kept_fresh(verifier))
    channel, stream_channel = [
        await host.open(upstream_channel(options.upstream, _credentials(options), policies, streams=streams))
        for streams in (False, True)
    ]
    host.check("upstream", lambda: _connected(channel))
    parts = GatewayParts(
        router=make_router(plan),
        upstream=MeshUpstream(defaultdict(lambda: channel), policies, foreign=True),
        verifier=verifier,
        guard=StandaloneGuard(make_guard(verifier, telemetry), default),
        readiness=host.readiness,
        telemetry=telemetry,
        bodies=BodyReader(max_bytes=options.max_body),
        stream_upstream=MeshStreams(defaultdict(lambda: stream_channel), foreign=True),
        open_streams=open_streams,
        security=SecurityHeaders(Cors(options.cors_origins)),
        system_parameters=options.google_parameters,
        public_url=options.public_url,
        public_metrics=options.public_metrics,
    )
    app = make_app(parts, describe(plan, read_reasons(read_descriptors()), options.public_url))
    start_background(host, parts)
    routed = {binding.method.full_name for binding in plan.bindings}
    return app, 0 if default.opens else sum(path in default for path in routed)


def _plan(options: StandaloneOptions, default: DefaultPolicy) -> Plan:
    try:
        plan = load_plan(options.descriptors, default, json_names=options.names == "json")
    except DecodeError:
        raise SettingsError(f"{options.descriptors} is not a serialised FileDescriptorSet") from None
    except PlanError as error:
        raise SettingsError(f"{options.descriptors}: {error}") from error
    if not plan.bindings:
        raise SettingsError(f"{options.descriptors} holds no method with google.api.http")
    return plan


def _check_tokens(plan: Plan, options: StandaloneOptions, default: DefaultPolicy) -> None:
    """Refuses at start what would refuse every call."""
    for binding in plan.bindings:
        policy = binding.method.policy
        if options.jwks is None and not policy.public and policy.path not in default:
            raise SettingsError(f"{binding} asks for access tokens: give their keys with --jwks")


def _keys(path: Path | None) -> KeySource:
    async def read() -> list[Any]:
        if path is None:
            raise unavailable("jwks")
        try:
            found: Any = json.loads(path.read_bytes())
            return list(found["keys"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise MeshError(Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", f"{path} is not a usable JWKS") from error

    return read


def _credentials(options: StandaloneOptions) -> grpc.ChannelCredentials | None:
    if options.plaintext:
        return None
    files = [path.read_bytes() if path is not None else None for path in (options.ca, options.key, options.certificate)]
    return grpc.ssl_channel_credentials(*files)


async def _connected(channel: grpc.aio.Channel) -> None:
    async with asyncio.timeout(1.0):
        await channel.channel_ready()


def _table(plan: Plan) -> str:
    rows = [(each.http_method, each.template.text, each.method.full_name[1:]) for each in plan.bindings]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{verb:{widths[0]}}  {path:{widths[1]}}  {method}" for verb, path, method in rows)
