-- Access tokens that are refused although they have not expired. One row says all there is to say of a token, a session,
-- a client, a subject or a tenant: revoking again widens it. `xid` finds what other replicas have not read yet: numbers of
-- a sequence become visible in another order than they are given.
CREATE TABLE revocations (
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    kind text NOT NULL CHECK (kind IN ('token', 'session', 'client', 'subject', 'tenant')),
    name text NOT NULL CHECK (octet_length(name) <= 512),
    -- NULL: all, also those that are issued later.
    issued_before timestamptz,
    -- NULL: for ever.
    until timestamptz,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant_id, kind, name)
);
CREATE INDEX revocations_by_xid ON revocations (xid);
CREATE INDEX revocations_by_end ON revocations (until);

ALTER TABLE revocations ENABLE ROW LEVEL SECURITY;
ALTER TABLE revocations FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON revocations USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
-- Every process is told the revocations of all tenants, and what is over goes whosever it is.
CREATE POLICY told ON revocations FOR SELECT USING ((SELECT current_setting('rampart.all_revocations', true)) = 'on');
CREATE POLICY over ON revocations FOR DELETE USING (until < now() - interval '10 minutes');

GRANT SELECT, INSERT, UPDATE, DELETE ON revocations TO {service};
