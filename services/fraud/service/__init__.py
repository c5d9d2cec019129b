"""The use cases of the fraud service."""
