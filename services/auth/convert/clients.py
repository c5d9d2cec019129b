"""Converts clients and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

from google.protobuf.field_mask_pb2 import FieldMask
from rampart.auth.v1 import client_pb2, client_service_pb2

from meshkit.named_requests import NamedRequest, named_request
from meshkit.preconditions import Preconditions
from meshkit.updates import Updates
from services.auth.domain.clients import (
    DEFAULT_RATE_LIMIT,
    AuthenticationMethod,
    Client,
    ClientSettings,
    GrantType,
    SenderConstraint,
)

__all__ = [
    "ClientChanging",
    "client_admits_from_proto",
    "client_change_from_proto",
    "client_check_from_proto",
    "client_request_from_proto",
    "client_to_proto",
    "grace_from_proto",
    "settings_from_proto",
]

ClientChanging: TypeAlias = (
    client_service_pb2.CreateClientRequest
    | client_service_pb2.UpdateClientRequest
    | client_service_pb2.RotateClientSecretRequest
    | client_service_pb2.RevokeClientSecretRequest
    | client_service_pb2.DisableClientRequest
    | client_service_pb2.EnableClientRequest
    | client_service_pb2.DeleteClientRequest
)
"""Requests that may have a name."""

_MUTABLE = (
    "display_name", "scopes", "rate_limit", "grant_types", "redirect_uris", "token_endpoint_auth_method", "jwks",
    "sender_constraint",
)  # fmt: skip
_CLIENT = Updates("client", client_pb2.Client, identifier="client_id", mutable=_MUTABLE, fixed=["create_time"])
_DEFAULTS = ClientSettings()


def client_request_from_proto(message: ClientChanging) -> NamedRequest | None:
    """Returns the name of a request and what it is worth, None if it has none."""
    return named_request(message, _reduce)


def _reduce(content: ClientChanging) -> None:
    if isinstance(content, client_service_pb2.UpdateClientRequest):
        _CLIENT.reduce(content.client, content.update_mask)
    elif isinstance(content, client_service_pb2.CreateClientRequest):
        _CLIENT.reduce(content.client, FieldMask())
        content.client.client_id = content.client.etag = ""


def settings_from_proto(message: client_pb2.Client) -> ClientSettings:
    """Returns what is said of a client, defaults for what is not. What the service sets itself is not read."""
    return ClientSettings(
        display_name=message.display_name,
        scopes=frozenset(message.scopes),
        rate_limit=message.rate_limit or DEFAULT_RATE_LIMIT,
        grant_types=frozenset(map(GrantType, message.grant_types)) or _DEFAULTS.grant_types,
        redirect_uris=tuple(message.redirect_uris),
        method=AuthenticationMethod(message.token_endpoint_auth_method or _DEFAULTS.method.value),
        keys=tuple(_key_from_proto(key) for key in message.jwks.keys),
        constraint=SenderConstraint(message.sender_constraint or _DEFAULTS.constraint.value),
    )


def client_change_from_proto(message: client_pb2.Client, mask: FieldMask) -> Callable[[ClientSettings], ClientSettings]:
    """Returns what makes the new settings of the present ones.

    Raises VALIDATION_FAILED for a mask that names no field of a client.
    """
    names = {"token_endpoint_auth_method": "method", "jwks": "keys", "sender_constraint": "constraint"}
    said = settings_from_proto(message)
    fields = [names.get(name, name) for name in _CLIENT.changes(message, mask)]
    changes: dict[str, Any] = {name: getattr(said, name) for name in fields}
    return lambda settings: replace(settings, **changes)


def client_check_from_proto(message: client_pb2.Client, mask: FieldMask) -> Callable[[Client], None] | None:
    """Returns what compares a client with what an update says of it besides its changes, None if it says nothing.

    What it returns raises VALIDATION_FAILED.
    """
    claims = _CLIENT.claims(message, mask)
    return (lambda known: _CLIENT.check(claims, message, client_to_proto(known))) if claims else None


def client_admits_from_proto(
    request: client_service_pb2.UpdateClientRequest | client_service_pb2.DeleteClientRequest, etag: str
) -> Callable[[Client], bool] | None:
    """Returns what tells which states a change is for, None for any. The quotes of the etag may be missing."""
    asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)
    named = f'"{etag.strip(chr(34))}"' if etag else ""
    if not (named or asked):
        return None
    return lambda known: named in ("", _etag(known)) and asked.hold(_etag(known))


def grace_from_proto(request: Any) -> timedelta | None:
    """Returns how long the secret before is to be good, None where nothing is said."""
    return request.grace.ToTimedelta() if request.HasField("grace") else None


def client_to_proto(client: Client) -> client_pb2.Client:
    settings = client.settings
    message = client_pb2.Client(
        client_id=client.client_id,
        display_name=settings.display_name,
        scopes=sorted(settings.scopes),
        rate_limit=settings.rate_limit,
        grant_types=sorted(grant.value for grant in settings.grant_types),
        redirect_uris=settings.redirect_uris,
        token_endpoint_auth_method=settings.method.value,
        jwks=_keys_to_proto(settings.keys),
        sender_constraint=settings.constraint.value,
        etag=_etag(client),
    )
    for moment, field in (
        (client.created_at, message.create_time),
        (client.updated_at, message.update_time),
        (client.rotated_at, message.rotate_time),
        (client.secrets.previous_until, message.previous_secret_expire_time),
        (client.disabled_at, message.disable_time),
    ):
        if moment is not None:
            field.FromDatetime(moment)
    return message


def _keys_to_proto(keys: Sequence[Any]) -> client_pb2.ClientKeySet | None:
    return client_pb2.ClientKeySet(keys=[client_pb2.ClientKey(**key) for key in keys]) if keys else None


def _key_from_proto(key: client_pb2.ClientKey) -> dict[str, str]:
    return {field.name: value for field, value in key.ListFields()}


def _etag(client: Client) -> str:
    return f'"{client.tag.hex}"'
