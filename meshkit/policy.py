"""Method policies, read from the descriptors once at start. A method without one is refused: deny by default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions, MethodOptions
from rampart.mesh.v1 import policy_pb2

if TYPE_CHECKING:
    from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor

__all__ = ["Coalescing", "Policy", "PolicyError", "field_policy", "policies", "policy_of"]

# The generated type stub calls every extension a FieldDescriptor.
_POLICY = cast("_ExtensionFieldDescriptor[MethodOptions, policy_pb2.MethodPolicy]", policy_pb2.policy)
_FIELD = cast("_ExtensionFieldDescriptor[FieldOptions, policy_pb2.FieldPolicy]", policy_pb2.field)


class PolicyError(Exception):
    """A method lacks a policy, or its policy contradicts itself."""


@dataclass(frozen=True, slots=True)
class Coalescing:
    """Where concurrent calls of a method travel together, and how many at most."""

    method: str
    """Path of the batch method: "/package.Service/Method"."""
    max_items: int
    max_bytes: int
    max_in_flight: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What the mesh knows about one method."""

    path: str
    """"/package.Service/Method"."""
    public: bool
    scopes: frozenset[str]
    elevated_scope: str
    callers: tuple[str, ...]
    rate_class: str
    """Name of the class in lower case, for example "decision"."""
    cost: int
    deadline: float
    """Seconds."""
    retryable: bool
    collapsible: bool
    cache: float
    """Seconds; 0 means never."""
    cache_topic: str
    """Topic of the changes that end the use of cached answers; empty means none."""
    idempotency_key: bool
    coalesce: Coalescing | None

    def admits(self, peer: str) -> bool:
        """Tells whether a peer, the path of a SPIFFE ID, is listed. No list admits nobody."""
        return any(
            peer == caller or (caller.endswith("/*") and peer.startswith(caller[:-1])) for caller in self.callers
        )


def policies(services: Iterable[ServiceDescriptor]) -> dict[str, Policy]:
    """Returns the policy of every method by its path."""
    found = (policy_of(method) for service in services for method in service.methods)
    return {policy.path: policy for policy in found}


def policy_of(method: MethodDescriptor) -> Policy:
    options = method.GetOptions()
    if not options.HasExtension(_POLICY):
        raise PolicyError(f"{method.full_name} has no (rampart.mesh.v1.policy)")
    option = options.Extensions[_POLICY]
    _check(method, option)
    return Policy(
        path=_path(method.full_name),
        public=option.public,
        scopes=frozenset(option.scopes),
        elevated_scope=option.elevated_scope,
        callers=tuple(option.callers),
        rate_class=policy_pb2.RateClass.Name(getattr(option.rate_limit, "class")).removeprefix("RATE_CLASS_").lower(),
        cost=option.rate_limit.cost or 1,
        deadline=option.deadline.ToTimedelta().total_seconds(),
        retryable=option.retryable,
        collapsible=option.collapsible,
        cache=option.cache.ToTimedelta().total_seconds(),
        cache_topic=option.cache_topic,
        idempotency_key=option.idempotency_key,
        coalesce=_coalescing(option) if option.HasField("coalesce") else None,
    )


def field_policy(field: FieldDescriptor) -> policy_pb2.FieldPolicy:
    """Returns what the mesh knows about a field; an empty message if nothing."""
    return field.GetOptions().Extensions[_FIELD]


def _check(method: MethodDescriptor, option: policy_pb2.MethodPolicy) -> None:
    if option.public and option.scopes:
        raise PolicyError(f"{method.full_name} is public and asks for scopes")
    if option.deadline.ToTimedelta().total_seconds() <= 0:
        raise PolicyError(f"{method.full_name} has no deadline")
    if not getattr(option.rate_limit, "class"):
        raise PolicyError(f"{method.full_name} names no rate class")
    reads = method.GetOptions().idempotency_level == method.GetOptions().NO_SIDE_EFFECTS
    if (option.collapsible or option.HasField("cache")) and not reads:
        raise PolicyError(f"{method.full_name} is collapsible or cached but not NO_SIDE_EFFECTS")


def _coalescing(option: policy_pb2.MethodPolicy) -> Coalescing:
    batch = option.coalesce
    return Coalescing(_path(batch.method), batch.max_items, batch.max_bytes, batch.max_in_flight)


def _path(full_name: str) -> str:
    service, _, method = full_name.rpartition(".")
    return f"/{service}/{method}"
