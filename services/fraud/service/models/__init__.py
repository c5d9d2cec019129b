"""Keeps models, has versions trained, and takes those that are brought."""
