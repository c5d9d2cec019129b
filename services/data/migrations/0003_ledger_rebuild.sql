-- With its position the ledger keeps what proves that the outbox is still the one that it has followed, and whether that
-- is in doubt; a rebuild from the decisions keeps how far it has come.

ALTER TABLE positions
    -- Identifier of the PostgreSQL cluster that gave the place out. Empty while unknown.
    ADD COLUMN cluster text NOT NULL DEFAULT '',
    -- SHA-256 of the event at the place. Empty while unknown.
    ADD COLUMN event bytea NOT NULL DEFAULT '',
    -- Why the source can no longer be followed from here. Empty while it can.
    ADD COLUMN lost text NOT NULL DEFAULT '';

CREATE TABLE rebuilds (
    source        text PRIMARY KEY,
    -- The place from which the source is followed when every decision has been read, fixed by the first page.
    xid           xid8,
    seq           bigint,
    cluster       text   NOT NULL DEFAULT '',
    event         bytea  NOT NULL DEFAULT '',
    -- The last decision that was read, of whatever tenant: how far the rebuild is, and nobody's row.
    last_tenant   uuid   NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    last_decision uuid   NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    decisions     bigint NOT NULL DEFAULT 0
);

GRANT SELECT, INSERT, UPDATE, DELETE ON rebuilds TO {service};
