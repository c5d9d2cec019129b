"""Renders errors as HTTP answers, as a problem document or a `google.rpc.Status`, by `Accept`.

A caller gets `application/problem+json` unless its `Accept` header makes `application/json` more welcome than that: it
then gets the `google.rpc.Status`. Both say the same. A caller that accepts neither gets the problem document, and so
does one that names `application/json` alone: that is the media type of good answers, and a problem document is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from protobuf import Registry

from gateway.errors import problem as problems
from gateway.errors import status as statuses
from gateway.errors.details import DetailError, Details
from gateway.errors.problem import Headers, http_status, own_headers, problem_document
from gateway.errors.status import status_document
from gateway.grammar.qualities import quality
from meshkit.errors import MeshError, internal

__all__ = ["ErrorRenderer", "ErrorResponse", "prefers_status"]


class ErrorResponse(NamedTuple):
    """An error as an HTTP answer."""

    status: int
    headers: Headers
    """Without the media type."""
    media_type: bytes
    body: bytes


class ErrorRenderer:
    """Renders errors. The types of their details are those of `registry`; without one no details are shown.

    With `json_names` the fields of a `google.rpc.Status` have the names of ProtoJSON instead of the proto's own.
    """

    def __init__(self, registry: Registry | None = None, *, json_names: bool = False) -> None:
        self._details = Details(registry, json_names=json_names) if registry is not None else None
        self._json_names = json_names

    def render(self, error: MeshError, request_id: str, accept: bytes = b"") -> ErrorResponse:
        """Renders an error. One whose details cannot be read is replaced whole."""
        error, details = self._readable(error)
        status = http_status(error)
        if prefers_status(accept):
            media_type, document = statuses.MEDIA_TYPE, self._status(error, request_id, details)
        else:
            media_type, document = problems.MEDIA_TYPE, problem_document(error, request_id, details)
        body = json.dumps(document, ensure_ascii=False).encode(errors="replace")
        return ErrorResponse(status, own_headers(error, status), media_type, body)

    def status(self, error: MeshError, request_id: str) -> dict[str, Any]:
        """Returns the `google.rpc.Status` of an error as ProtoJSON, as it ends a stream."""
        error, details = self._readable(error)
        return self._status(error, request_id, details)

    def _status(self, error: MeshError, request_id: str, details: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return status_document(error, request_id, details, json_names=self._json_names)

    def _readable(self, error: MeshError) -> tuple[MeshError, Sequence[Mapping[str, Any]]]:
        if not error.details or self._details is None:
            return error, ()
        try:
            return error, self._details.read(error.details)
        except DetailError:
            return internal(), ()


@lru_cache(maxsize=256)
def prefers_status(accept: bytes) -> bool:
    """Tells whether `application/json` is more welcome than `application/problem+json`."""
    return quality(accept, statuses.MEDIA_TYPE) > quality(accept, problems.MEDIA_TYPE)
