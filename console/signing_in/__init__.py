"""Signs people in from the command line, and keeps what comes of it."""
