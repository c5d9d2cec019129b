"""Bearer tokens: HS256, with a tenant and scopes."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

__all__ = ["SECRET_VARIABLE", "Caller", "authenticate", "make_token"]

SECRET_VARIABLE = "TWIN_SECRET"
LIFETIME_SECONDS = 3600
CLAIMS = jwt.JWTClaimsRegistry(exp={"essential": True}, tenant={"essential": True})
BEARER = HTTPBearer()


@dataclass(frozen=True)
class Caller:
    """Whom a token stands for."""

    tenant: str


def make_token(secret: str, tenant: str) -> str:
    """Returns a token that is good for an hour."""
    claims = {"sub": "bench", "tenant": tenant, "scope": "tasks", "exp": int(time.time()) + LIFETIME_SECONDS}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))


async def authenticate(given: Annotated[HTTPAuthorizationCredentials, Depends(BEARER)]) -> Caller:
    try:
        token = jwt.decode(given.credentials, KEY, algorithms=["HS256"])
        CLAIMS.validate(token.claims)
    except (JoseError, ValueError) as error:
        raise HTTPException(401, "token is not valid") from error
    return Caller(token.claims["tenant"])


KEY = OctKey.import_key(os.environ.get(SECRET_VARIABLE) or os.urandom(32))
