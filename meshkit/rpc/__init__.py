"""gRPC: server, channels, interceptors, batches, coalescing."""
