"""Implements the gRPC services of auth: convert, call, convert."""
