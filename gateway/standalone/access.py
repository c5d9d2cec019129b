"""Decides who may call methods without a policy: nobody, or anyone."""

from __future__ import annotations

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from gateway.edge.exchange import Exchange, Scope
from gateway.edge.guard import TokenGuard
from meshkit.errors import Kind, MeshError
from meshkit.identity.policy import Policy

__all__ = ["DefaultPolicy", "StandaloneGuard"]

STREAM_SECONDS = 3600.0


class DefaultPolicy:
    """Makes the policies of methods that have none, and knows them again."""

    def __init__(self, *, opens: bool, deadline: float) -> None:
        self.opens = opens
        self._deadline = deadline
        self._paths: set[str] = set()

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def __call__(self, method: MethodDescriptor) -> Policy:
        path = f"/{method.containing_service.full_name}/{method.name}"
        self._paths.add(path)
        streams = method.client_streaming or method.server_streaming
        return Policy(
            path=path,
            public=self.opens,
            scopes=frozenset(),
            elevated_scope="",
            callers=(),
            rate_class="unlimited",
            cost=1,
            deadline=STREAM_SECONDS if streams else self._deadline,
            reads=method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS,
            retryable=False,
            collapsible=False,
            cache=0.0,
            cache_topic="",
            idempotency_key=False,
            coalesce=None,
        )


class StandaloneGuard:
    """Opens or refuses the methods without a policy; the rest go by theirs."""

    def __init__(self, guard: TokenGuard, default: DefaultPolicy) -> None:
        self._guard = guard
        self._default = default

    async def admit(self, exchange: Exchange, policy: Policy, scope: Scope) -> str:
        """Returns the token that goes to the service. Raises MeshError."""
        if policy.path not in self._default:
            return await self._guard.admit(exchange, policy, scope)
        if not self._default.opens:
            raise MeshError(
                Kind.PERMISSION_DENIED,
                "POLICY_MISSING",
                "the method has no policy, so nobody may call it",
                metadata={"method": policy.path[1:].replace("/", ".")},
            )
        scheme, _, token = exchange.headers.get(b"authorization", b"").partition(b" ")
        return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""
