"""Reads a key set (JWKS, RFC 7517): keys that can verify ES256 tokens are taken, all others are left out and counted.

"Implementations SHOULD ignore JWKs within a JWK Set that use "kty" values that are not understood by them, that are
missing required members, or for which values are out of the supported ranges" (section 5): one such key says nothing
about its neighbours.
"""

from __future__ import annotations

import logging
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from prometheus_client import Counter

__all__ = ["ALGORITHM", "MAX_KEYS", "VerificationKeys", "read_keys"]

_log = logging.getLogger(__name__)
_skipped = Counter(
    "verification_keys_skipped", "Keys of the issuer that a fetch left out because they cannot be used.", ["reason"]
)

ALGORITHM = "ES256"
MAX_KEYS = 100
"""Entries of a set that are looked at: an issuer has a handful."""
_COORDINATE_CHARACTERS = 43

VerificationKeys = dict[str, tuple[ECKey, ...]]
"""Keys by their `kid`. An issuer SHOULD give each its own (RFC 7517, section 4.5); where two share one, both count."""


class _UnusableKeyError(Exception):
    """A key cannot verify our tokens. The message is the metric's label."""


def read_keys(published: Sequence[Any]) -> VerificationKeys:
    """Returns the usable keys of a set, which may be none of them. Raises nothing, whatever the set holds."""
    keys: VerificationKeys = {}
    skipped: Tally[str] = Tally()
    for jwk in published[:MAX_KEYS]:
        try:
            kid, key = _read(jwk)
        except _UnusableKeyError as error:
            skipped[str(error)] += 1
        else:
            keys[kid] = (*keys.get(kid, ()), key)
    if len(published) > MAX_KEYS:
        skipped["surplus"] = len(published) - MAX_KEYS
    for reason, count in skipped.items():
        _skipped.labels(reason).inc(count)
    if skipped:
        _log.warning("some verification keys cannot be used", extra={"fields": {"skipped": dict(skipped)}})
    return keys


def _read(jwk: Any) -> tuple[str, ECKey]:
    if not isinstance(jwk, Mapping):
        raise _UnusableKeyError("malformed")
    kid = jwk.get("kid")
    if not isinstance(kid, str):
        raise _UnusableKeyError("no_kid")
    _check_purpose(jwk)
    return kid, _point(jwk)


def _check_purpose(jwk: Mapping[str, Any]) -> None:
    """Refuses keys of another kind, or meant for something else. `use`, `key_ops` and `alg` may be absent."""
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        raise _UnusableKeyError("other_type")
    if "d" in jwk:
        # Whoever reads the set can sign with it.
        raise _UnusableKeyError("private")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise _UnusableKeyError("other_use")
    if jwk.get("alg", ALGORITHM) != ALGORITHM:
        raise _UnusableKeyError("other_algorithm")


def _point(jwk: Mapping[str, Any]) -> ECKey:
    """Reads the coordinates, each of exactly 32 octets (RFC 7518, section 6.2.1.2), of a point on the curve."""
    x, y = jwk.get("x"), jwk.get("y")
    if not (isinstance(x, str) and isinstance(y, str) and len(x) == len(y) == _COORDINATE_CHARACTERS):
        raise _UnusableKeyError("malformed")
    try:
        return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    except (JoseError, ValueError) as error:
        raise _UnusableKeyError("malformed") from error
