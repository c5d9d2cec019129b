"""Reports why a command cannot go on."""

from __future__ import annotations


class CommandFailure(Exception):
    """One clear sentence for the operator; the command ends with `status`."""

    status = 1


class WrongArgument(CommandFailure):
    """What was typed cannot be carried out as it is; the status is that of an unknown option."""

    status = 2
