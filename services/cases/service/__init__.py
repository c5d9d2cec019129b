"""The use cases of the cases service."""
