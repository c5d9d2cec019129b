"""Makes the ASGI scope of a request."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["http_scope"]


def http_scope(connection: HttpToolsProtocol, version: str, method: str, extensions: dict[str, Any]) -> Scope:
    """Returns the scope of the request whose head a connection has read last."""
    path, _, query = connection.url.partition(b"?")
    text = path.decode("ascii")
    return {
        "type": "http",
        "asgi": {"version": connection.asgi_version, "spec_version": "2.3"},
        "http_version": version,
        "server": connection.server,
        "client": connection.client,
        "scheme": connection.scheme,
        "method": method,
        "root_path": "",
        "path": unquote(text) if "%" in text else text,
        "raw_path": path,
        "query_string": query,
        "headers": connection.headers,
        "state": connection.app_state.copy(),
        "extensions": extensions,
    }
