"""Invents card payments with known fraud, the same from the same seed on every machine."""
