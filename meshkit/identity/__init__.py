"""Access tokens, method policies and TLS credentials."""
