-- What the events of a key come to by day, for features over more than 30 days.

-- What is totalled of a tenant, each thing of which several features may be read.
CREATE TABLE daily_streams (
    tenant_id uuid NOT NULL,
    -- A hash of what is totalled: see domain/declared/daily.py.
    stream bigint NOT NULL,
    -- Decisions up to this one are in the totals, and none after it.
    reached uuid NOT NULL,
    -- Whether all is in them that was kept when it began.
    whole boolean NOT NULL DEFAULT false,
    -- Whether nothing needs it any more: its totals are being deleted, and this row goes last.
    dropped boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, stream)
) WITH (fillfactor = 50);
ALTER TABLE daily_streams ENABLE ROW LEVEL SECURITY;
ALTER TABLE daily_streams FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON daily_streams TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON daily_streams TO {service};

CREATE TABLE daily_totals (
    tenant_id uuid NOT NULL,
    stream bigint NOT NULL,
    -- Half of SHA-256 over secret, tenant, stream and value.
    key bytea NOT NULL,
    -- 32 days of UTC each, since 1970.
    block integer NOT NULL,
    -- The totals of its days that have any, packed: see domain/logs/days.py.
    days bytea NOT NULL,
    PRIMARY KEY (tenant_id, stream, key, block)
) WITH (fillfactor = 85, toast_tuple_target = 8160);
-- A block of every day is read with its row, as it is: compressed it would take longer than all else.
ALTER TABLE daily_totals ALTER COLUMN days SET STORAGE EXTERNAL;
-- Blocks come in their order, and the oldest go first.
CREATE INDEX daily_totals_by_block ON daily_totals USING brin (block) WITH (pages_per_range = 16);
ALTER TABLE daily_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE daily_totals FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON daily_totals TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON daily_totals TO {service};
