"""What the service's ports are made of: PostgreSQL, memory, the fraud service."""
