"""Tells clients about the person who signed in (OpenID Connect Core 1.0, section 5.3)."""

from __future__ import annotations

import hmac

from meshkit.errors import Kind, MeshError
from meshkit.identity.claims import token_invalid
from meshkit.identity.tokens import TokenVerifier
from services.auth import errors
from services.auth.domain.grants import Grant
from services.auth.domain.oauth_clients import OPENID
from services.auth.domain.token_answers import PersonClaims
from services.auth.domain.token_requests import GivenProof
from services.auth.ports.grants import GrantStore
from services.auth.service.binding import binding_of
from services.auth.service.oauth.granting import Granting
from services.auth.service.oauth.proofs import Proofs

__all__ = ["UserInfo"]


class UserInfo:
    """Reads claims for the holder of an access token."""

    def __init__(self, *, verifier: TokenVerifier, grants: GrantStore, granting: Granting, proofs: Proofs) -> None:
        self._verifier = verifier
        self._grants = grants
        self._granting = granting
        self._proofs = proofs

    async def claims(self, token: str, proof: GivenProof, certificate: str = "") -> PersonClaims:
        """Returns the claims for who shows the token, with a proof or a certificate if it is bound to one.

        Raises TOKEN_INVALID, TOKEN_REVOKED, PROOF_INVALID and SCOPE_MISSING.
        """
        principal = await self._verifier.verify(token)
        bound = binding_of(principal.confirmation)
        if await self._proofs.key(proof, token) != bound.jkt:
            raise errors.proof_invalid("is not of the key to which the token is bound" if proof.jwt else "is missing")
        if bound.certificate and not hmac.compare_digest(bound.certificate, certificate):
            raise token_invalid("is bound to another certificate")
        grant = await self._grants.find_grant(principal.session_id) if principal.session_id else None
        if grant is None or OPENID not in grant.scopes:
            raise _no_openid()
        return await self._about(grant)

    async def _about(self, grant: Grant) -> PersonClaims:
        member, scopes = await self._granting.member_of(grant), grant.scopes
        return PersonClaims(
            member.member_id,
            member.tenant_id,
            member.display_name if "profile" in scopes else "",
            member.email if "email" in scopes else "",
            "email" in scopes and member.activated_at is not None,
        )


def _no_openid() -> MeshError:
    return MeshError(
        Kind.PERMISSION_DENIED,
        "SCOPE_MISSING",
        "the access token lacks the scope openid",
        metadata={"scope": OPENID},
    )
