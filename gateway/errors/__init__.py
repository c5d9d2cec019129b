"""Errors in HTTP: RFC 9457 problem documents and `google.rpc.Status`, rendered in one place."""
