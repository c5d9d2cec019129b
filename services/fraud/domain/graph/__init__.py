"""The graph of a tenant: entities that its events name, linked by the events that name both."""
