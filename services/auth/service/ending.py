"""Says which access tokens of a program are refused from now on."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.auth.domain.revocations import Revocation, RevocationKind
from services.auth.service.recent import LIFE_SECONDS

__all__ = ["all_tokens", "last_moment", "tokens_of_before"]


def tokens_of_before(tenant_id: str, client_id: str, now: datetime, token_seconds: int) -> Revocation:
    """Returns the revocation of the tokens that a client, or an API key, has now."""
    last = last_moment(now)
    until = last + timedelta(seconds=token_seconds)
    return Revocation(RevocationKind.CLIENT, tenant_id, client_id, issued_before=last, until=until)


def all_tokens(tenant_id: str, client_id: str, until: datetime | None) -> Revocation:
    """Returns the revocation of all tokens of a client, also of later ones, until a time or until it is lifted."""
    return Revocation(RevocationKind.CLIENT, tenant_id, client_id, issued_before=None, until=until)


def last_moment(now: datetime) -> datetime:
    """Returns when the last token is issued by what a replica has read before now."""
    return now + timedelta(seconds=LIFE_SECONDS)
