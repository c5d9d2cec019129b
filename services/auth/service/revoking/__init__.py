"""Ends the use of access tokens before they expire."""
