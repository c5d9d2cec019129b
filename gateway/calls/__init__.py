"""Calls into the mesh: unary and streaming upstreams, the response cache, idempotency keys."""
