"""Reads what the scripts of the entity logs say of tenants with more than their share (see shares.lua)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import NamedTuple

from services.fraud.adapters.logs.names import TAG_BYTES
from services.fraud.ports import LogShare, ShareState

__all__ = ["NO_SHARES", "KnownShares", "shares_of"]

_ENTRY = struct.Struct("<BIIII")
_STATES = (ShareState.OPEN, ShareState.CROWDED, ShareState.EASED)


class KnownShares(NamedTuple):
    """What is known of shares at a turn: another one after each change of any."""

    turn: int
    by_tag: Mapping[bytes, LogShare]


NO_SHARES = KnownShares(0, {})


def shares_of(text: bytes) -> KnownShares:
    """Reads "turn over"."""
    turn, _, over = text.partition(b" ")
    found: dict[bytes, LogShare] = {}
    for at in range(0, len(over), TAG_BYTES + _ENTRY.size):
        state, changed, seconds, _, since = _ENTRY.unpack_from(over, at + TAG_BYTES)
        found[over[at : at + TAG_BYTES]] = LogShare(_STATES[state], changed, seconds, since)
    return KnownShares(int(turn), found)
