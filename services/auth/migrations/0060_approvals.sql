-- Calls that wait for a second person, or that one has decided on. Those of operators belong to the platform's own
-- tenant, which has no row.
CREATE TABLE approvals (
    approval_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    method text NOT NULL CHECK (length(method) BETWEEN 1 AND 256),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    -- What is approved, encrypted by the service: there may be an e-mail address in it. NULL once it is of no use.
    sealed_call bytea CHECK (octet_length(sealed_call) <= 20480),
    requester text NOT NULL CHECK (length(requester) BETWEEN 1 AND 256),
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'withdrawn', 'used')),
    decider text NOT NULL CHECK (length(decider) <= 256),
    decided_at timestamptz,
    -- Scopes that the decider had: the call may do no more.
    scopes text[] NOT NULL,
    CHECK ((state IN ('pending', 'approved')) = (sealed_call IS NOT NULL)),
    CHECK ((state = 'pending') = (decided_at IS NULL)),
    CHECK (state NOT IN ('approved', 'used') OR (decider <> '' AND decider <> requester))
);
CREATE UNIQUE INDEX approvals_open ON approvals (tenant_id, requester, method, digest)
    WHERE state IN ('pending', 'approved');
CREATE INDEX approvals_by_tenant ON approvals (tenant_id, approval_id);
CREATE INDEX approvals_by_expiry ON approvals (expires_at);

CREATE TABLE approval_policies (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (tenant_id),
    role_changes boolean NOT NULL
);

-- Since when a tenant that is suspended may be erased; NULL if it may not.
ALTER TABLE tenants ADD COLUMN erasure_allowed_at timestamptz
    CHECK (erasure_allowed_at IS NULL OR suspended_at IS NOT NULL);
GRANT UPDATE (erasure_allowed_at) ON tenants TO {service};

ALTER TABLE approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE approvals FORCE ROW LEVEL SECURITY;
ALTER TABLE approval_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_policies FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON approvals USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON approval_policies USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY over ON approvals USING ((SELECT rampart_cleans()) AND expires_at < (SELECT now())) WITH CHECK (false);

GRANT SELECT, INSERT, DELETE ON approvals TO {service};
GRANT UPDATE (sealed_call, state, decider, decided_at, scopes) ON approvals TO {service};
GRANT SELECT, INSERT ON approval_policies TO {service};
GRANT UPDATE (role_changes) ON approval_policies TO {service};
SELECT rampart_erasable('approvals');
SELECT rampart_erasable('approval_policies');
