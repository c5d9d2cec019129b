"""Reads a key set (JWKS, RFC 7517): keys that can verify are taken, all others are left out and counted.

"Implementations SHOULD ignore JWKs within a JWK Set that use "kty" values that are not understood by them, that are
missing required members, or for which values are out of the supported ranges" (section 5): one such key says nothing
about its neighbours. An issuer SHOULD give each key a `kid` of its own (section 4.5); where some share one, they count
all, up to a few.
"""

from __future__ import annotations

import logging
from collections import Counter as Tally
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from prometheus_client import Counter

from meshkit.identity.jose.keys import KeyRefusedError, PublicKey, read_key

__all__ = ["MAX_KEYS", "KeySet", "read_keys"]

_log = logging.getLogger(__name__)
_skipped = Counter(
    "verification_keys_skipped", "Keys of the issuer that a fetch left out because they cannot be used.", ["reason"]
)

MAX_KEYS = 100
"""Entries of a set that are looked at: an issuer has a handful."""
MAX_NAMESAKES = 4
"""Keys of one `kid` that count: each costs a signature for a token that none of them has signed."""


class KeySet:
    """The keys that may have signed a token, by what its header says."""

    def __init__(self, keys: Iterable[PublicKey] = ()) -> None:
        self._all = tuple(keys)
        self._named: dict[str | None, tuple[PublicKey, ...]] = {}
        for key in self._all:
            self._named[key.kid] = (*self._named.get(key.kid, ()), key)

    def __len__(self) -> int:
        return len(self._all)

    def find(self, kid: str | None, algorithm: str) -> Sequence[PublicKey]:
        """Returns the keys of that name, or none.

        Without a name it is the only key for the algorithm, and none if there are more (OpenID Connect Core, 10.1).
        """
        if kid is not None:
            return self._named.get(kid, ())
        fitting = [key for key in self._all if algorithm in key.algorithms]
        return fitting if len(fitting) == 1 else ()


def read_keys(
    published: Sequence[Any], algorithms: Collection[str], *, kid_required: bool = True, ours: bool = True
) -> KeySet:
    """Returns the usable keys of a set, which may be none of them, whatever its entries are.

    What is left out is told, unless the issuer is not `ours`: others publish keys for other ends beside.
    """
    keys: list[PublicKey] = []
    namesakes: Tally[str | None] = Tally()
    skipped: Tally[str] = Tally()
    for jwk in published[:MAX_KEYS]:
        try:
            key = read_key(jwk, algorithms)
        except KeyRefusedError as error:
            skipped[str(error)] += 1
            continue
        namesakes[key.kid] += 1
        if key.kid is None and kid_required:
            skipped["no_kid"] += 1
        elif key.kid is not None and namesakes[key.kid] > MAX_NAMESAKES:
            skipped["surplus"] += 1
        else:
            keys.append(key)
    skipped["surplus"] += max(0, len(published) - MAX_KEYS)
    if ours:
        _tell(+skipped)
    return KeySet(keys)


def _tell(skipped: Tally[str]) -> None:
    for reason, count in skipped.items():
        _skipped.labels(reason).inc(count)
    if skipped:
        _log.warning("some verification keys cannot be used", extra={"fields": {"skipped": dict(skipped)}})
