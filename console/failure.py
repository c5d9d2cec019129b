"""Reports why a command cannot go on."""

from __future__ import annotations


class CommandFailure(Exception):
    """One clear sentence for the operator; the command ends with status 1."""
