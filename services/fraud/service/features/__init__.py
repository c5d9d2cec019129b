"""How the features of a batch of checks are read."""
