"""Daily totals, for windows of more than 30 days."""
