"""Between messages and the domain of the user service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from rampart.user.v1 import user_pb2 as pb

from services.user import errors
from services.user.domain.users import DEFAULT_TIER, ProfileChange, RiskProfile, User, UserChange

__all__ = ["new_user", "profile_change", "profile_message", "user_change", "user_message"]

_USER_FIELDS = ("display_name", "email", "phone", "country")
_PROFILE_FIELDS = ("base_risk", "tier", "chargeback_count")


def new_user(message: pb.User, now: datetime) -> User:
    """Returns the user to create. What the service sets itself is not read."""
    return User(message.user_id, **_values(message, _USER_FIELDS), created_at=now, updated_at=now)


def user_change(message: pb.User, mask: FieldMask) -> UserChange:
    """Raises VALIDATION_FAILED for a mask that names what cannot be changed."""
    return UserChange(**_values(message, _masked(message, mask, _USER_FIELDS)))


def profile_change(message: pb.RiskProfile, mask: FieldMask) -> ProfileChange:
    """Raises VALIDATION_FAILED for a mask that names what cannot be changed. An emptied tier is the default one."""
    values = _values(message, _masked(message, mask, _PROFILE_FIELDS))
    if values.get("tier") == "":
        values["tier"] = DEFAULT_TIER
    return ProfileChange(**values)


def user_message(user: User) -> pb.User:
    message = pb.User(
        user_id=user.user_id,
        display_name=user.display_name,
        email=user.email,
        phone=user.phone,
        country=user.country,
    )
    message.create_time.FromDatetime(user.created_at)
    message.update_time.FromDatetime(user.updated_at)
    return message


def profile_message(profile: RiskProfile) -> pb.RiskProfile:
    message = pb.RiskProfile(
        user_id=profile.user_id,
        known=profile.known,
        base_risk=profile.base_risk,
        tier=profile.tier,
        chargeback_count=profile.chargeback_count,
        country=profile.country,
    )
    if profile.created_at is not None:
        message.create_time.FromDatetime(profile.created_at)
    return message


def _masked(message: Message, mask: FieldMask, mutable: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the fields to change (AIP-134): those that the mask names, all for `*`, those set if there is none."""
    if not mask.paths:
        present = {field.name for field, _ in message.ListFields()}
        return tuple(name for name in mutable if name in present)
    if list(mask.paths) == ["*"]:
        return mutable
    if not set(mutable).issuperset(mask.paths):
        raise errors.mask_unusable(mutable)
    return tuple(mask.paths)


def _values(message: Message, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names}
