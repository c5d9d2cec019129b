"""What `rampart ledger` says of each state."""

from __future__ import annotations

import argparse

import pytest
from rampart.data.v1 import data_service_pb2 as pb

from console.ledger import _words, add_parser


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (pb.LedgerState(), "following the decisions"),
        (pb.LedgerState(lost="it is gone"), "stopped: it is gone; `rampart ledger rebuild` mends it"),
        (pb.LedgerState(lost="it is gone", rebuilding=True, decisions=7), "rebuilding: 7 decisions were read"),
    ],
)
def test_state_is_told_in_words(state: pb.LedgerState, words: str) -> None:
    assert _words(state) == words


@pytest.mark.parametrize("action", ["state", "rebuild"])
def test_actions_take_the_state_folder(action: str) -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    assert str(parser.parse_args(["ledger", action, "--home", "/somewhere"]).home) == "/somewhere"
