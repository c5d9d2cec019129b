"""Converts between protobuf messages and the domain of the auth service. Pure."""
