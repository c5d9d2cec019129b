"""Rampart's own surface of the gateway: token endpoint, home page, introduction."""
