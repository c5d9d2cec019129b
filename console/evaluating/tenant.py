"""Gives each evaluation a tenant of its own, with a client that it finds again when it goes on."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from console.evaluating.notes import Notes
from console.target import Target, chosen_target

__all__ = ["own_target"]

CLIENT = "client"
RATE_LIMIT = 50_000


async def own_target(arguments: argparse.Namespace, notes: Notes, scopes: Sequence[str]) -> Target:
    """Returns a client of a tenant of the evaluation's own, or that of the options."""
    if arguments.base_url is not None:
        return chosen_target(arguments)
    development = Target.from_home(arguments.home)
    noted = notes.get(CLIENT)
    if not noted:
        noted = await _make_client(arguments.home, scopes)
        notes.put(CLIENT, noted)
    return replace(development, client_id=noted["client_id"], client_secret=noted["client_secret"])


async def _make_client(home: Path, scopes: Sequence[str]) -> dict[str, str]:
    from rampart.auth.v1.client_pb2 import Client  # gRPC takes long to load

    from console.directory import find_auth, open_directory

    tenant = f"evaluation-{uuid.uuid4().hex[:12]}"
    async with open_directory(*find_auth(home)) as directory:
        await directory.create_tenant(tenant)
        wanted = Client(display_name="rampart evaluate", scopes=scopes, rate_limit=RATE_LIMIT)
        client = await directory.create_client(tenant, wanted)
    return {"tenant": tenant, "client_id": client.client_id, "client_secret": client.client_secret}
