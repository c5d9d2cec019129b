"""Computes the newest decisions again, and tells which do not come out as they were answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from console.api import Api
from console.failure import CommandFailure
from console.tables import output, table
from console.tasking.options import given

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["verify"]

PATH = "/api/v1/decisions"
FOUND = ("decision_id", "what is otherwise")


async def verify(api: Api, arguments: Namespace) -> int:
    """Runs `rampart decision verify`."""
    count, found = 0, list[tuple[str, str]]()
    async for decision in api.pages(PATH, "decisions", given(arguments, ("user_id",)), arguments.limit):
        count += 1
        words = await _difference(api, decision["decision_id"])
        if words:
            found.append((decision["decision_id"], words))
    if arguments.json:
        told = [{"decision_id": each, "what": words} for each, words in found]
        print(json.dumps({"decisions": count, "identical": count - len(found), "others": told}))
    else:
        if found:
            output().print(table(FOUND, found))
        print(f"{count - len(found):,} of {count:,} decisions come out as they were answered.")
    return 1 if found else 0


async def _difference(api: Api, decision_id: str) -> str:
    """Says what is otherwise; nothing if a decision comes out as it was answered."""
    try:
        replay = await api.call("POST", f"{PATH}/{decision_id}:replay", {})
    except CommandFailure as failure:
        return str(failure)
    if replay["identical"]:
        return ""
    return ", ".join(each["field"] for each in replay["differences"]) or "it was changed after it was stored"
