"""Converts rows of PostgreSQL to users and risk profiles."""

from __future__ import annotations

import asyncpg

from services.user.domain.users import RiskProfile, User

__all__ = ["PROFILE_COLUMNS", "USER_COLUMNS", "profile_of", "user_of"]

USER_COLUMNS = "user_id, display_name, email, phone, country, created_at, updated_at, tag"
PROFILE_COLUMNS = "user_id, known, base_risk, tier, chargeback_count, country, created_at, profile_tag"


def user_of(row: asyncpg.Record) -> User:
    return User(
        user_id=row["user_id"],
        display_name=row["display_name"],
        email=row["email"],
        phone=row["phone"],
        country=row["country"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        tag=row["tag"],
    )


def profile_of(row: asyncpg.Record) -> RiskProfile:
    return RiskProfile(
        user_id=row["user_id"],
        known=row["known"],
        base_risk=row["base_risk"],
        tier=row["tier"],
        chargeback_count=row["chargeback_count"],
        country=row["country"],
        created_at=row["created_at"] if row["known"] else None,
        tag=row["profile_tag"],
    )
