-- Decisions are kept for as long as their tenant wants, and never for less than the windows look back.

-- Days for which the decisions of a tenant are kept, where that is not the default.
CREATE TABLE decision_retention (
    tenant_id uuid PRIMARY KEY,
    days integer NOT NULL CHECK (days BETWEEN 31 AND 36500)
);
ALTER TABLE decision_retention ENABLE ROW LEVEL SECURITY;
ALTER TABLE decision_retention FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON decision_retention TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY cleaner ON decision_retention FOR SELECT TO {cleaner} USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON decision_retention TO {service};
GRANT SELECT ON decision_retention TO {cleaner};

-- The cleaner sees of all tenants when decisions were made and nothing of what they say. Whatever it asks for, nothing
-- goes that windows of 30 days may still count.
CREATE POLICY cleaner_read ON decisions FOR SELECT TO {cleaner} USING (true);
CREATE POLICY cleaner_delete ON decisions FOR DELETE TO {cleaner} USING (create_time < now() - interval '31 days');
CREATE POLICY cleaner_read ON outbox FOR SELECT TO {cleaner} USING (true);
GRANT USAGE ON SCHEMA public TO {cleaner};
GRANT SELECT (tenant_id, decision_id, create_time), DELETE ON decisions TO {cleaner};
GRANT SELECT (xid, seq, created_at) ON outbox TO {cleaner};

-- The first identifier that a decision made at a time can have (UUIDv7: milliseconds come first).
CREATE FUNCTION first_decision_id(made timestamptz) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT (lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;
