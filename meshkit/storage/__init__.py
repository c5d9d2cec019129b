"""PostgreSQL and Redis: pools, migrations, leadership, event stream, changes."""
