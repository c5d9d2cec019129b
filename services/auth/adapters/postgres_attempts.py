"""Stores attempts to sign in in PostgreSQL, as JSON: they are kept for ten minutes and looked at by nothing else."""

from __future__ import annotations

import base64
import json
from typing import Any

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters.named_rows import open_row
from services.auth.domain.authorization import AuthorizationRequest
from services.auth.domain.sign_in import SignInAttempt

__all__ = ["PostgresAttempts"]

_TEXTS = ("user_code", "tenant", "tenant_id", "email_hint", "member_id", "session", "federation", "former")
_ASKED = (
    "client_id", "redirect_uri", "state", "code_challenge", "nonce", "login_hint", "max_age", "tenant", "dpop_jkt",
)  # fmt: skip


class PostgresAttempts:
    """Implements `AttemptStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, attempt: SignInAttempt) -> None:
        # Whose attempt is lost begins again.
        async with transaction(self._pool, (), durable=False) as connection:
            await open_row(connection, "attempt_id", attempt.attempt_id)
            await connection.execute(
                "INSERT INTO sign_in_attempts (attempt_id, secret_hash, revision, state, expires_at)"
                " VALUES ($1, $2, $3, $4, $5)",
                attempt.attempt_id,
                attempt.secret_hash,
                attempt.revision,
                json.dumps(_to_state(attempt)),
                attempt.expires_at,
            )

    async def find(self, attempt_id: str) -> SignInAttempt | None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "attempt_id", attempt_id)
            row = await connection.fetchrow(
                "SELECT attempt_id, secret_hash, revision, state, expires_at FROM sign_in_attempts"
                " WHERE attempt_id = $1",
                attempt_id,
            )
            return _attempt(row) if row else None

    async def step(self, attempt: SignInAttempt) -> bool:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "attempt_id", attempt.attempt_id)
            done = await connection.execute(
                "UPDATE sign_in_attempts SET revision = $2, state = $3 WHERE attempt_id = $1 AND revision = $2 - 1",
                attempt.attempt_id,
                attempt.revision,
                json.dumps(_to_state(attempt)),
            )
            return done == "UPDATE 1"

    async def finish(self, attempt: SignInAttempt) -> bool:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "attempt_id", attempt.attempt_id)
            done = await connection.execute(
                "DELETE FROM sign_in_attempts WHERE attempt_id = $1 AND revision = $2",
                attempt.attempt_id,
                attempt.revision,
            )
            return done == "DELETE 1"


def _to_state(attempt: SignInAttempt) -> dict[str, Any]:
    state: dict[str, Any] = {name: getattr(attempt, name) for name in _TEXTS}
    state |= {"methods": sorted(attempt.methods), "passkey": base64.b64encode(attempt.passkey).decode()}
    if (asked := attempt.request) is not None:
        state["request"] = {name: getattr(asked, name) for name in _ASKED} | {
            "scopes": sorted(asked.scopes),
            "prompts": sorted(asked.prompts),
        }
    return state


def _attempt(row: asyncpg.Record) -> SignInAttempt:
    state = json.loads(row["state"])
    return SignInAttempt(
        attempt_id=row["attempt_id"],
        secret_hash=row["secret_hash"],
        expires_at=row["expires_at"],
        revision=row["revision"],
        request=_request(state["request"]) if "request" in state else None,
        methods=frozenset(state["methods"]),
        passkey=base64.b64decode(state["passkey"]),
        **{name: state[name] for name in _TEXTS},
    )


def _request(state: dict[str, Any]) -> AuthorizationRequest:
    return AuthorizationRequest(
        scopes=frozenset(state["scopes"]),
        prompts=frozenset(state["prompts"]),
        **{name: state[name] for name in _ASKED},
    )
