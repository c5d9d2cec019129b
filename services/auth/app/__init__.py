"""The composition root of the auth service: the only place that knows its adapters."""
