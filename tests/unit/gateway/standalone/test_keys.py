"""Keys of somebody else's issuer, from a file: whatever is in it, tokens are verified, refused, or have to wait."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gateway.standalone.app import _keys
from meshkit.errors import Kind, MeshError
from meshkit.identity.tokens import TokenVerifier
from tests.support.tokens import TRUSTED, Issuer

GOOD = Issuer("good")


async def verify(path: Path, text: str) -> str:
    path.write_text(text)
    verifier = TokenVerifier(_keys(path), TRUSTED)
    return (await verifier.verify(GOOD.token(time.time()))).client_id


@pytest.mark.parametrize(
    "other", [None, "key", [], {}, 7, {"kty": "EC"}, GOOD.jwk | {"kid": "off", "y": GOOD.jwk["x"]}]
)
async def test_entry_that_is_no_key_costs_no_other(tmp_path: Path, other: object) -> None:
    assert await verify(tmp_path / "jwks", json.dumps({"keys": [other, GOOD.jwk]})) == "acme-1"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"keys": 7}', '{"keys": {}}', '{"keys": []}', "[" * 100_000, '{"keys": "x"}']
)
async def test_file_without_a_key_leaves_tokens_waiting(tmp_path: Path, text: str) -> None:
    with pytest.raises(MeshError) as caught:
        await verify(tmp_path / "jwks", text)
    assert caught.value.kind is Kind.UNAVAILABLE
