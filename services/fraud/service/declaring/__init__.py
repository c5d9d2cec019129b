"""How tenants declare event types and features."""
