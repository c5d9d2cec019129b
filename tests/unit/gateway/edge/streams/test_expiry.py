from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gateway.edge.streams.expiry import expires_at


def token(claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{body}.signature"


@pytest.mark.parametrize(
    ("text", "expiry"),
    [
        (token({"exp": 1700000000}), 1700000000.0),
        (token({"exp": 17.5, "x": "y"}), 17.5),
        (token({"exp": "soon"}), None),
        (token({}), None),
        (token([1]), None),
        ("opaque", None),
        ("", None),
        ("a.b.c", None),
        ("a.b.c.d", None),
        ("a.\u00e4.c", None),
    ],
)
def test_the_expiry_is_read_from_tokens_that_have_one(text: str, expiry: float | None) -> None:
    assert expires_at(text) == expiry
