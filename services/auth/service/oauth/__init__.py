"""Use cases of the authorization server: signing in, consenting, granting tokens."""
