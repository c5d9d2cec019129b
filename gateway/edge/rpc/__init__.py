"""Connect and gRPC-Web on the port of the REST API, for browsers and clients that have generated code."""
