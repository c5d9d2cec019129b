"""The use cases of the auth service."""
