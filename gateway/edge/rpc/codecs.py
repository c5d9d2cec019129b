"""Codecs of Connect and gRPC-Web: protobuf, and JSON read as strictly as REST reads it."""

from __future__ import annotations

from typing import Any

from connectrpc.code import Code
from connectrpc.codec import Codec, proto_binary_codec
from connectrpc.errors import ConnectError
from protobuf import Message, Registry

from gateway.compile.codec import DecodeError, RequestCodec
from gateway.compile.router import Router
from meshkit.json import JsonError, parse

__all__ = ["codecs"]


def codecs(router: Router) -> list[Codec[Any, Any]]:
    """Returns the codecs for the messages of a router's methods."""
    readers = {endpoint.method.input.type: endpoint.request for endpoint in router.endpoints}
    return [proto_binary_codec(), _Json(readers, router.plan.registry)]


class _Json:
    def __init__(self, readers: dict[type, RequestCodec], registry: Registry) -> None:
        self._readers = readers
        self._registry = registry

    def name(self) -> str:
        return "json"

    def encode(self, message: Message) -> bytes:
        return message.to_json(registry=self._registry).encode()

    def decode(self, data: bytes | bytearray, message_class: type[Any]) -> Any:
        """Raises ConnectError INVALID_ARGUMENT that says what is wrong and where."""
        try:
            return self._readers[message_class].decode(parse(bytes(data)))
        except JsonError as error:
            raise ConnectError(Code.INVALID_ARGUMENT, f"the message {error}") from None
        except DecodeError as error:
            where = ".".join(map(str, error.path)) or "the message"
            raise ConnectError(Code.INVALID_ARGUMENT, f"{where} {error.message}") from None
