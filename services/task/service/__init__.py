"""The use cases of the task service."""
