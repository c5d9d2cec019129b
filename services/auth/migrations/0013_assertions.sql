-- Assertions of clients that were used, so that none is used twice (RFC 7523, section 3). Kept until they have expired.
CREATE TABLE used_assertions (
    tenant_id uuid NOT NULL,
    client_id text NOT NULL,
    -- SHA-256 of `jti`, which may be long.
    jti_hash bytea NOT NULL CHECK (octet_length(jti_hash) = 32),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, client_id, jti_hash)
);
CREATE INDEX used_assertions_by_expiry ON used_assertions (expires_at);

ALTER TABLE used_assertions ENABLE ROW LEVEL SECURITY;
ALTER TABLE used_assertions FORCE ROW LEVEL SECURITY;
CREATE POLICY own_read ON used_assertions FOR SELECT USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own_new ON used_assertions FOR INSERT WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

-- Whatever the tenant, what has expired may be deleted by a transaction that says that it cleans up; nothing else may.
CREATE POLICY old_read ON used_assertions FOR SELECT
    USING (expires_at < now() AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON used_assertions FOR DELETE
    USING (expires_at < now() AND current_setting('rampart.cleaning', true) = 'on');

GRANT SELECT, INSERT, DELETE ON used_assertions TO {service};
