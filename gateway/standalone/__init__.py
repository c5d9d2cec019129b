"""The gateway in front of any gRPC service whose protos carry `google.api.http`, with none of Rampart's own running."""
