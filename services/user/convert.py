"""Converts between protobuf messages and the domain of the user service. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from rampart.user.v1 import user_pb2 as pb
from rampart.user.v1 import user_service_pb2

from services.user import errors
from services.user.domain.requests import NamedRequest
from services.user.domain.users import DEFAULT_TIER, ProfileChange, Revision, RiskProfile, User, UserChange

__all__ = [
    "Changing",
    "profile_change_from_proto",
    "profile_to_proto",
    "request_from_proto",
    "state_from_proto",
    "user_change_from_proto",
    "user_from_proto",
    "user_to_proto",
]

Changing = (
    user_service_pb2.CreateUserRequest | user_service_pb2.UpdateUserRequest | user_service_pb2.UpdateRiskProfileRequest
)
"""Requests that may have a name."""

_USER_FIELDS = ("display_name", "email", "phone", "country")
_PROFILE_FIELDS = ("base_risk", "tier", "chargeback_count")
_NO_STATE = UUID(int=(1 << 128) - 1)
"""The tag that no state has (RFC 9562, section 5.10)."""


def request_from_proto(message: Changing) -> NamedRequest | None:
    """Returns the name of a request and what it is worth, None if it has none."""
    if not message.request_id:
        return None
    content = type(message).FromString(message.SerializeToString())
    # The same UUID can be written in more than one way, and a mask is a set.
    content.request_id = ""
    if not isinstance(content, user_service_pb2.CreateUserRequest):
        content.update_mask.paths.sort()
    fingerprint = blake2b(content.SerializeToString(deterministic=True), digest_size=16).digest()
    return NamedRequest(UUID(message.request_id), message.DESCRIPTOR.name.removesuffix("Request"), fingerprint)


def state_from_proto(message: pb.User | pb.RiskProfile) -> UUID | None:
    """Returns the tag of the state that an etag names, None without one. The quotes of the etag may be missing."""
    if not message.etag:
        return None
    try:
        return UUID(message.etag.strip('"'))
    except ValueError:
        return _NO_STATE


def user_from_proto(message: pb.User, revision: Revision) -> User:
    """Returns the user to create. What the service sets itself is not read."""
    fields = _values(message, _USER_FIELDS)
    return User(message.user_id, **fields, created_at=revision.at, updated_at=revision.at, tag=revision.tag)


def user_change_from_proto(message: pb.User, mask: FieldMask) -> UserChange:
    """Raises VALIDATION_FAILED for a mask that names what cannot be changed."""
    return UserChange(**_values(message, _masked(message, mask, _USER_FIELDS)))


def profile_change_from_proto(message: pb.RiskProfile, mask: FieldMask) -> ProfileChange:
    """Raises VALIDATION_FAILED for a mask that names what cannot be changed. An emptied tier is the default one."""
    values = _values(message, _masked(message, mask, _PROFILE_FIELDS))
    if values.get("tier") == "":
        values["tier"] = DEFAULT_TIER
    return ProfileChange(**values)


def user_to_proto(user: User) -> pb.User:
    message = pb.User(
        user_id=user.user_id,
        display_name=user.display_name,
        email=user.email,
        phone=user.phone,
        country=user.country,
        etag=_etag(user.tag),
    )
    message.create_time.FromDatetime(user.created_at)
    message.update_time.FromDatetime(user.updated_at)
    return message


def profile_to_proto(profile: RiskProfile) -> pb.RiskProfile:
    message = pb.RiskProfile(
        user_id=profile.user_id,
        known=profile.known,
        base_risk=profile.base_risk,
        tier=profile.tier,
        chargeback_count=profile.chargeback_count,
        country=profile.country,
        etag=_etag(profile.tag) if profile.tag is not None else "",
    )
    if profile.created_at is not None:
        message.create_time.FromDatetime(profile.created_at)
    return message


def _etag(tag: UUID) -> str:
    return f'"{tag.hex}"'


def _masked(message: Message, mask: FieldMask, mutable: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the fields to change (AIP-134): those that the mask names, all for `*`, those set if there is none."""
    if not mask.paths:
        present = {field.name for field, _ in message.ListFields()}
        return tuple(name for name in mutable if name in present)
    if list(mask.paths) == ["*"]:
        return mutable
    # The etag says which state to change and may be named along with what changes.
    named = tuple(path for path in mask.paths if path != "etag")
    if not set(mutable).issuperset(named):
        raise errors.mask_unusable(mutable)
    return named


def _values(message: Message, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names}
