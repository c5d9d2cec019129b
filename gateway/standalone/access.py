"""Decides who may call methods without a policy: nobody, or anyone."""

from __future__ import annotations

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from gateway.edge.exchange import Exchange
from gateway.edge.guard import Guard
from meshkit.errors import Kind, MeshError
from meshkit.identity.access import bearer_token
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
            max_age=0.0,
            idempotency_key=False,
            coalesce=None,
        )


class StandaloneGuard:
    """Opens or refuses the methods without a policy; the rest go by theirs."""

    def __init__(self, guard: Guard, default: DefaultPolicy) -> None:
        self._guard = guard
        self._default = default

    async def admit(self, exchange: Exchange, policy: Policy) -> None:
        """Sets the token that goes to the service. Raises MeshError."""
        if policy.path not in self._default:
            await self._guard.admit(exchange, policy)
            return
        if not self._default.opens:
            raise MeshError(
                Kind.PERMISSION_DENIED,
                "POLICY_MISSING",
                "the method has no policy, so nobody may call it",
                metadata={"method": policy.path[1:].replace("/", ".")},
            )
        exchange.call.token = bearer_token(exchange.headers.get(b"authorization", b"").decode("latin-1"))

    async def charge(self, exchange: Exchange, policy: Policy, units: int) -> None:
        """Raises MeshError."""
        if policy.path not in self._default:
            await self._guard.charge(exchange, policy, units)
