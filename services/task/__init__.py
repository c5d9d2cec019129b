"""Tasks for workers and people, and the schedules that make them."""
