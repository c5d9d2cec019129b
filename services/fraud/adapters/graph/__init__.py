"""The graph in PostgreSQL and in memory, and the events that it is made of."""
