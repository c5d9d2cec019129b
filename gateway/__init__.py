"""The REST edge: HTTP/JSON outside, gRPC inside, with routes compiled from the descriptors."""
