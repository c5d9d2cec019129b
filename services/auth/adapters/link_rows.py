"""Writes rows of one-time links."""

from __future__ import annotations

from meshkit.storage.postgres import Connection
from services.auth.domain.links import MemberLink

__all__ = ["write_link"]


async def write_link(connection: Connection, link: MemberLink) -> None:
    """Stores a link in place of one before it."""
    await connection.execute(
        "INSERT INTO member_links (member_id, tenant_id, link_hash, kind, expires_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (member_id) DO UPDATE"
        " SET link_hash = excluded.link_hash, kind = excluded.kind, expires_at = excluded.expires_at",
        link.member_id,
        link.tenant_id,
        link.link_hash,
        link.kind.value,
        link.expires_at,
    )
