"""An OAuth client library of another language signs people in, as it comes."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.generators.toolbox import FULL, HERE, HINT, Tools
from tests.steelthread.platform import Platform

EMAIL = "ada@acme.example"
needs_node = pytest.mark.skipif(shutil.which("node") is None or not FULL, reason=HINT)


@needs_node
async def test_openid_client_completes_code_refresh_and_revocation(tools: Tools, platform: Platform) -> None:
    asked = ["--grant-type", "authorization_code", "--grant-type", "refresh_token", "--scope", "decision:read"]
    created = await _rampart(
        platform, "client", "create", "--tenant", "acme", *asked, "--redirect-uri", "http://127.0.0.1:9/callback"
    )
    invited = await _rampart(platform, "user", "invite", "--tenant", "acme", EMAIL, "--role", "viewer")
    client, member = json.loads(created), json.loads(invited)
    script = tools.folder / "flow.js"
    shutil.copy(HERE / "oauth" / "flow.js", script)
    program = platform.dev["base_url"], client["client_id"], client["client_secret"]
    said = tools.node(script, *program, "acme", member["link"]["path"], EMAIL)
    assert json.loads(said) == {"email": EMAIL, "sub": True, "active": True, "refused": "invalid_grant"}


async def _rampart(platform: Platform, *arguments: str) -> str:
    status, said = await platform.rampart(*arguments, "--json", "--home", str(platform.home))
    assert status == 0, said
    return said
