"""Features as tenants declare them, and what follows from a set of declarations."""
