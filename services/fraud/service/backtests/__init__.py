"""What a version would have decided."""
