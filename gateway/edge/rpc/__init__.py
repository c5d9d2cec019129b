"""Connect and gRPC-Web on the port of the REST API, for browsers and clients that have generated code."""

from __future__ import annotations

from gateway.edge.rpc.routes import rpc_routes

__all__ = ["rpc_routes"]
