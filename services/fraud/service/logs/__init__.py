"""How entity logs are folded for checks, and kept true to the store."""
