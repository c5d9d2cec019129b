"""Converts tenants, plans, tokens and keys."""

from __future__ import annotations

from rampart.auth.v1 import auth_service_pb2 as pb
from rampart.auth.v1 import tenant_service_pb2
from rampart.mesh.v1 import policy_pb2

from services.auth.domain.quotas import QuotaUse
from services.auth.domain.tenants import IssuedToken, Tenant, TenantPlan

__all__ = [
    "keys_to_proto",
    "plan_from_proto",
    "tenant_to_proto",
    "token_to_proto",
    "use_to_proto",
]

_CLASS = "RATE_CLASS_"


def token_to_proto(issued: IssuedToken) -> pb.IssueTokenResponse:
    return pb.IssueTokenResponse(
        access_token=issued.token, token_type="Bearer", expires_in=issued.expires_in, scope=issued.scope
    )


def keys_to_proto(keys: list[dict[str, str]]) -> pb.GetJwksResponse:
    return pb.GetJwksResponse(keys=[pb.Jwk(**key) for key in keys])


def tenant_to_proto(tenant: Tenant) -> pb.Tenant:
    message = pb.Tenant(
        tenant_id=tenant.tenant_id,
        name=tenant.name,
        default_currency=tenant.default_currency,
        plan=_plan_to_proto(tenant.plan),
    )
    message.create_time.FromDatetime(tenant.created_at)
    if tenant.suspended_at is not None:
        message.suspend_time.FromDatetime(tenant.suspended_at)
    if tenant.erasure_allowed_at is not None:
        message.erasure_allow_time.FromDatetime(tenant.erasure_allowed_at)
    return message


def use_to_proto(use: QuotaUse) -> tenant_service_pb2.QuotaUse:
    return tenant_service_pb2.QuotaUse(quota=use.resource.value, limit=use.limit, used=use.used)


def plan_from_proto(message: pb.TenantPlan) -> TenantPlan:
    limits = {_class_from_proto(limit): limit.rate_limit for limit in message.class_limits}
    return TenantPlan(
        message.rate_limit,
        message.user_rate_limit,
        tuple(sorted(limits.items())),
        message.max_members,
        message.max_clients,
        message.max_api_keys,
    )


def _plan_to_proto(plan: TenantPlan) -> pb.TenantPlan:
    message = pb.TenantPlan(
        rate_limit=plan.rate_limit,
        user_rate_limit=plan.user_rate_limit,
        max_members=plan.max_members,
        max_clients=plan.max_clients,
        max_api_keys=plan.max_api_keys,
    )
    for name, rate_limit in plan.class_limits:
        number = policy_pb2.RateClass.Value(f"{_CLASS}{name.upper()}")
        message.class_limits.add(**{"class": number, "rate_limit": rate_limit})
    return message


def _class_from_proto(limit: pb.ClassLimit) -> str:
    # The field is named like a keyword.
    return policy_pb2.RateClass.Name(getattr(limit, "class")).removeprefix(_CLASS).lower()
