"""Who is an operator, and who acts."""

from __future__ import annotations

import pytest

from meshkit.context import CallContext, Principal
from meshkit.operators import is_named_operator, is_operator


@pytest.mark.parametrize(
    ("peer", "operator", "named"),
    [
        ("operator", True, False),
        ("operator/alice", True, True),
        ("operators/alice", False, False),
        ("client/operator", False, False),
        ("service/operator", False, False),
        ("", False, False),
    ],
)
def test_operator_acts_by_his_certificate_and_nobody_else(peer: str, operator: bool, named: bool) -> None:
    assert (is_operator(peer), is_named_operator(peer)) == (operator, named)
    assert CallContext(peer=peer).actor == (peer if operator else "")


def test_whose_token_is_verified_acts_whoever_calls() -> None:
    caller = Principal("t", "shop", frozenset(), 1, "EUR", subject="ada")
    assert CallContext(peer="operator", principal=caller).actor == "ada"
