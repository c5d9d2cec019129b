"""Tenants, clients, access tokens and the keys that verify them."""
