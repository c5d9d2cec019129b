"""Streams at the edge: answers of several messages over HTTP, and both directions over WebSockets."""
