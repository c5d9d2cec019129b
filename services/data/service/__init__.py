"""The use cases of the data service."""
