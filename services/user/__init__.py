"""The users of each tenant and their risk profiles."""
