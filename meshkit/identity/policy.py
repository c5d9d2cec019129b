"""Reads method policies from the descriptors, once at start. A method without one is refused: deny by default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions, MethodOptions, ServiceOptions
from rampart.mesh.v1 import policy_pb2

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
    from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor

__all__ = [
    "POLICY_OPTION",
    "SCOPE_OPTION",
    "ApprovalRule",
    "Coalescing",
    "Policy",
    "PolicyError",
    "field_policy",
    "has_policy",
    "policies",
    "policy_of",
    "scope_words",
    "why_required",
]

# The generated type stub calls every extension a FieldDescriptor.
POLICY_OPTION = cast("_ExtensionFieldDescriptor[MethodOptions, policy_pb2.MethodPolicy]", policy_pb2.policy)
_FIELD = cast("_ExtensionFieldDescriptor[FieldOptions, policy_pb2.FieldPolicy]", policy_pb2.field)

SCOPE_OPTION = cast(
    "_ExtensionFieldDescriptor[ServiceOptions, RepeatedCompositeFieldContainer[policy_pb2.Scope]]", policy_pb2.scope
)


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


class ApprovalRule(StrEnum):
    """Who asks that a second person approves calls of a method."""

    NOBODY = "unspecified"
    TENANT = "tenant"
    PLATFORM = "platform"
    SERVICE = "service"
    """The service itself, which has methods of its own for that."""

    @property
    def is_enforced(self) -> bool:
        """Whether the runtime holds calls back until they are approved."""
        return self in (ApprovalRule.TENANT, ApprovalRule.PLATFORM)


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
    reads: bool
    """True if calls have no side effects (`idempotency_level = NO_SIDE_EFFECTS`)."""
    retryable: bool
    collapsible: bool
    cache: float
    """Seconds; 0 means never."""
    cache_topic: str
    """Topic of the changes that end the use of cached answers; empty means none."""
    max_age: float
    """Seconds for which anyone may use an answer without asking again; 0 means never."""
    idempotency_key: bool
    coalesce: Coalescing | None
    items: str = ""
    """Name of the repeated field of the request whose items each cost what a call costs; empty means none."""
    audited: bool = False
    """True if every call that is let in is an event of the audit log."""
    approval: ApprovalRule = ApprovalRule.NOBODY

    def admits(self, peer: str) -> bool:
        """Tells whether a peer, the path of a SPIFFE ID, is listed. No list admits nobody."""
        return any(
            peer == caller or (caller.endswith("/*") and peer.startswith(caller[:-1])) for caller in self.callers
        )


def policies(services: Iterable[ServiceDescriptor]) -> dict[str, Policy]:
    """Returns the policy of every method by its path."""
    found = (policy_of(method) for service in services for method in service.methods)
    return {policy.path: policy for policy in found}


def has_policy(method: MethodDescriptor) -> bool:
    return bool(method.GetOptions().HasExtension(POLICY_OPTION))


def policy_of(method: MethodDescriptor) -> Policy:
    options = method.GetOptions()
    if not options.HasExtension(POLICY_OPTION):
        raise PolicyError(f"{method.full_name} has no (rampart.mesh.v1.policy)")
    option = options.Extensions[POLICY_OPTION]
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
        reads=_reads(method),
        retryable=option.retryable,
        collapsible=option.collapsible,
        cache=option.cache.ToTimedelta().total_seconds(),
        cache_topic=option.cache_topic,
        max_age=option.max_age.ToTimedelta().total_seconds(),
        idempotency_key=option.idempotency_key,
        coalesce=_coalescing(option) if option.HasField("coalesce") else None,
        items=option.rate_limit.items,
        audited=option.audited,
        approval=_approval(option),
    )


def field_policy(field: FieldDescriptor) -> policy_pb2.FieldPolicy:
    """Returns what the mesh knows about a field; an empty message if nothing."""
    return field.GetOptions().Extensions[_FIELD]


def scope_words(service: ServiceDescriptor) -> dict[str, str]:
    """Returns what a service says of the scopes that its methods ask for, by their names."""
    return {scope.name: scope.description for scope in service.GetOptions().Extensions[SCOPE_OPTION]}


def why_required(other: str, value: str, absent: str, actual: str) -> str:
    """Returns why a field is required unless `other` is `value`, where `other` is `actual`, or counts as `absent`."""
    if actual or not absent:
        return f'is required unless {other} is "{value}"'
    return f'is required, as {other} is "{absent}" unless it says otherwise: send it, or send "{value}" as {other}'


def _check(method: MethodDescriptor, option: policy_pb2.MethodPolicy) -> None:
    if option.public and option.scopes:
        raise PolicyError(f"{method.full_name} is public and asks for scopes")
    if option.deadline.ToTimedelta().total_seconds() <= 0:
        raise PolicyError(f"{method.full_name} has no deadline")
    if not getattr(option.rate_limit, "class"):
        raise PolicyError(f"{method.full_name} names no rate class")
    if (option.collapsible or option.HasField("cache")) and not _reads(method):
        raise PolicyError(f"{method.full_name} is collapsible or cached but not NO_SIDE_EFFECTS")
    if option.rate_limit.items:
        _check_items(method, option.rate_limit.items)
    if option.HasField("max_age") and not (option.public and _reads(method)):
        raise PolicyError(f"{method.full_name} has a max_age but is not public and NO_SIDE_EFFECTS")
    if option.approval:
        _check_approval(method, option)
    if option.idempotency_key:
        _check_key(method, option)


def _check_items(method: MethodDescriptor, name: str) -> None:
    field = method.input_type.fields_by_name.get(name)
    if field is None or not field.is_repeated or method.client_streaming or method.server_streaming:
        raise PolicyError(f"{method.full_name} counts {name!r}, which is no repeated field of a single request")


def _check_key(method: MethodDescriptor, option: policy_pb2.MethodPolicy) -> None:
    if option.public or _reads(method) or method.client_streaming or method.server_streaming:
        raise PolicyError(f"{method.full_name} takes an idempotency_key but is public, NO_SIDE_EFFECTS or streams")
    if not _names_requests(method.input_type, frozenset()):
        raise PolicyError(f"{method.full_name} takes an idempotency_key but has no request_id or assign_id field")


def _check_approval(method: MethodDescriptor, option: policy_pb2.MethodPolicy) -> None:
    if _reads(method) or method.client_streaming or method.server_streaming or not option.audited:
        raise PolicyError(f"{method.full_name} needs an approval but is NO_SIDE_EFFECTS, streams or is not audited")
    if option.retryable and _approval(option).is_enforced:
        raise PolicyError(f"{method.full_name} needs an approval, which is good once, but is retryable")
    if option.idempotency_key and _approval(option).is_enforced:
        raise PolicyError(f"{method.full_name} needs an approval, but with an idempotency_key stays refused")


def _names_requests(message: Descriptor, above: frozenset[str]) -> bool:
    """Tells whether a message has a field, in itself or below, by which a service knows a retry."""
    for field in message.fields:
        policy = field_policy(field)
        if policy.request_id or policy.assign_id:
            return True
        below = field.message_type
        if below is not None and below.full_name not in above and _names_requests(below, above | {message.full_name}):
            return True
    return False


def _approval(option: policy_pb2.MethodPolicy) -> ApprovalRule:
    return ApprovalRule(policy_pb2.ApprovalRule.Name(option.approval).removeprefix("APPROVAL_RULE_").lower())


def _coalescing(option: policy_pb2.MethodPolicy) -> Coalescing:
    batch = option.coalesce
    return Coalescing(_path(batch.method), batch.max_items, batch.max_bytes, batch.max_in_flight)


def _reads(method: MethodDescriptor) -> bool:
    options = method.GetOptions()
    return options.idempotency_level == options.NO_SIDE_EFFECTS


def _path(full_name: str) -> str:
    service, _, method = full_name.rpartition(".")
    return f"/{service}/{method}"
