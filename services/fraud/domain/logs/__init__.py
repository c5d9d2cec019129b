"""Logs of what happened to one value of a key, and the folding of a log into the values of features."""
