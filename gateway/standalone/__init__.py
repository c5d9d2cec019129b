"""Serves any gRPC service whose protos carry `google.api.http`, with nothing of a product."""
