"""Names the features of a transaction: what its subjects did in the windows before it.

For each subject (user, device, ip, merchant) and window (1m, 1h, 24h):

    <subject>_count_<window>     transactions
    <subject>_sum_<window>       their amounts in the transaction's currency, in smallest units
    <subject>_distinct_<window>  distinct devices of a user; distinct users of a device, ip or merchant

and

    user_new_device          1 if the user was not seen with this device in 30 days
    user_currency_count_24h  the user's transactions in the transaction's currency: those whose sum is `user_sum_24h`

A window is (t - w, t] in event time; the
transaction itself does not count. A subject that the transaction does not name has zeros.

A new feature is added at the end of `NAMES`, with its value in both window adapters, under a new `VERSION`.
A vector of an earlier version is one without what was added since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["LARGEST", "NAMES", "SUBJECTS", "VERSION", "WINDOWS_MS", "by_name"]

VERSION = "2"
LARGEST = 2**63 - 1
"""Largest value that a stored vector holds."""
SUBJECTS = ("user", "device", "ip", "merchant")
WINDOWS_MS = {"1m": 60_000, "1h": 3_600_000, "24h": 86_400_000}
NAMES = (
    *(
        f"{subject}_{kind}_{window}"
        for subject in SUBJECTS
        for kind in ("count", "sum", "distinct")
        for window in WINDOWS_MS
    ),
    "user_new_device",
    "user_currency_count_24h",
)


def by_name(values: Sequence[int]) -> Mapping[str, int]:
    """Names the values of a vector of this version or an earlier one."""
    return dict(zip(NAMES[: len(values)], values, strict=True))
