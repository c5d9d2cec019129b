"""The ledger in plain Python. Imports the standard library only."""
