"""Server middlewares, one concern a file, and the one gRPC interceptor that runs them in order."""
