"""Compiles the descriptors into endpoints: plan, codec, validation. Pure: no I/O after start."""
