"""Makes and reads page tokens (AIP-158): the place after the last row, sealed for the request that they continue."""

from __future__ import annotations

import json
from collections.abc import Sequence

from google.protobuf.message import Message

from meshkit.continuations import Continuations
from meshkit.errors import Kind, MeshError

__all__ = ["Pages", "invalid", "page_size"]

DEFAULT_SIZE = 50
MAX_SIZE = 1000


def page_size(asked: int) -> int:
    return min(asked or DEFAULT_SIZE, MAX_SIZE)


class Pages:
    """The page tokens of one service. A request is its method and its filters, whatever its page."""

    def __init__(self, continuations: Continuations) -> None:
        self._continuations = continuations

    def encode(self, tenant_id: str, request: Message, place: Sequence[str]) -> str:
        """Returns the token that continues `request` of a tenant after `place`."""
        text = json.dumps(list(place), ensure_ascii=False, separators=(",", ":"))
        return self._continuations.seal(tenant_id, _filters(request), text.encode())

    def decode(self, tenant_id: str, request: Message, token: str, parts: int) -> list[str] | None:
        """Returns the place, None for the first page; raises PAGE_TOKEN_INVALID for a token of another request."""
        if not token:
            return None
        text = self._continuations.open(tenant_id, _filters(request), token)
        place: list[str] = json.loads(text) if text is not None else []
        if len(place) != parts:
            raise invalid()
        return place


def invalid() -> MeshError:
    """Returns the error for a token that no answer has held."""
    return MeshError(
        Kind.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID", "page_token is not one that this request was answered with"
    )


def _filters(request: Message) -> Message:
    filters = type(request)()
    filters.CopyFrom(request)
    for field in ("page_token", "page_size"):
        filters.ClearField(field)
    return filters
