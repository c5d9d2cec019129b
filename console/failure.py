"""Reports why a command cannot go on."""

from __future__ import annotations

from collections.abc import Mapping


class CommandFailure(Exception):
    """One clear sentence for the operator; the command ends with `status`."""

    status = 1
    reason = ""
    """Of the error of a service, if one refused."""


def next_step(reason: str, metadata: Mapping[str, str], option: str = "") -> str:
    """Returns what to do about a refusal, as further sentences; empty where its own words say all there is to say."""
    if reason != "APPROVAL_REQUIRED":
        return ""
    shown = f"rampart approval show {metadata.get('approval_id', '')}{option}"
    return f"\nLet somebody else see it with `{shown}` and approve it. Then run the same command again, within a day."


class WrongArgument(CommandFailure):
    """What was typed cannot be carried out as it is; the status is that of an unknown option."""

    status = 2
