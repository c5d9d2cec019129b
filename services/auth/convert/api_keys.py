"""Converts API keys and what is asked of them."""

from __future__ import annotations

from datetime import UTC
from typing import TypeAlias

from rampart.auth.v1 import api_key_pb2, api_key_service_pb2

from meshkit.named_requests import NamedRequest, named_request
from services.auth.domain.api_keys import ApiKey, AskedKey

__all__ = ["KeyChanging", "asked_key_from_proto", "key_request_from_proto", "key_to_proto"]

KeyChanging: TypeAlias = (
    api_key_service_pb2.CreateApiKeyRequest
    | api_key_service_pb2.RotateApiKeyRequest
    | api_key_service_pb2.DeleteApiKeyRequest
)
"""Requests that may have a name."""

_GIVEN = ("display_name", "scopes", "rate_limit", "expire_time")


def key_request_from_proto(message: KeyChanging) -> NamedRequest | None:
    """Returns the name of a request and what it is worth, None if it has none."""
    return named_request(message, _reduce)


def _reduce(content: KeyChanging) -> None:
    if isinstance(content, api_key_service_pb2.CreateApiKeyRequest):
        for field, _ in content.api_key.ListFields():
            if field.name not in _GIVEN:
                content.api_key.ClearField(field.name)


def asked_key_from_proto(message: api_key_pb2.ApiKey) -> AskedKey:
    """Returns the key to create. What the service sets itself is not read."""
    expires_at = message.expire_time.ToDatetime(UTC) if message.HasField("expire_time") else None
    return AskedKey(message.display_name, list(message.scopes), message.rate_limit, expires_at)


def key_to_proto(key: ApiKey) -> api_key_pb2.ApiKey:
    message = api_key_pb2.ApiKey(
        key_id=key.key_id,
        display_name=key.display_name,
        scopes=sorted(key.scopes),
        rate_limit=key.rate_limit,
        prefix=key.prefix,
    )
    for moment, field in (
        (key.created_at, message.create_time),
        (key.expires_at, message.expire_time),
        (key.rotated_at, message.rotate_time),
        (key.secrets.previous_until, message.previous_expire_time),
        (key.last_used_at, message.last_use_time),
    ):
        if moment is not None:
            field.FromDatetime(moment)
    return message
