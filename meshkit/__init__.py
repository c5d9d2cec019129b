"""The runtime that every Rampart process shares. It knows no business words."""

import os

# TLS 1.3 only: grpcio has no switch for the version. This list holds for TLS 1.2 alone, and no ECDSA certificate can
# satisfy a suite that asks for RSA; the suites of TLS 1.3 are not affected by it. gRPC reads it when it is imported, so
# a process imports meshkit first: set later, it is ignored without a word.
os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-RSA-AES256-GCM-SHA384"
