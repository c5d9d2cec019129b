"""Names the columns of the files that can be replayed: our own, and those of the Fraud Detection Handbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Layout", "WrongHeaderError", "layout_of"]

REQUIRED = ("transaction_id", "event_time", "user_id", "transaction_amount")


class WrongHeaderError(Exception):
    """The first line can be read in no way, or in two; the message starts with the column."""


@dataclass(frozen=True)
class Layout:
    """Which column holds which field of a request, and what every request of such a file says besides."""

    columns: dict[str, str]
    label: str
    constants: dict[str, str] = field(default_factory=dict)
    prefixed: bool = False
    """True if identifiers are unique within the file only, so that they take its name in front."""

    @property
    def known(self) -> Sequence[str]:
        """All columns that are read."""
        return (*self.columns.values(), self.label)


OWN = Layout(
    columns={
        "transaction_id": "transaction_id",
        "event_time": "event_time",
        "user_id": "user_id",
        "transaction_amount": "amount",
        "merchant_id": "merchant_id",
        "currency": "currency",
        "channel": "channel",
        "device_fingerprint": "device_fingerprint",
        "ip_address": "ip_address",
        "card_fingerprint": "card_fingerprint",
    },
    label="is_fraud",
)
HANDBOOK = Layout(
    columns={
        "transaction_id": "TRANSACTION_ID",
        "event_time": "TX_DATETIME",
        "user_id": "CUSTOMER_ID",
        "transaction_amount": "TX_AMOUNT",
        "merchant_id": "TERMINAL_ID",
    },
    label="TX_FRAUD",
    constants={"channel": "card_present"},
    prefixed=True,
)


def layout_of(header: Sequence[str]) -> Layout:
    """Returns the layout that a header has. Raises WrongHeaderError if none fits, or if it leaves a choice."""
    layout = HANDBOOK if HANDBOOK.columns["transaction_id"] in header else OWN
    missing = [layout.columns[name] for name in REQUIRED if layout.columns[name] not in header]
    unlike = _misspelt(header, layout.known)
    if unlike:
        raise WrongHeaderError(f"column {unlike[0]!r} would not be read; write {unlike[1]!r} or give it another name")
    if missing:
        known = "the columns of `rampart simulate` or of the Fraud Detection Handbook"
        raise WrongHeaderError(f"column {missing[0]} is missing; expected {known}")
    for name in layout.known:
        if header.count(name) > 1:
            raise WrongHeaderError(f"column {name} is there {header.count(name)} times; expected one of that name")
    return layout


def _misspelt(header: Iterable[str], known: Sequence[str]) -> tuple[str, str] | None:
    """Returns the first column that is a known one but for blanks and case, and that one."""
    plain = {name.casefold(): name for name in known}
    for name in header:
        meant = plain.get(name.strip().casefold())
        if meant is not None and name != meant:
            return name, meant
    return None
