"""Decisions streamed to watchers as they are committed."""
