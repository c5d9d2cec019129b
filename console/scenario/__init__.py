"""`rampart scenario` and `rampart rules`: what decides, and who lets it."""

from __future__ import annotations

from console.scenario.parsers import add_parser

__all__ = ["add_parser"]
