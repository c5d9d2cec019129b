"""Somebody who works from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.steelthread.edge import Edge
from tests.steelthread.platform import Platform

__all__ = ["Analyst"]


class Analyst:
    """Somebody with the command line and the credentials of a tenant."""

    def __init__(self, platform: Platform, edge: Edge, secret: Path) -> None:
        secret.write_text(edge.target.client_secret)
        self._platform = platform
        self._as = ("--base-url", edge.target.base_url, "--client-id", edge.target.client_id,
                    "--client-secret-file", str(secret))  # fmt: skip

    async def does(self, *arguments: str) -> str:
        status, said = await self._platform.rampart(*arguments, *self._as)
        assert status == 0, said
        return said

    async def reads(self, *arguments: str) -> list[Any]:
        return [json.loads(line) for line in (await self.does(*arguments, "--json")).splitlines()]

    async def deployment(self) -> Any:
        (found,) = await self.reads("scenario", "status", "payment")
        return found
