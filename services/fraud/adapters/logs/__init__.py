"""Entity logs in Redis, in memory, and rebuilt from PostgreSQL."""
